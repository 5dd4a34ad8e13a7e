"""Users who stopped being active: noted with the change, counted without looking at all users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

# One statement notes any number of users and answers how many left lately: those before them, as
# PostgreSQL shows a statement the rows that were there when it began.
_ADD: Final = """
WITH added AS (
    INSERT INTO scim_departure (at, user_id) SELECT %(at)s, unnest(%(users)s::uuid[])
)
SELECT count(*) FROM (
    SELECT 1 FROM scim_departure WHERE at > %(since)s AND undone_at IS NULL ORDER BY at LIMIT %(most)s
) AS recent
"""
_COUNT: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM scim_departure WHERE at >= %s AND undone_at IS NULL ORDER BY at LIMIT %s
) AS bounded
"""
_LEFT: Final = """
SELECT count(*), min(first) FROM (
    SELECT user_id, min(at) AS first FROM scim_departure WHERE at >= %s AND undone_at IS NULL
    GROUP BY user_id
) AS leavers
"""
_IN_PERIOD: Final = """
SELECT count(DISTINCT user_id) FROM scim_departure
WHERE at >= %s AND at <= %s AND undone_at IS NULL
"""
# Ordered by what only the index of active users is ordered by: its cost is the limit. Along any other
# PostgreSQL might pass over all who are disabled.
_ACTIVE: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM scim_resource
    WHERE resource_type = 'User' AND deleted_at IS NULL AND (active OR active IS NULL)
    ORDER BY created LIMIT %s
) AS bounded
"""


@dataclass(frozen=True, slots=True)
class Left:
    """The number of users who left since a moment, each counted once, and the first departure."""

    users: int
    first: datetime | None


def add(users: Sequence[UUID], at: datetime, since: datetime, most: int) -> int:
    """Note that the users leave; return the number of departures since a moment, at most `most`."""
    parameters: dict[str, Any] = {"at": at, "users": list(users), "since": since, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_ADD, parameters)
        (recent,) = cursor.fetchone()
    return int(recent)


def is_reached(since: datetime, number: int) -> bool:
    """True if there were so many departures from the moment on; who left twice counts twice."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [since, number])
        return bool(cursor.fetchone()[0] >= number)


def left_from(since: datetime) -> Left:
    """The users who left from the moment on and were not brought back by an undo."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [since])
        return Left(*cursor.fetchone())


def active_users(most: int) -> int:
    """The number of active users, counted up to `most`."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE, [most])
        (found,) = cursor.fetchone()
    return int(found)


def in_period(since: datetime, until: datetime) -> int:
    """The number of users who left from one moment to another and were not brought back."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_PERIOD, [since, until])
        return int(cursor.fetchone()[0])
