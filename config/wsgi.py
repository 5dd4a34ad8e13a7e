"""The WSGI application that gunicorn serves."""

import os
from functools import lru_cache

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  # after Django is set up, like all below
from django.core.cache import close_caches  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import reset_queries  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from config.database import limit_waiting  # noqa: E402
from config.edge.handler import TwoChains  # noqa: E402
from config.lanes import NOBODY, host_in  # noqa: E402
from tenants import hostnames, resolution  # noqa: E402


class _Application(TwoChains, WSGIHandler):
    """The application, which answers one request a call (PEP 3333)."""

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
    """Leave out of each request the receivers that have nothing to do: no cache, no query is kept."""
    request_started.disconnect(reset_queries)
    request_finished.disconnect(close_caches)


limit_waiting()
_listen_less()
_import_pages()
