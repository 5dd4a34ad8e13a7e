"""A list's filter as a table from the value in the query string to a label and a condition."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

Conditions = Mapping[str, tuple[str, Callable[[], Q]]]


class TableFilter(SimpleListFilter):
    """Offers the conditions of the table; a value that is not in it filters nothing."""

    conditions: Conditions = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = self.conditions.get(self.value() or "")
        return queryset.filter(known[1]()) if known else queryset
