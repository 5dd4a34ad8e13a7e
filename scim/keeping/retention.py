"""A tenant's retention: how long its log and history are kept, and what a legal hold keeps longer.

The actions of people stand here too. Like accounts.actions they authorize, act and audit in one
transaction.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor, Details
from scim.models import User
from tenants import clock
from tenants.errors import about
from tenants.models import LegalHold, Retention, Tenant

CHANGE: Final = "tenants.change_retention"
HOLD: Final = "tenants.change_legalhold"
MONTH: Final = timedelta(days=31)  # so that a month is never less than a month
MOST_MONTHS: Final = 120
MOST_DAYS: Final = 3_650
REASON_LENGTH: Final = 200


def of_tenant(tenant: Tenant) -> Retention:
    """The tenant's retention, the default one without a row."""
    return Retention.objects.filter(tenant=tenant).first() or Retention(tenant=tenant)


def changes_before(retention: Retention, now: datetime) -> datetime:
    """The moment before which changes are no longer kept."""
    return now - MONTH * retention.changes_months


def reads_before(retention: Retention, now: datetime) -> datetime:
    """The moment before which reads and bodies are no longer kept."""
    return now - timedelta(days=retention.reads_days)


def change_retention(
    actor: Actor,
    tenant: Tenant,
    changes_months: int,
    reads_days: int,
    erase_after_days: int | None = None,
) -> None:
    """Keep changes and history so many months, reads and bodies so many days.

    Erase deleted users after so many days; None: never by the clock alone. Raises ActionRefused.
    """
    with performing(actor, CHANGE, tenant):
        wanted: Details = {
            "changes_months": changes_months,
            "reads_days": reads_days,
            "erase_after_days": erase_after_days,
        }
        if erase_after_days is not None and not 1 <= erase_after_days <= MOST_DAYS:
            with about("erase_after_days"):
                raise ActionRefused(
                    "action.range", f"Deleted users are erased after 1 to {MOST_DAYS} days."
                )
        if not (1 <= changes_months <= MOST_MONTHS and 1 <= reads_days <= MOST_DAYS):
            raise ActionRefused(
                "action.range",
                f"Changes are kept for 1 to {MOST_MONTHS} months, reads for 1 to {MOST_DAYS} days.",
            )
        if timedelta(days=reads_days) > MONTH * changes_months:
            with about("reads_days"):
                raise ActionRefused("action.range", "Reads cannot be kept longer than changes.")
        Retention.objects.update_or_create(tenant=tenant, defaults=wanted)
        note(actor, tenant, "retention changed", tenant.custom_domain, wanted)


def holds(tenant: Tenant) -> list[LegalHold]:
    """The holds in force, the whole tenant's first."""
    found = LegalHold.objects.filter(tenant=tenant, lifted_at=None)
    return sorted(found.order_by("set_at", "pk"), key=lambda hold: hold.user_id is not None)


def held_users(tenant: Tenant) -> list[UUID] | None:
    """The users under legal hold; None when the whole tenant is."""
    users = [hold.user_id for hold in holds(tenant)]
    return None if None in users else [user for user in users if user is not None]


def set_hold(actor: Actor, tenant: Tenant, user_id: UUID | None, reason: str) -> LegalHold:
    """Have nothing of the user, or without one of the whole tenant, pruned or erased.

    Raises ActionRefused.
    """
    with performing(actor, HOLD, tenant):
        reason = one_line(reason, "The reason", REASON_LENGTH, "reason")
        if user_id is not None and not User.objects.filter(pk=user_id).exists():
            raise ActionRefused("action.not-found", f"{tenant} has no user {user_id}.")
        now = clock.now()
        hold = LegalHold(
            id=clock.new_id(now),
            tenant=tenant,
            user_id=user_id,
            reason=reason,
            set_at=now,
            set_by=actor.name,
        )
        try:
            with transaction.atomic():
                hold.save(force_insert=True)
        except IntegrityError as error:
            raise ActionRefused("hold.present", "This is under legal hold already.") from error
        note(actor, tenant, "legal hold set", _subject(tenant, user_id), {"reason": reason})
    return hold


def lift_hold(actor: Actor, tenant: Tenant, user_id: UUID | None) -> None:
    """End a legal hold: what has passed its time meanwhile goes with the next run.

    Raises ActionRefused.
    """
    with performing(actor, HOLD, tenant):
        held = LegalHold.objects.filter(tenant=tenant, user_id=user_id, lifted_at=None)
        if not held.update(lifted_at=clock.now(), lifted_by=actor.name):
            raise ActionRefused("hold.absent", "There is no such legal hold.")
        # What the hold had kept lies before the ids that were reached.
        Retention.objects.filter(tenant=tenant).update(reads_reached=None, changes_reached=None)
        note(actor, tenant, "legal hold lifted", _subject(tenant, user_id), {})


def _subject(tenant: Tenant, user_id: UUID | None) -> str:
    return tenant.custom_domain if user_id is None else str(user_id)
