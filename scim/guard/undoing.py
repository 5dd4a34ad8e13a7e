"""The end of an alarm: everybody who left is brought back, or all of it was intended.

Bringing back restores those who were deleted, and makes everybody active again.
Somebody asks for it and the worker does it (`manage.py run_jobs`), a piece of PIECE users at a time, each
in a transaction that also notes how far it has come: a worker that is killed loses its piece, and the
next one goes on from there. A user who is active already is left alone, so nothing is done twice. By
the service provider, so history, log and event streams tell of each user; the log has one request id
for the whole action, and the audit log who asked and what became of it.

The actions of people stand here too: undo, let it pass, change the guard. Like accounts.actions they
authorize, act and audit in one transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, Details
from scim.guard import guard
from scim.guard.models import Departure, Undoing
from scim.models import User
from scim.protocol import urns
from scim.protocol.errors import ScimError
from scim.protocol.text import read_id
from scim.provider import catalog, resources, restoring
from scim.provider.requester import Requester
from scim.provider.resources import Existing
from scim.provider.restoring import Taken
from scim.repository.base import Loading
from tenants import clock
from tenants.current import current_tenant, in_public, in_tenant
from tenants.errors import about
from tenants.lettercase import fold
from tenants.models import Alarm, Guard, Tenant

PIECE: Final = 50  # users a transaction
_OBSTACLE: Final = 200  # characters
NAMED: Final = 100  # of those who were left, in the audit log
_AGAIN: Final = "It was deactivated or deleted again after the undo started."
_GONE: Final = "Its record no longer exists."
_REACTIVATE: Final = {
    "schemas": [urns.PATCH_OP],
    "Operations": [{"op": "replace", "path": "active", "value": True}],
}
SETTLE: Final = "tenants.settle_alarm"
GUARD: Final = "tenants.change_guard"
# An undo that is done can have left users as they were.
UNDOABLE: Final = (Alarm.Outcome.OPEN, Alarm.Outcome.LAPSED, Alarm.Outcome.UNDONE)
MOST_PERCENT: Final = 100
MOST_LEAST: Final = 100_000


def begin(actor: Actor, alarm: Alarm, left_out: Collection[UUID] = ()) -> Undoing:
    """Have the worker bring back all who left from the alarm's first departure to now, or until it
    lapsed, but for those who are left out; of an undo that is done, those who were left as they were.

    Needs the transaction in the tenant that settles the alarm. Raises ActionRefused when nobody is
    left to bring back.
    """
    now = clock.now()
    undoing = Undoing.objects.select_for_update(no_key=True).filter(alarm_id=alarm.pk).first()
    if undoing is None and alarm.outcome != Alarm.Outcome.UNDONE:
        until = now if alarm.settled_at is None else alarm.settled_at
        undoing = Undoing(id=clock.new_id(now), alarm_id=alarm.pk, since=alarm.since, until=until)
    elif undoing is None or not undoing.left:
        raise ActionRefused("action.too-late", "This alarm has been resolved already.")
    _of(undoing).exclude(obstacle=None).update(obstacle=None)
    omitted = _of(undoing).filter(user_id__in=left_out)
    undoing.left = omitted.values("user_id").distinct().count()
    omitted.update(obstacle=f"Left out by {actor.name}."[:_OBSTACLE])
    undoing.subject = str(alarm)
    undoing.reached, undoing.back = undoing.since, 0
    undoing.users = guard.in_period(undoing.since, undoing.until)
    if undoing.left and undoing.left == undoing.users:
        with about("people"):
            raise ActionRefused("action.range", "Choose at least one user to bring back.")
    undoing.asked_at, undoing.asked_by, undoing.address = now, actor.name, actor.address
    undoing.is_by_staff, undoing.done_at = actor.is_staff, None
    undoing.request_id = f"undo-{uuid4().hex[:16]}"
    undoing.save()
    return undoing


def to_choose(alarm: Alarm) -> QuerySet[Departure]:
    """The departures that an undo of the alarm would take back."""
    until = Q(at__lte=alarm.settled_at) if alarm.settled_at else Q()
    return Departure.objects.filter(until, at__gte=alarm.since, undone_at=None)


def named(alarm: Alarm, names: Collection[str]) -> dict[str, UUID]:
    """Of those who left, the ids of the users with these userNames or ids, by what was given."""
    keys = {fold(name): name for name in names}
    ids = {key: name for name in names if (key := read_id(name.lower()))}
    about = Q(pk__in=ids) | Q(unique_key__in=keys)
    left = to_choose(alarm).values("user_id")
    found = User.objects.filter(about, pk__in=left).values_list("pk", "unique_key")
    return {
        name: pk
        for pk, key in found
        for name in (ids.get(pk), keys.get(str(key)))
        if name is not None
    }


def of_alarm(alarm: Alarm) -> Undoing | None:
    """The undo of the current tenant's alarm, None when nobody asked for one."""
    return Undoing.objects.filter(alarm_id=alarm.pk).first()


