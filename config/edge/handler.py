"""The handlers of a request: the chain of middlewares for pages, or the short one for SCIM.

Sessions, forms, sign-in and messages are what pages need; nothing below /scim looks at them, and to
pass them by saves a look-up 0.1 ms (decision 0041). What Django does to find and call a view for pages
is 130 calls more than an endpoint needs, so those are found and called here (decision 0129).

Requests are UTF-8: the charset that a client names is taken out before Django sees it. Django 5.2
decodes the query string with it while it makes the request object, before any middleware can answer:
`charset=bz2` is an unhandled LookupError, and so is a charset beside too many parameters. A request for an
absolute URL is one for the host in it, whatever its Host header says.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.urls import set_urlconf
from django.utils.module_loading import import_string

from tenants.middleware import is_below_scim, is_scim

_ABSOLUTE: Final = re.compile(r"[a-z][a-z0-9+.-]*://(?P<host>[^/?#]*)", re.IGNORECASE)
_CHARSET: Final = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)

_Answering = Callable[[HttpRequest], Any]  # as Django's stubs leave it open who answers


class TwoChains(BaseHandler):
    """Comes before one of Django's handlers, which says how requests arrive."""

    _scim_chain: _Answering

    def __call__(self, environ: dict[str, Any], *rest: Any) -> Any:
        """Answer one request (PEP 3333)."""
        return super().__call__(as_read(environ), *rest)  # type: ignore[misc]  # of Django's handler

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002  # the signature is Django's
        super().load_middleware(is_async)
        self._scim_chain = convert_exception_to_response(self._call_endpoint)
        for name in reversed(settings.SCIM_MIDDLEWARE):
            self._scim_chain = import_string(name)(self._scim_chain)

    def get_response(self, request: HttpRequest) -> Any:
        """The answer, after which everything that belongs to the request is closed.

        Nothing below /scim reverses a URL, so only pages have the thread know what host they are on.
        """
        if is_scim(request):
            response: Any = self._scim_chain(request)
            response._resource_closers.append(request.close)  # noqa: SLF001  # as Django's handler does
            return response
        response = super().get_response(request)
        response._resource_closers.append(_forget_urls)  # noqa: SLF001  # not before it is streamed
        return response

    def _call_endpoint(self, request: Any) -> Any:
        """Do for an endpoint what Django does for a view, less what only pages have."""
        if hasattr(request, "urlconf"):  # the staff host's, which has no endpoint
            try:
                return self._get_response(request)  # type: ignore[attr-defined]  # Django's own
            finally:
                _forget_urls()
        view, arguments = request.endpoint  # scim.api.requests
        response: Any = view(request, **arguments)
        return response.render() if hasattr(response, "render") else response


def _forget_urls() -> None:
    set_urlconf(None)


def as_read(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment as every request is read: its host by the target, its content type plain."""
    return without_nul(by_target(without_charset(environ)))


def by_target(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with the host that an absolute URL of the request names (RFC 9112 §3.2.2)."""
    found = _ABSOLUTE.match(environ.get("RAW_URI", ""))
    return environ | {"HTTP_HOST": found["host"]} if found else environ


def without_nul(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with a page's query that holds no NUL, which PostgreSQL has in no text.

    Endpoints refuse it with a reason.
    """
    query: str = environ.get("QUERY_STRING", "")
    if "%00" not in query or is_below_scim(environ.get("PATH_INFO", "")):
        return environ
    while "%00" in query:  # "%0%000" has another one when the first is gone
        query = query.replace("%00", "")
    return environ | {"QUERY_STRING": query}


def without_charset(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with a content type that names no charset."""
    named: str = environ.get("CONTENT_TYPE", "")
    if ";" not in named:
        return environ
    return environ | {"CONTENT_TYPE": _CHARSET.sub("", named)}
