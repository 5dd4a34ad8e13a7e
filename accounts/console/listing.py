"""The parts of lists: cheap counting, and filters by a table of conditions."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from tenants import clock

COUNTED_ROWS: Final = 10_000  # a list says "more than" instead of counting a huge table to its end

# From the value in the query string to a label and a condition.
Conditions = Mapping[str, tuple[str, Callable[[], Q]]]

_PERIODS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts at most COUNTED_ROWS rows; what lies behind them is found by search and filters."""

    object_list: Any

    @cached_property
    def count(self) -> int:
        """The number of rows, at most COUNTED_ROWS."""
        return min(self._counted, COUNTED_ROWS)

    @property
    def is_bounded(self) -> bool:
        """True when there are more rows than were counted."""
        return self._counted > COUNTED_ROWS

    @cached_property
    def _counted(self) -> int:
        return int(self.object_list.order_by()[: COUNTED_ROWS + 1].count())


class Asked(ChangeList):
    """A list as a query string asks for it; one that there is not is 400.

    Django takes what a visitor typed for an attack, and has the log tell of it as an error with its stack.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        try:
            super().__init__(*arguments, **named)
        except (DisallowedModelAdminLookup, DisallowedModelAdminToField):
            raise BadRequest from None


class Listed(Asked):
    """A list without Django's second count, which would repeat the one below it as if it were whole."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count
        screen: Any = self.model_admin  # a RecordAdmin
        screen.prepare(request, self.result_list)
        self.nothing_hint = screen.nothing_hint(request)
        self.search_help_text = screen.search_help(request)
        self.news_path = screen.news_path(request, self)


class Matching(Asked):
    """The rows that match the search and the filters of a request, as `queryset`; none is read."""

    def get_results(self, request: HttpRequest) -> None:
        """Read nothing."""

    def url_for_result(self, result: Any) -> str:
        """The page that the row's name leads to."""
        screen: Any = self.model_admin
        return str(screen.path_in_list(result))


class TableFilter(SimpleListFilter):
    """Offers the conditions of the table; a value that is not in it filters nothing."""

    conditions: Conditions = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = self.conditions.get(self.value() or "")
        return queryset.filter(known[1]()) if known else queryset


def since(condition: Callable[[datetime], Q]) -> dict[str, tuple[str, Callable[[], Q]]]:
    """The conditions of a filter by period; `condition` says what is since a moment."""

    def of(period: timedelta) -> Callable[[], Q]:
        return lambda: condition(clock.now() - period)

    return {value: (label, of(period)) for value, (label, period) in _PERIODS.items()}


def uuid_in(text: str) -> UUID | None:
    """The UUID that the text is, None when it is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
