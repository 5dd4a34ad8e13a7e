"""Response headers that Django does not set, and a request header that it must not read.

Requests are UTF-8: the charset that a client names is taken out before Django sees it. Django 5.2
decodes the query string with it while it makes the request object, before any middleware can answer:
`charset=bz2` is an unhandled LookupError, and so is a charset beside too many parameters.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse

# Features of the browser that no page needs. Of all, pages use the clipboard, for copy buttons.
_REFUSED: Final = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
PERMISSIONS_POLICY: Final = ", ".join(
    [*(f"{feature}=()" for feature in _REFUSED), "clipboard-write=(self)"]
)
_CHARSET: Final = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)


class HeadersMiddleware:
    """Says where a page may load from, refuses what no page needs, and origins that would embed one.

    The policy is the same for all answers, so it is built once: django-csp's own middleware builds
    it for each, which cost an Entra request 0.08 ms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._policy = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response[HEADER] = self._policy
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def without_charset(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with a content type that names no charset."""
    named: str = environ.get("CONTENT_TYPE", "")
    if ";" not in named:
        return environ
    return environ | {"CONTENT_TYPE": _CHARSET.sub("", named)}
