"""Totals of lists that are remembered, because counting costs more than the page (decision 0048).

A total up to EXACT is always counted. A larger one is remembered by the process for SECONDS: whoever
walks a large list page by page has it counted once, and may see a total that is so much older.
"""

import time
from typing import Any, Final

from django.db import connection

from scim.repository.sql import Sql

EXACT: Final = 10_000
SECONDS: Final = 10.0
_MAX_KNOWN: Final = 1_000

_Key = tuple[str, str, tuple[Any, ...]]
_known: Final[dict[_Key, tuple[float, int]]] = {}


def remembered(condition: Sql) -> int | None:
    """The total of what matches the condition in the tenant, None when it must be counted."""
    found = _known.get(_key(condition))
    return None if found is None or found[0] < time.monotonic() else found[1]


def remember(condition: Sql, total: int) -> None:
    """Remember a total that was counted, if it is large."""
    if total > EXACT:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[_key(condition)] = (time.monotonic() + SECONDS, total)


def forget() -> None:
    """Remember nothing; for tests."""
    _known.clear()


def _key(condition: Sql) -> _Key:
    schema: str = connection.schema_name  # type: ignore[attr-defined]  # tenants.backend
    return schema, condition.text, condition.parameters
