"""The charts of a tenant's first page: requests, answer times, and users over time.

Requests a day are counted as they come (tenants.traffic). The others are read from the log and the users
along their keys, which sort by time, in pieces of bounded size, whatever the size of the tables
(decision 0110): nothing is stored for them and no request pays.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from accounts.console.chart import HALF, Chart, Choice, Series, bar_chart
from accounts.screens.failures import LOG
from accounts.screens.overview import PERIODS, choices_of, days_of, requests_chart
from scim.protocol import urns
from tenants import clock
from tenants.models import Tenant, TrafficDay
from tenants.words import counted

HOURS: Final = "24h"
MOST_AN_HOUR: Final = 20_000  # rows of the log that a bar counts
SAMPLE: Final = 500  # requests of a bar, the newest, whose times are compared
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_CHARTED_HOURS: Final = 24

_REQUESTS: Final = """
SELECT bar.place, COALESCE(sum(found.count), 0),
    COALESCE(sum(found.count) FILTER (WHERE found.status >= 400), 0)
FROM unnest(%(starts)s::uuid[], %(ends)s::uuid[]) WITH ORDINALITY AS bar(first, after, place)
CROSS JOIN LATERAL (
    SELECT count, status FROM scim_provisioningevent
    WHERE id >= bar.first AND id < bar.after ORDER BY id DESC LIMIT %(most)s
) AS found
GROUP BY bar.place
"""
_TIMES: Final = """
SELECT bar.place, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY found.duration_ms)
FROM unnest(%(starts)s::uuid[], %(ends)s::uuid[]) WITH ORDINALITY AS bar(first, after, place)
CROSS JOIN LATERAL (
    SELECT duration_ms FROM scim_provisioningevent
    WHERE id >= bar.first AND id < bar.after ORDER BY id DESC LIMIT %(most)s
) AS found
WHERE found.duration_ms IS NOT NULL
GROUP BY bar.place
"""
# By the index of those that are there: all of them, whose bucket is 0, and the ones since the first bar.
_CREATED: Final = """
SELECT 0, count(*) FROM scim_resource WHERE resource_type = %(type)s AND deleted_at IS NULL
UNION ALL
SELECT width_bucket(id, %(starts)s::uuid[]), count(*) FROM scim_resource
WHERE resource_type = %(type)s AND deleted_at IS NULL AND id >= %(first)s GROUP BY 1
"""
# A user counts from its creation until it was deleted.
_DELETED: Final = """
SELECT width_bucket(id, %(starts)s::uuid[]), width_bucket(deleted_at, %(moments)s::timestamptz[]), count(*)
FROM scim_resource WHERE resource_type = %(type)s AND deleted_at >= %(since)s GROUP BY 1, 2
"""


def charts(tenant: Tenant, now: datetime, asked: str) -> tuple[SafeString, SafeString, SafeString]:
    """The charts of the current tenant, which `tenant` is, of the period that is asked for: four statements."""
    starts = _starts(now, asked)
    choices = choices_of((HOURS, *PERIODS), asked)
    if asked == HOURS:
        first = _requests_an_hour(starts, now, choices)
    else:
        days = TrafficDay.objects.filter(tenant=tenant)
        first = requests_chart(days, now.date(), days_of(asked), choices, _log_of_day)
    return first, _answer_times(starts, now), _users(starts, now)


def _starts(now: datetime, asked: str) -> list[datetime]:
    """The moments at which the bars of the period begin."""
    if asked == HOURS:
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return [hour - _HOUR * back for back in reversed(range(_CHARTED_HOURS))]
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    return [today - _DAY * back for back in reversed(range(days_of(asked)))]


def _labels(starts: Sequence[datetime]) -> tuple[str, ...]:
    if starts[1] - starts[0] < _DAY:
        return tuple(f"{start:%H:%M}" for start in starts)
    return tuple(f"{start.day} {start:%b}" for start in starts)


def _ids(starts: Sequence[datetime], now: datetime) -> dict[str, list[UUID]]:
    """The first key of each bar and the first after it."""
    keys = [clock.first_id_at(start) for start in (*starts, now + _HOUR)]
    return {"starts": keys[:-1], "ends": keys[1:]}


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _requests_an_hour(
    starts: Sequence[datetime], now: datetime, choices: tuple[Choice, ...]
) -> SafeString:
    rows = _rows(_REQUESTS, _ids(starts, now) | {"most": MOST_AN_HOUR})
    found = {int(place) - 1: (int(total), int(failed)) for place, total, failed in rows}
    counts = [found.get(place, (0, 0)) for place in range(len(starts))]
    return bar_chart(
        Chart(
            "requests",
            "Requests an hour, the last 24 hours (UTC)",
            _labels(starts),
            (
                Series(
                    "Answered",
                    tuple(total - failed for total, failed in counts),
                    "ok",
                    tuple(_log(f"{start:%Y-%m-%dT%H}", "all") for start in starts),
                ),
                Series(
                    "Refused",
                    tuple(failed for _, failed in counts),
                    "failing",
                    tuple(_log(f"{start:%Y-%m-%dT%H}", "refused") for start in starts),
                ),
            ),
            empty="No request has come in the last 24 hours.",
            choices=choices,
        )
    )


def _answer_times(starts: Sequence[datetime], now: datetime) -> SafeString:
    rows = _rows(_TIMES, _ids(starts, now) | {"most": SAMPLE})
    found = {int(place) - 1: times for place, times in rows}
    times = [found.get(place, (0.0, 0.0)) for place in range(len(starts))]
    slow, usual = (tuple(round(each[at], 1) for each in times) for at in (1, 0))
    return bar_chart(
        Chart(
            "answer-times",
            "Answer time in milliseconds",
            _labels(starts),
            (Series("95 % within", slow, "unknown"), Series("Half within", usual)),
            summary=f"The newest {SAMPLE} requests of each bar: at most {max(slow):g} ms for 95 % of them.",
            empty="No request was answered in this period.",
            is_stacked=False,
            width=HALF,
        )
    )


def _users(starts: Sequence[datetime], now: datetime) -> SafeString:
    """Users that there were at the end of each bar."""
    keys = _ids(starts, now)["starts"]
    named = {"starts": keys, "type": urns.USER_TYPE}
    change = [0] * (len(starts) + 1)
    for bucket, number in _rows(_CREATED, named | {"first": keys[0]}):
        change[bucket] += number
        change[0] -= number if bucket else 0
    deleted = {"moments": list(starts), "since": starts[0]}
    for created, ended, number in _rows(_DELETED, named | deleted):
        change[created] += number
        change[ended] -= number
    counts, total = [], 0
    for number in change:
        total += number
        counts.append(total)
    return bar_chart(
        Chart(
            "users",
            "Users at the end of each " + ("hour" if starts[1] - starts[0] < _DAY else "day"),
            _labels(starts),
            (Series("Users", tuple(counts[1:])),),
            summary=f"{counted(counts[1], 'user')} at the first bar, {counts[-1]:,} at the last.",
            empty="No users yet: Entra sends them in the first cycle.",
            width=HALF,
        )
    )


def _log_of_day(day: date, outcome: str) -> str:
    return _log(day.isoformat(), outcome)


def _log(period: str, outcome: str) -> str:
    """The path of the requests of a day or an hour; "" where an installation has no log's screen."""
    try:
        return f"{reverse(LOG)}?period={period}&outcome={outcome}"
    except NoReverseMatch:
        return ""
