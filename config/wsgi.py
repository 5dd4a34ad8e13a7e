"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.charset import without_charset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from config.database import limit_waiting  # noqa: E402  # after Django is set up

limit_waiting()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers one request (PEP 3333)."""
    return _django(without_charset(environ), start_response)
