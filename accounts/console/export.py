"""Lists as CSV: what the list's filters and search find, streamed, and safe to open in a spreadsheet.

Rows are read a chunk at a time by key, each chunk in a transaction of its own: the request's ended
with its answer, and a slow reader must not keep one open (decision 0014). So a file is no snapshot:
it holds what was there when its chunk was read.
"""

import csv
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from accounts.actions.performing import note_export
from accounts.console.action import Action, Call
from accounts.console.screen import RecordAdmin
from accounts.signed_in import may, way_back
from tenants.words import counted
from tenants.yielding import computing, in_turns

CHUNK: Final = 1_000  # rows
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NOT_A_FILTER: Final = frozenset({"p", "o", "q"})  # page, order and search of a list
_CONTENTS: Final = (
    "The file has a line for each of them, newest first. Cells that a spreadsheet would take for a"
    " formula begin with an apostrophe."
)
_BYTE_ORDER_MARK: Final = "\ufeff"  # Excel reads UTF-8 only with it

M = TypeVar("M", bound=Model)
Back = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Export:
    """A file to make: `cells` are the values of a row under `headings`."""

    name: str
    headings: Sequence[str]
    cells: Callable[[Any], Sequence[Any]]
    unread: tuple[str, ...] = ()  # columns of the table that the cells do not need
    notice: str = ""  # a sentence about what the file leaves out


class ExportingAdmin(RecordAdmin[M]):
    """A screen with a button that exports what its list shows."""

    export_permission: ClassVar[str]

    @abstractmethod
    def export(self, request: HttpRequest) -> Export:
        """The file to make, as the request's account gets to see it."""

    def actions_of_screen(self) -> tuple[Action[Any], ...]:
        things = self.counted_as[1]
        export = Action(
            name="export",
            on_list=True,
            needs_proof=True,
            permission=self.export_permission,
            title=f"Export {things}?",
            text=self._described,
            submit="Export as CSV",
            run=self._exported,
        )
        return (*super().actions_of_screen(), export)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if may(request, self.export_permission):
            shown = {name: value for name, value in request.GET.items() if name not in {"p", "o"}}
            query = f"?{urlencode(shown)}" if shown else ""
            context["export_path"] = reverse(self.url_name("export")) + query
        return super().changelist_view(request, context)

    def _exported(self, call: Call[None]) -> StreamingHttpResponse:
        listed, parameters = self._listed(call.request), call.request.GET.items()
        filters = [f"{key}={value}" for key, value in parameters if key not in _NOT_A_FILTER]
        note_export(call.actor, self.export_permission, self.counted_as[1], filters)
        return answer(self.export(call.request), listed.queryset)

    def _described(self, call: Call[None]) -> str:
        listed = self._listed(call.request)
        one, many = self.counted_as
        count = listed.result_count
        number = f"{counted(count, one, many)} will be exported."
        if getattr(listed.paginator, "is_bounded", False):
            number = f"More than {count:,} {many} are exported."
        return f"{number}\n{_CONTENTS}\n{self.export(call.request).notice}"

    def _listed(self, request: HttpRequest) -> Any:
        """The list that the query string asks for. Raises Http404 for one that is none."""
        try:
            return self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise Http404("There is no such list.") from None


def answer(export: Export, found: QuerySet[Any]) -> StreamingHttpResponse:
    """The file as it is made, newest rows first."""
    lines = _lines(export, way_back(), found.order_by("-pk").defer(*export.unread))
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


def _lines(export: Export, back: Back, found: QuerySet[Any]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK + _text([export.headings])
    rest = found
    while rows := _chunk(back, rest, export):
        keys, cells = zip(*rows, strict=True)
        yield _text(cells)
        rest = found.filter(pk__lt=keys[-1])


def _chunk(back: Back, found: QuerySet[Any], export: Export) -> list[tuple[Any, Sequence[Any]]]:
    with back(), computing():
        return [(row.pk, export.cells(row)) for row in in_turns(found[:CHUNK])]


def _text(rows: Iterable[Sequence[Any]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([safe(cell) for cell in row] for row in rows)
    return written.getvalue()
