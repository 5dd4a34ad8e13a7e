"""The guard's look at departures: when it takes place, and how it alerts people.

It looks after the commit of a change by which a user left, at most once a second a tenant and process;
once more within the second when the departure that was needed for an alarm has come. A look that was
put off is made by the next departure, or by a thread of the worker (LOOKS). A failing look is logged
and tried again: the change is made and its answer stands.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts import mail
from scim.guard import guard
from scim.guard.guard import GRACE, Standing
from scim.provider.features import Round
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Alarm, Guard, Tenant

LOOK_EVERY: Final = timedelta(seconds=1)
RETRY_AFTER: Final = timedelta(seconds=5)  # after a look that failed
BELIEVED: Final = timedelta(minutes=1)  # how long the number needed for an alarm is
USERS_A_SECOND: Final = 20_000  # an open alarm counts who left, more seldom the more they are
COUNTED: Final = 500  # departures that the statement of a change counts at most
MAX_WATCHED: Final = 10_000  # tenants that a process remembers
SEE: Final = "tenants.view_alarm"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """The findings of a look: the number of departures that is an alarm; if one is open, its users."""

    needed: int
    users: int | None = None


@dataclass(slots=True)
class _Watch:
    """The memory of a process about one tenant."""

    tenant: Tenant
    needed: int = 0
    needed_at: datetime = _LONG_AGO  # when that was found
    begun_at: datetime = _LONG_AGO  # the last look
    pause: timedelta = LOOK_EVERY  # until the next
    is_pending: bool = False
    may_hurry: bool = True  # once between two looks, and not while an alarm is open
    refused: int = 0  # held within bulk requests and not yet added to the alarm

    def rests(self, now: datetime) -> bool:
        """True until the pause is over; a clock that was set back does not prolong it."""
        return abs(now - self.begun_at) < self.pause

    def known(self, now: datetime) -> int:
        """The number of departures that was an alarm at the last look; 0 when that is not known."""
        return self.needed if abs(now - self.needed_at) < BELIEVED else 0


class _Watches:
    """The tenants in which somebody left lately; safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watches: dict[UUID, _Watch] = {}

    def needed(self, tenant: Tenant, now: datetime) -> int:
        """The number of departures that was an alarm at the last look; 0 when that is not known."""
        watch = self._watches.get(tenant.id)
        return watch.known(now) if watch else 0

    def is_due(self, tenant: Tenant, now: datetime, recent: int, refused: int) -> bool:
        """True if the guard has to look now; else it is remembered if it has to later."""
        with self._lock:
            watch = self._of(tenant)
            watch.refused += refused
            needed = watch.known(now)
            is_counted = 0 < needed <= COUNTED
            if is_counted and recent < needed and not watch.refused:
                return False
            hurries = bool(refused) or (is_counted and watch.may_hurry)
            if watch.rests(now) and not hurries:
                watch.is_pending = True
                return False
            self._begin(watch, now, may_hurry=not hurries)
            return True

    def take_refused(self, tenant: Tenant) -> int:
        with self._lock:
            watch = self._of(tenant)
            refused, watch.refused = watch.refused, 0
            return refused

    def looked(self, tenant: Tenant, now: datetime, seen: Seen) -> None:
        with self._lock:
            watch = self._of(tenant)
            if seen.needed != watch.known(now):
                watch.needed, watch.needed_at = seen.needed, now
            if seen.users is not None:
                watch.may_hurry = False
                watch.pause = LOOK_EVERY * (1 + seen.users / USERS_A_SECOND)

    def failed(self, tenant: Tenant, refused: int) -> None:
        with self._lock:
            watch = self._of(tenant)
            watch.refused += refused
            watch.pause, watch.may_hurry = RETRY_AFTER, False
            watch.is_pending = True

    def take_pending(self, now: datetime, *, only_due: bool) -> list[Tenant]:
        """The tenants whose looks were put off, and are made now."""
        with self._lock:
            pending = [watch for watch in self._watches.values() if watch.is_pending]
            due = [watch for watch in pending if not (only_due and watch.rests(now))]
            for watch in due:
                self._begin(watch, now, may_hurry=True)
            return [watch.tenant for watch in due]

    def forget(self) -> None:
        with self._lock:
            self._watches.clear()

    def _of(self, tenant: Tenant) -> _Watch:
        if tenant.id not in self._watches and len(self._watches) >= MAX_WATCHED:
            self._watches.pop(next(iter(self._watches)))
        watch = self._watches.setdefault(tenant.id, _Watch(tenant))
        watch.tenant = tenant
        return watch

    def _begin(self, watch: _Watch, now: datetime, *, may_hurry: bool) -> None:
        watch.is_pending, watch.may_hurry = False, may_hurry
        watch.begun_at, watch.pause = now, LOOK_EVERY


_watches: Final = _Watches()


