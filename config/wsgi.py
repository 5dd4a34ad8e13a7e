"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.edge.headers import without_charset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402  # after Django is set up, like all below
from django.urls import get_resolver  # noqa: E402

from config.database import limit_waiting  # noqa: E402


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    return _django(without_charset(environ), start_response)


def _import_pages() -> None:
    """Load the modules that a worker's first request would wait for: a quarter of a second."""
    for urlconf in (settings.ROOT_URLCONF, settings.STAFF_URLCONF):
        list(get_resolver(urlconf).reverse_dict)


limit_waiting()
_import_pages()