def left_behind(undoing: Undoing, most: int) -> list[tuple[UUID, str]]:
    """The users who were left as they were, at most so many, and why."""
    rows = _of(undoing).exclude(obstacle=None).order_by("user_id").distinct("user_id")
    return [(row.user_id, row.obstacle or "") for row in rows[:most]]


def tenants_with_work() -> list[Tenant]:
    """The tenants in which an undo is going on: one statement on the registry."""
    with in_public():
        alarms = Alarm.objects.filter(outcome=Alarm.Outcome.UNDOING).select_related("tenant")
        return list({alarm.tenant_id: alarm.tenant for alarm in alarms}.values())


def advance(tenant: Tenant) -> bool:
    """Do one piece of the tenant's undo, in a transaction of its own.

    False when there is nothing to do, or another worker is at it.
    """
    with in_tenant(tenant):
        waiting = Undoing.objects.filter(done_at=None).order_by("asked_at", "pk")
        undoing = waiting.select_for_update(skip_locked=True, no_key=True).first()
        if undoing is None:
            return False
        rows = list(_next(undoing))
        if rows:
            _do(tenant, undoing, rows)
        else:
            _finish(tenant, undoing)
    return True


def _of(undoing: Undoing) -> QuerySet[Departure]:
    return Departure.objects.filter(at__gte=undoing.since, at__lte=undoing.until, undone_at=None)


def _next(undoing: Undoing) -> QuerySet[Departure]:
    rows = _of(undoing).filter(at__gte=undoing.reached, obstacle=None)
    return rows.order_by("at", "pk")[:PIECE]


def _do(tenant: Tenant, undoing: Undoing, rows: Sequence[Departure]) -> None:
    """Bring back the users of the rows, and note it on them and on the undo."""
    users = list(dict.fromkeys(row.user_id for row in rows))
    obstacles = _bring_back(tenant, undoing, users)
    keys = [row.pk for row in rows if row.user_id not in obstacles]
    Departure.objects.filter(pk__in=keys).update(undone_at=clock.now())
    for reason in set(obstacles.values()):
        hindered = [row.pk for row in rows if obstacles.get(row.user_id) == reason]
        Departure.objects.filter(pk__in=hindered).update(obstacle=reason)
    undoing.back += len(users) - len(obstacles)
    undoing.left += len(obstacles)
    undoing.reached = rows[-1].at
    undoing.save(update_fields=["back", "left", "reached"])


def _bring_back(tenant: Tenant, undoing: Undoing, users: Sequence[UUID]) -> dict[UUID, str]:
    """Bring each user back in a savepoint; return the reasons against it, by the ids of the others."""
    found = User.objects.filter(pk__in=users).values_list("pk", "deleted_at", "active")
    states = {key: (deleted_at, active) for key, deleted_at, active in found}
    again = Departure.objects.filter(at__gt=undoing.until, user_id__in=users)
    left_again = set(again.values_list("user_id", flat=True))
    obstacles: dict[UUID, str] = {}
    for user_id in users:
        if user_id not in states or user_id in left_again:
            obstacles[user_id] = _AGAIN if user_id in left_again else _GONE
            continue
        try:
            with transaction.atomic():
                _bring_back_one(user_id, states[user_id], _requester(tenant, undoing))
        except Taken as error:
            obstacles[user_id] = error.brief
        except (ActionRefused, ScimError) as error:
            obstacles[user_id] = f"Refused ({type(error).__name__})."
    return obstacles


def _bring_back_one(
    user_id: UUID, state: tuple[datetime | None, bool | None], requester: Requester
) -> None:
    deleted_at, active = state
    if deleted_at is not None:
        restoring.restore(user_id, requester, with_groups=True)
    if active is False:
        user_type = catalog.resource_type(current_tenant(), urns.USER_TYPE)
        existing = Existing(user_type, str(user_id), Loading(requester.tenant_url))
        resources.modify(existing, _REACTIVATE, requester)