def count_up_to(tenant: Tenant) -> int:
    """The number of departures that a change counts, to tell whether the guard must look."""
    least = guard.known_settings(tenant).least
    return min(max(least, _watches.needed(tenant, clock.now())), max(least, COUNTED))


def left(tenant: Tenant, recent: int, refused: int = 0) -> None:
    """Look if it is time to, after the commit of a change by which users left. Raises nothing.

    `recent` is how many left within the window, counted up to `count_up_to`; `refused` how many more
    had to wait.
    """
    if refused and _note_refused(tenant, refused):
        refused = 0
    if recent < guard.known_settings(tenant).least and not refused:
        return
    if _watches.is_due(tenant, clock.now(), recent, refused):
        _look(tenant)


def look_at_pending(*, only_due: bool = False) -> int:
    """Make the looks that were put off; the number of them. Raises nothing."""
    tenants = _watches.take_pending(clock.now(), only_due=only_due)
    for tenant in tenants:
        _look(tenant)
    return len(tenants)


def _look_at_due() -> None:
    if look_at_pending(only_due=True):
        connection.close()


def _look_at_all() -> None:
    look_at_pending()
    connection.close()


LOOKS: Final = Round(LOOK_EVERY.total_seconds(), _look_at_due, _look_at_all)


def forget() -> None:
    """Forget all tenants, in this process."""
    _watches.forget()


def _look(tenant: Tenant) -> None:
    now = clock.now()
    needed, refused = _watches.needed(tenant, now), _watches.take_refused(tenant)
    try:
        seen = look(tenant, now, needed, refused)
    except Exception:  # the change is committed, and so is its answer
        _logger.exception("The guard could not look at the departures; it tries again.")
        _watches.failed(tenant, refused)
    else:
        _watches.looked(tenant, now, seen)


def _note_refused(tenant: Tenant, refused: int) -> bool:
    """True if the requests that had to wait were added to an open alarm. Raises nothing."""
    try:
        with in_tenant(tenant):
            return guard.add_refused(tenant, refused)
    except Exception:  # as in a look, which comes next
        _logger.exception("Held departures could not be counted; it is tried again.")
        return False


def look(tenant: Tenant, now: datetime, needed: int = 0, refused: int = 0) -> Seen:
    """Sound the alarm if unusually many left within the hour, in a transaction of its own.

    `needed` is how many departures were an alarm at the last look, 0 if that is not known; `refused`
    how many more had to wait.
    """
    with in_tenant(tenant):
        settings, found = guard.settings_of(tenant), guard.situation(tenant, now)
        if found.alarm is not None:
            return Seen(settings.least, _update(found.alarm, refused))
        if found.has_lapsed:
            _lapse(tenant, now)
        if not guard.is_reached(found.since, max(needed, settings.least)):
            return Seen(max(needed, settings.least))
        standing = guard.standing(settings, found.since)
        if not standing.is_alarming:
            return Seen(standing.needed)
        _sound(tenant, settings, standing, now)
        if refused:
            guard.add_refused(tenant, refused)
    return Seen(standing.needed, standing.left.users)


def _update(alarm: Alarm, refused: int) -> int:
    """Add who left since to the alarm; the number of all of them."""
    users = guard.left_from(alarm.since).users
    Alarm.objects.filter(pk=alarm.pk).update(users=users, refused=F("refused") + refused)
    return users


def _lapse(tenant: Tenant, now: datetime) -> None:
    """End an alarm that nobody reviewed in time, so that the next one alerts and delays again."""
    late = Alarm.objects.filter(
        tenant=tenant, outcome=Alarm.Outcome.OPEN, noticed_at__lte=now - GRACE
    )
    late.update(outcome=Alarm.Outcome.LAPSED, settled_at=F("noticed_at") + GRACE)


def _sound(tenant: Tenant, settings: Guard, standing: Standing, now: datetime) -> None:
    """Open an alarm and have people told; of two at once the database lets one be."""
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(
                tenant=tenant,
                since=standing.left.first or now,
                noticed_at=now,
                users=standing.left.users,
                active_before=standing.active_before,
            )
    except IntegrityError:
        return
    Guard.objects.update_or_create(tenant=tenant, defaults={"alarm_until": now + GRACE})
    _tell(alarm, settings)


def _tell(alarm: Alarm, settings: Guard) -> None:
    """Have the tenant's admins and staff told by e-mail."""
    values: dict[str, mail.Value] = {
        "users": f"{alarm.users:,}",
        "active_before": f"{alarm.active_before:,}",
        "since": f"{alarm.since:%Y-%m-%d %H:%M} UTC",
        "holds": settings.holds,
        "hours": GRACE.seconds // 3600,
    }
    notice = mail.Notice("alarm.txt", alarm.tenant, values, "admin:tenants_alarm_changelist")
    people = [*mail.tenant_admins(alarm.tenant), *mail.staff_who_may(SEE)]
    mail.queue(notice, people, alarm.noticed_at)
