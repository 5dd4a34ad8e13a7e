"""Requests are UTF-8: the charset that a client names is taken out before Django sees it.

Django 5.2 decodes the query string with it while it makes the request object, before any middleware
can answer: `charset=bz2` is an unhandled LookupError, and so is a charset beside too many parameters.
"""

import re
from typing import Any, Final

_CHARSET: Final = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)


def without_charset(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with a content type that names no charset."""
    named: str = environ.get("CONTENT_TYPE", "")
    if ";" not in named:
        return environ
    return environ | {"CONTENT_TYPE": _CHARSET.sub("", named)}
