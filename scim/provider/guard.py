"""The guard against mass deactivation: notices it, tells people, holds further ones if asked to.

The times are chosen so that a hold cannot drive Entra into quarantine (decision 0016): Entra repeats
what is answered 429 in its next cycle, and quarantines from 5,000 failures on. So a hold ends by
itself GRACE after it was noticed, or after MOST_REFUSED refusals, whatever comes first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import mail
from scim.models import Departure, User
from scim.protocol.errors import TooManyRequests
from tenants.connection import CYCLE
from tenants.current import in_tenant
from tenants.models import Alarm, Guard, Tenant

WINDOW: Final = timedelta(hours=1)
GRACE: Final = timedelta(hours=4)
MOST_REFUSED: Final = 2_500
SEE: Final = "tenants.view_alarm"
_OPEN: Final = Alarm.Outcome.OPEN
_HELD: Final = (
    "Unusually many users were deactivated or deleted within an hour, so further ones wait until"
    " somebody has looked. Nothing is lost: repeat the request later."
)


@dataclass(frozen=True, slots=True)
class Count:
    """Who left since a moment, how many were active before, and the first of the departures."""

    users: int
    active_before: int
    since: datetime


def settings_of(tenant: Tenant) -> Guard:
    """The tenant's own, or the defaults: one statement."""
    return Guard.objects.filter(tenant=tenant).first() or Guard(tenant=tenant)


def open_alarm(tenant: Tenant) -> Alarm | None:
    """The alarm that nobody has settled: one statement."""
    return Alarm.objects.filter(tenant=tenant, outcome=_OPEN).first()


def check(tenant: Tenant, now: datetime) -> None:
    """Raises TooManyRequests while the tenant's departures are held: one statement."""
    held = Alarm.objects.filter(
        tenant=tenant,
        outcome=_OPEN,
        tenant__guard__holds=True,
        noticed_at__gt=now - GRACE,
        refused__lt=MOST_REFUSED,
    )
    if held.exists():
        raise TooManyRequests(_HELD, int(CYCLE.total_seconds()))


def hold_ends(tenant: Tenant, alarm: Alarm, now: datetime) -> datetime | None:
    """Until when departures wait because of the alarm, None when they do not: one statement."""
    end = alarm.noticed_at + GRACE
    is_held = alarm.outcome == _OPEN and end > now and alarm.refused < MOST_REFUSED
    return end if is_held and settings_of(tenant).holds else None


def note_refused(tenant: Tenant) -> None:
    """Counts a request that was held: one statement."""
    Alarm.objects.filter(tenant=tenant, outcome=_OPEN).update(refused=F("refused") + 1)


def look(tenant: Tenant, now: datetime) -> None:
    """Sounds the alarm if unusually many left within the hour, in a transaction of its own."""
    with in_tenant(tenant):
        _lapse(tenant, now)
        guard = settings_of(tenant)
        count = _count(tenant, guard, now)
        if count is None:
            return
        if count.users * 100 <= count.active_before * guard.share_percent:
            return
        if _note(tenant, count, now):
            _tell(tenant, guard, count, now)


def _count(tenant: Tenant, guard: Guard, now: datetime) -> Count | None:
    """Who left within the hour and after the last alarm was settled; None if they are few."""
    since = now - WINDOW
    settled = Alarm.objects.filter(tenant=tenant, settled_at__gt=since).order_by("-settled_at")
    since = settled.values_list("settled_at", flat=True).first() or since
    times = Departure.objects.filter(at__gt=since, undone_at=None).order_by("at")
    users = times.values("user_id").distinct().order_by().count()
    if users < guard.least:
        return None
    first = times.values_list("at", flat=True).first() or now
    return Count(users, _active() + users, first)


def _active() -> int:
    everybody = User.objects.filter(deleted_at=None)
    return everybody.count() - everybody.filter(active=False).count()


def _lapse(tenant: Tenant, now: datetime) -> None:
    """Ends an alarm that nobody looked at in time, so that the next one is told and held anew."""
    late = Alarm.objects.filter(tenant=tenant, outcome=_OPEN, noticed_at__lte=now - GRACE)
    late.update(outcome=Alarm.Outcome.LAPSED, settled_at=F("noticed_at") + GRACE)


def _note(tenant: Tenant, count: Count, now: datetime) -> bool:
    """Whether the alarm is new; of two at once the database lets one be."""
    alarm = open_alarm(tenant)
    if alarm is not None:
        left = Departure.objects.filter(at__gte=alarm.since, undone_at=None)
        alarm.users = left.values("user_id").distinct().count()
        alarm.save(update_fields=["users"])
        return False
    try:
        with transaction.atomic():
            Alarm.objects.create(
                tenant=tenant,
                since=count.since,
                noticed_at=now,
                users=count.users,
                active_before=count.active_before,
            )
    except IntegrityError:
        return False
    return True


def _tell(tenant: Tenant, guard: Guard, count: Count, now: datetime) -> None:
    """Have the tenant's admins and staff told by e-mail."""
    values: dict[str, mail.Value] = {
        "users": count.users,
        "active_before": count.active_before,
        "since": f"{count.since:%Y-%m-%d %H:%M} UTC",
        "holds": guard.holds,
        "hours": GRACE.seconds // 3600,
    }
    notice = mail.Notice("alarm.txt", tenant, values, "admin:tenants_alarm_changelist")
    mail.queue(notice, [*mail.tenant_admins(tenant), *mail.staff_who_may(SEE)], now)
