"""Times for people: how long ago in lists, the moment beside it in details, UTC in the title of both.

Every time on a screen is a `<time>`; templates/static/screens/screens.js adds the viewer's own zone
to its title.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.words import counted

_UNITS: Final = ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min"))
_AS_A_DATE: Final = timedelta(days=7)  # before and after that, a date says more than a distance


def absolute(at: datetime) -> str:
    """The moment to the second, as the logs of other systems have it: "2026-11-29 11:22:28 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def relative(at: datetime, now: datetime) -> str:
    """The moment as people say it: "4 min ago", "in 6 days", "12 Nov", "12 Nov 2025"."""
    distance = abs(now - at)
    if distance >= _AS_A_DATE:
        moment, year = at.astimezone(UTC), now.astimezone(UTC).year
        return (
            f"{moment.day} {moment:%b}" if moment.year == year else f"{moment.day} {moment:%b %Y}"
        )
    seconds = int(distance.total_seconds())
    for size, one, many in _UNITS:
        if seconds >= size:
            number = seconds // size
            words = counted(number, one, many)
            return f"{words} ago" if at <= now else f"in {words}"
    return "just now" if at <= now else "in less than a minute"


def in_list(at: datetime, now: datetime) -> SafeString:
    """The time for a cell of a list: relative, the moment in the title."""
    return _time(at, relative(at, now))


def clock_time(at: datetime) -> SafeString:
    """The time of day, for rows below a line that names the day."""
    return _time(at, f"{at.astimezone(UTC):%H:%M:%S}")


def in_details(at: datetime, now: datetime) -> SafeString:
    """The time for a page of details: the moment, and how long ago that is."""
    return format_html(
        '{} <span class="quiet">{}</span>', _time(at, absolute(at)), relative(at, now)
    )


def _time(at: datetime, shown: str) -> SafeString:
    moment = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        absolute(at),
        shown,
    )
