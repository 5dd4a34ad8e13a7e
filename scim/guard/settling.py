"""The guard's administrative actions: settling an alarm, and changing when it is raised.

Like accounts.actions they authorize, act and audit in one transaction.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, Details
from scim.guard import undoing
from scim.guard.models import Undoing
from tenants import clock
from tenants.models import Alarm, Guard, Tenant

SETTLE: Final = "tenants.settle_alarm"
GUARD: Final = "tenants.change_guard"
# An undo that is done can have left users as they were.
UNDOABLE: Final = (Alarm.Outcome.OPEN, Alarm.Outcome.LAPSED, Alarm.Outcome.UNDONE)
MOST_PERCENT: Final = 100
MOST_LEAST: Final = 100_000


def undo_departures(actor: Actor, tenant: Tenant, alarm_id: UUID) -> Undoing:
    """Settle the alarm, and let the worker bring back everyone who left since.

    An undo that left users as they were is begun again for those. Raises ActionRefused.
    """
    with performing(actor, SETTLE, tenant):
        alarm = _unsettled(tenant, alarm_id, UNDOABLE)
        undone = undoing.begin(actor, alarm)
        _settle(alarm, actor, Alarm.Outcome.UNDOING)
        details: Details = {"users": undone.users, "request": undone.request_id}
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
