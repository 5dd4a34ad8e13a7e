"""Lists as CSV: what the list's filters and search find, streamed, and safe to open in a spreadsheet.

Rows are read a chunk at a time by key, each chunk in a transaction of its own: the request's ended
with its answer, and a slow reader must not keep one open (decision 0014). So a file is no snapshot:
it holds what was there when its chunk was read.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from tenants.current import in_tenant
from tenants.models import Tenant

CHUNK: Final = 1_000  # rows
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK: Final = "\ufeff"  # Excel reads UTF-8 only with it


@dataclass(frozen=True, slots=True)
class Export:
    """A file to make: `cells` are the values of a row under `headings`; `unread` are columns of the
    table that they do not need.
    """

    name: str
    headings: Sequence[str]
    cells: Callable[[Any], Sequence[Any]]
    unread: tuple[str, ...] = ()


def answer(export: Export, tenant: Tenant, found: QuerySet[Any]) -> StreamingHttpResponse:
    """The file as it is made, newest rows first."""
    lines = _lines(export, tenant, found.order_by("-pk").defer(*export.unread))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{export.name}"'
    response["Cache-Control"] = "no-store, private"
    return response


def safe(value: Any) -> str:
    """A cell's text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def moment(at: datetime | None) -> str:
    """A moment as cells show it, in UTC; empty for none."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def _lines(export: Export, tenant: Tenant, found: QuerySet[Any]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK + _text([export.headings])
    rest = found
    while rows := _chunk(tenant, rest, export):
        keys, cells = zip(*rows, strict=True)
        yield _text(cells)
        rest = found.filter(pk__lt=keys[-1])


def _chunk(tenant: Tenant, found: QuerySet[Any], export: Export) -> list[tuple[Any, Sequence[Any]]]:
    with in_tenant(tenant):
        return [(row.pk, export.cells(row)) for row in found[:CHUNK]]


def _text(rows: Iterable[Sequence[Any]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([safe(cell) for cell in row] for row in rows)
    return written.getvalue()
