"""Periods that lists are filtered by."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from tenants import clock

_PERIODS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}


def since(condition: Callable[[datetime], Q]) -> dict[str, tuple[str, Callable[[], Q]]]:
    """The conditions of a filter by period; `condition` says what is since a moment."""

    def of(period: timedelta) -> Callable[[], Q]:
        return lambda: condition(clock.now() - period)

    return {value: (label, of(period)) for value, (label, period) in _PERIODS.items()}