def _requester(tenant: Tenant, undoing: Undoing) -> Requester:
    """The person who asked, as the log names them; there is no SCIM request."""
    return Requester(
        tenant_url=tenant.tenant_url,
        request_id=undoing.request_id,
        name=undoing.asked_by,
        address=undoing.address,
    )


def _finish(tenant: Tenant, undoing: Undoing) -> None:
    """Settle the alarm and tell the audit log what became of the undo."""
    undoing.done_at = clock.now()
    undoing.save(update_fields=["done_at"])
    going_on = Alarm.objects.filter(pk=undoing.alarm_id, outcome=Alarm.Outcome.UNDOING)
    going_on.update(outcome=Alarm.Outcome.UNDONE)
    details: Details = {
        "users": undoing.back,
        "not brought back": undoing.left,
        "of these": [str(user_id) for user_id, _ in left_behind(undoing, NAMED)],
        "request": undoing.request_id,
    }
    note(_actor(tenant, undoing), tenant, "mass deactivation undone", undoing.subject, details)


def _actor(tenant: Tenant, undoing: Undoing) -> Actor:
    """The person who asked, for the audit log; without any permission."""
    home = None if undoing.is_by_staff else tenant.id
    return Actor(undoing.asked_by, undoing.address, tenant_id=home)


def undo_departures(
    actor: Actor, tenant: Tenant, alarm_id: UUID, left_out: Collection[UUID] = ()
) -> Undoing:
    """Settle the alarm, and let the worker bring back everyone who left since, but for those left out.

    An undo that left users as they were is begun again for those. Raises ActionRefused.
    """
    with performing(actor, SETTLE, tenant):
        alarm = _unsettled(tenant, alarm_id, UNDOABLE)
        undone = begin(actor, alarm, left_out)
        _settle(alarm, actor, Alarm.Outcome.UNDOING)
        details: Details = {
            "users": undone.users,
            "left out": undone.left,
            "request": undone.request_id,
        }
        note(actor, tenant, "undo of a mass deactivation started", str(alarm), details)
    return undone


def let_departures_pass(actor: Actor, tenant: Tenant, alarm_id: UUID) -> None:
    """Settle an alarm as expected: held departures pass. Raises ActionRefused."""
    with performing(actor, SETTLE, tenant):
        alarm = _unsettled(tenant, alarm_id, (Alarm.Outcome.OPEN,))
        _settle(alarm, actor, Alarm.Outcome.PASSED)
        note(actor, tenant, "mass deactivation let pass", str(alarm), {})


def change_guard(actor: Actor, tenant: Tenant, guard: Guard) -> None:
    """Set the guard's threshold, and whether it holds departures. Raises ActionRefused."""
    with performing(actor, GUARD, tenant):
        if not (1 <= guard.share_percent <= MOST_PERCENT and 1 <= guard.least <= MOST_LEAST):
            raise ActionRefused(
                "action.range",
                f"The share must be 1 to {MOST_PERCENT} percent, the smallest alarm 1 to {MOST_LEAST}.",
            )
        Guard.objects.update_or_create(
            tenant=tenant,
            defaults={
                "share_percent": guard.share_percent,
                "least": guard.least,
                "holds": guard.holds,
            },
        )
        details: Details = {
            "share_percent": guard.share_percent,
            "least": guard.least,
            "holds": guard.holds,
        }
        note(actor, tenant, "guard changed", tenant.custom_domain, details)


def _unsettled(tenant: Tenant, alarm_id: UUID, outcomes: Sequence[str]) -> Alarm:
    """The alarm, locked, so that of two who settle it one finds it settled. Raises ActionRefused."""
    alarms = Alarm.objects.select_for_update().filter(tenant=tenant, pk=alarm_id)
    found = alarms.filter(outcome__in=outcomes).first()
    if found is None:
        raise ActionRefused("action.too-late", "This alarm has been resolved already.")
    return found


def _settle(alarm: Alarm, actor: Actor, outcome: Alarm.Outcome) -> None:
    alarm.outcome, alarm.settled_at, alarm.settled_by = outcome, clock.now(), actor.name
    alarm.save(update_fields=["outcome", "settled_at", "settled_by"])
