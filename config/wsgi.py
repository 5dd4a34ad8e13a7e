"""The WSGI application that gunicorn serves."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  # after Django is set up, like all below
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from config.database import limit_waiting  # noqa: E402
from config.edge.handler import TwoChains  # noqa: E402


class _Application(TwoChains, WSGIHandler):
    """The application, which answers one request a call (PEP 3333)."""


application = _Application()


def _import_pages() -> None:
    """Load the modules that a worker's first request would wait for: a quarter of a second."""
    for urlconf in (settings.ROOT_URLCONF, settings.STAFF_URLCONF):
        list(get_resolver(urlconf).reverse_dict)


limit_waiting()
_import_pages()
