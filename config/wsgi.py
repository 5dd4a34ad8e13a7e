"""The WSGI application that gunicorn serves."""

import os
from functools import lru_cache
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  # after Django is set up, like all below
from django.core.cache import close_caches  # noqa: E402
from django.core.handlers.base import reset_urlconf  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import close_old_connections, reset_queries  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from config.database import (  # noqa: E402
    keep_by_thread,
    limit_waiting,
    look_after,
    share_sessions,
)
from config.edge.handler import TwoChains, as_read  # noqa: E402
from config.lanes import NOBODY, host_in  # noqa: E402
from tenants import hostnames, resolution  # noqa: E402


class _Application(TwoChains, WSGIHandler):
    """The application, which answers one request a call (PEP 3333)."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request (PEP 3333), as Django's handler does.

        That one first works out the path below which all is served, which is none here, and looks up
        each header by its name: 70 calls.
        """
        request_started.send(sender=self.__class__, environ=environ)
        response: Any = self.get_response(WSGIRequest(as_read(environ)))
        response._handler_class = self.__class__  # noqa: SLF001  # as Django's handler notes it
        cookies = (("Set-Cookie", each.output(header="")) for each in response.cookies.values())
        headers = [*response.headers._store.values(), *cookies]  # noqa: SLF001  # pairs, as they are
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        if getattr(response, "file_to_stream", None) is not None and "wsgi.file_wrapper" in environ:
            response.file_to_stream.close = response.close  # the server closes what it streams
            return environ["wsgi.file_wrapper"](response.file_to_stream, response.block_size)
        return response

    def lane_of(self, head: bytes) -> str:
        """The lane of a request that begins so (config.lanes): that of its tenant, once it is known."""
        tenant = resolution.remembered(_parse_host(host_in(head)) or "")
        return NOBODY if tenant is None else tenant.schema_name


_parse_host = lru_cache(maxsize=1024)(hostnames.parse_host)


application = _Application()


def _import_pages() -> None:
    """Load the modules that a worker's first request would wait for: a quarter of a second."""
    for urlconf in (settings.ROOT_URLCONF, settings.STAFF_URLCONF):
        list(get_resolver(urlconf).reverse_dict)


def _listen_less() -> None:
    """Leave out of each request the receivers that have nothing to do.

    No cache, no query is kept; connections that broke were closed when their request ended; and the
    handler knows which requests have URLs to forget.
    """
    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
    for receiver in (close_caches, close_old_connections, reset_urlconf):
        request_finished.disconnect(receiver)
    request_finished.connect(look_after)


limit_waiting()
share_sessions()
keep_by_thread()
_listen_less()
_import_pages()
