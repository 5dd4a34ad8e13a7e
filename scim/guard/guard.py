"""The guard against mass deactivation: when it is an alarm, and whether further departures wait.

The times are chosen so that a hold cannot drive Entra into quarantine (decision 0016): Entra repeats
what is answered 429 in its next cycle, and quarantines from 5,000 failures on. So a hold ends by
itself GRACE after it was noticed, or after MOST_REFUSED refusals, whatever comes first.

Nobody counts all users: how many have to leave for an alarm follows from how many left and from a
count of the active ones that ends where it can no longer matter (decision 0022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from scim.protocol.errors import Held
from tenants.backend.base import Late, execute_late
from tenants.connectivity import CYCLE
from tenants.models import Alarm, Guard, Tenant

WINDOW: Final = timedelta(hours=1)
GRACE: Final = timedelta(hours=4)
MOST_REFUSED: Final = 2_500
_OPEN: Final = Alarm.Outcome.OPEN
_HELD: Final = (
    "Unusually many users were deactivated or deleted within an hour, so further ones are delayed until"
    " somebody has reviewed them. Nothing is lost: repeat the request later."
)
# One statement notes any number of users and answers how many left lately before them. PostgreSQL shows
# a statement the rows that were there when it began, Citus also those that it has inserted.
_ADD: Final = """
WITH added AS (
    INSERT INTO scim_departure (at, user_id) SELECT %(at)s, unnest(%(users)s::uuid[])
)
SELECT count(*) FROM (
    SELECT 1 FROM scim_departure
    WHERE at > %(since)s AND undone_at IS NULL AND NOT (at = %(at)s AND user_id = ANY(%(users)s::uuid[]))
    ORDER BY at LIMIT %(most)s
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


@dataclass(frozen=True, slots=True)
class Standing:
    """The distance of a tenant from an alarm.

    `active_before` is the number of users who were active before those who left, or a number that
    it is not below: then no alarm is near.
    """

    left: Left
    active_before: int
    needed: int  # departures that are an alarm

    @property
    def is_alarming(self) -> bool:
        return self.left.users >= self.needed


@dataclass(frozen=True, slots=True)
class Situation:
    """The alarm that nobody has settled, if there is one, and from when on departures count."""

    alarm: Alarm | None
    since: datetime
    has_lapsed: bool  # an alarm is open that is older than the grace


def held() -> Held:
    """The refusal of a departure that has to wait."""
    return Held("guard.held", _HELD, int(CYCLE.total_seconds()))


def settings_of(tenant: Tenant) -> Guard:
    """The tenant's own, or the defaults: one statement."""
    return Guard.objects.filter(tenant=tenant).first() or Guard(tenant=tenant)


def known_settings(tenant: Tenant) -> Guard:
    """`settings_of` without a statement for a request's tenant, as it was when the request began."""
    known: Guard | None = getattr(tenant, "guard", None)
    return known or Guard(tenant=tenant)


def open_alarm(tenant: Tenant) -> Alarm | None:
    """The alarm that nobody has settled: one statement."""
    return Alarm.objects.filter(tenant=tenant, outcome=_OPEN).first()


def may_hold(tenant: Tenant, now: datetime) -> bool:
    """True if departures may have to wait, after an alarm within the grace.

    No statement, as of the request's beginning.
    """
    known = known_settings(tenant)
    return known.holds and known.alarm_until is not None and known.alarm_until > now


def check(tenant: Tenant, now: datetime) -> None:
    """Raise Held while departures are held. One statement where an alarm may hold them, else none."""
    if may_hold(tenant, now) and holding(tenant, now).exists():
        raise held()


def holding(tenant: Tenant, now: datetime) -> QuerySet[Alarm]:
    """The alarm because of which departures wait."""
    return Alarm.objects.filter(
        tenant=tenant,
        outcome=_OPEN,
        tenant__guard__holds=True,
        noticed_at__gt=now - GRACE,
        refused__lt=MOST_REFUSED,
    )


def hold_ends(tenant: Tenant, alarm: Alarm, now: datetime) -> datetime | None:
    """Until when departures wait because of the alarm, None when they do not: one statement."""
    end = alarm.noticed_at + GRACE
    is_held = alarm.outcome == _OPEN and end > now and alarm.refused < MOST_REFUSED
    return end if is_held and settings_of(tenant).holds else None


def note_refused(tenant: Tenant) -> None:
    """Count a request that was held: one statement."""
    add_refused(tenant, 1)


def add_refused(tenant: Tenant, number: int) -> bool:
    """Count requests that were held: one statement. True if an alarm is open."""
    alarms = Alarm.objects.filter(tenant=tenant, outcome=_OPEN)
    return bool(alarms.update(refused=F("refused") + number))


def situation(tenant: Tenant, now: datetime) -> Situation:
    """The open alarm and the start of the window, which is not before an alarm was settled.

    One statement. An open alarm that is older than the grace counts as settled at its end.
    """
    start = now - WINDOW
    found = Alarm.objects.filter(Q(outcome=_OPEN) | Q(settled_at__gt=start), tenant=tenant)
    alarm, has_lapsed = None, False
    for each in found:
        if each.outcome != _OPEN:
            start = max(start, each.settled_at or start)
        elif each.noticed_at <= now - GRACE:
            start, has_lapsed = max(start, each.noticed_at + GRACE), True
        else:
            alarm = each
    return Situation(alarm, start, has_lapsed)


def standing(guard: Guard, since: datetime, more: int | None = None) -> Standing:
    """The departures since the moment, and the number that is an alarm. Two statements.

    The active users are counted as far as it matters while no more than `more` further ones leave,
    as many as left if that is not given.
    """
    left = left_from(since)
    further = left.users if more is None else more
    limit = (left.users + further) * 100 // guard.share_percent + 1
    before = active_users(limit) + left.users
    return Standing(left, before, max(guard.least, before * guard.share_percent // 100 + 1))


def add(users: Sequence[UUID], at: datetime, since: datetime, most: int) -> Late:
    """Note that the users leave, with the commit; what comes back counts departures.

    They are those since a moment without these, at most `most`.
    """
    parameters: dict[str, Any] = {"at": at, "users": list(users), "since": since, "most": most}
    return execute_late(_ADD, parameters)


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
