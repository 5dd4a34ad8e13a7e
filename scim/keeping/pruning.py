"""Removes what is older than a tenant's retention: the log, the history, ended sessions and credentials.

A run goes once a day through each tenant, a piece of PIECE rows of the log a transaction. The ids of
the log sort by time, and history has those of the log, so a piece is a range of ids; the registry has
the id that was reached, so a run that was killed goes on there. A tenant's runs follow each other:
of two workers the second one finds the tenant's row locked and leaves it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from accounts import audit, guessing
from accounts.audit import Actor
from accounts.models import (
    AccessToken,
    ClientSecret,
    OAuthClient,
    SecretToken,
    Session,
    SignOnAnswer,
    SpentAssertion,
)
from scim.keeping import erasing, retention
from scim.provider.features import features
from scim.repository.base import Operation
from tenants import clock, rewriting
from tenants.current import in_public, in_tenant
from tenants.models import LegalHold, Retention, Tenant, TrafficDay

PIECE: Final = 2_000  # rows of the log a transaction
EVERY: Final = timedelta(days=1)
SPENT: Final = timedelta(days=7)  # access tokens and assertions, after they ended
_CHANGES: Final = (*Operation, "bulk")  # operations; all others are reads
_EVENTS: Final = "scim_provisioningevent"
_HISTORY: Final = "scim_attributechange"

_NEXT: Final = """
SELECT id FROM scim_provisioningevent WHERE id >= %s AND id < %s ORDER BY id OFFSET %s LIMIT 1
"""
_READS: Final = """
DELETE FROM scim_provisioningevent
WHERE id >= %(first)s AND id < %(end)s AND operation <> ALL(%(changes)s)
    AND NOT COALESCE(resource_id = ANY(%(held)s::uuid[]), FALSE)
"""
_BODIES: Final = """
UPDATE scim_provisioningevent SET sent = NULL, user_name_key = NULL
WHERE id >= %(first)s AND id < %(end)s AND (sent IS NOT NULL OR user_name_key IS NOT NULL)
    AND NOT COALESCE(resource_id = ANY(%(held)s::uuid[]), FALSE)
"""
_OLD_HISTORY: Final = """
DELETE FROM scim_attributechange
WHERE event_id >= %(first)s AND event_id < %(end)s
    AND resource_id <> ALL(%(held)s::uuid[]) AND path <> ALL(%(memberships)s)
"""
# The event of a change that is kept is kept, too.
_OLD_EVENTS: Final = """
DELETE FROM scim_provisioningevent AS e
WHERE id >= %(first)s AND id < %(end)s
    AND NOT COALESCE(resource_id = ANY(%(held)s::uuid[]), FALSE)
    AND NOT EXISTS (SELECT 1 FROM scim_attributechange AS c WHERE c.event_id = e.id)
"""
_NAMES: Final = {
    _READS: "reads",
    _BODIES: "bodies",
    _OLD_HISTORY: "history",
    _OLD_EVENTS: "changes",
}


def tenants_with_work() -> list[Tenant]:
    """The tenants whose next run is due or going on; none for a role that may not prune.

    Two statements on the registry.
    """
    due = Q(retention=None) | Q(retention__pruned_at=None)
    due |= Q(retention__pruned_at__lte=clock.now() - EVERY)
    held = LegalHold.objects.filter(tenant=OuterRef("pk"), user_id=None, lifted_at=None)
    with in_public():
        if not rewriting.is_permitted():
            return []
        return list(Tenant.objects.filter(due).exclude(Exists(held)))


def advance(tenant: Tenant) -> bool:
    """Do one piece of the tenant's run, in a transaction of its own.

    False when nothing is due, or another worker is at it.
    """
    now = clock.now()
    with in_tenant(tenant):
        run = _locked(tenant, now)
        held = None if run is None else retention.held_users(tenant)
        if run is None or run.started_at is None or held is None:
            return False
        reads_end = _first_id(retention.reads_before(run, run.started_at))
        changes_end = _first_id(retention.changes_before(run, run.started_at))
        if _is_before(run.reads_reached, reads_end):
            run.reads_reached = _piece(run, (_READS, _BODIES), run.reads_reached, reads_end, held)
        elif _is_before(run.changes_reached, changes_end):
            statements = (_OLD_HISTORY, _OLD_EVENTS)
            run.changes_reached = _piece(run, statements, run.changes_reached, changes_end, held)
        else:
            _finish(tenant, run, run.started_at)
        run.save()
    return True


def begin(tenant: Tenant) -> None:
    """Have the next run start now, whenever the last one was; one that is going on goes on."""
    with in_public():
        Retention.objects.filter(tenant=tenant).update(pruned_at=None)


def _locked(tenant: Tenant, now: datetime) -> Retention | None:
    """The tenant's retention, locked, its run begun; None when another worker has it, or none is due."""
    Retention.objects.get_or_create(tenant=tenant)
    rows = Retention.objects.select_for_update(skip_locked=True, no_key=True)
    run = rows.filter(tenant=tenant).first()
    if run is None or (run.pruned_at is not None and run.pruned_at > now - EVERY):
        return None
    if run.started_at is None:
        run.started_at, run.removed = now, {}
    return run


def _piece(
    run: Retention, statements: tuple[str, ...], reached: UUID | None, end: UUID, held: list[UUID]
) -> UUID:
    """Execute the statements on the next ids of the log; return the id that is reached."""
    first = reached or UUID(int=0)
    with rewriting.rewriting(_EVENTS, _HISTORY), connection.cursor() as cursor:
        cursor.execute(_NEXT, [first, end, PIECE])
        found = cursor.fetchone()
        following: UUID = end if found is None else found[0]
        parameters: Mapping[str, Any] = {
            "first": first,
            "end": following,
            "held": held,
            "memberships": [f'members[value eq "{user}"]' for user in held],
            "changes": list(_CHANGES),
        }
        for statement in statements:
            cursor.execute(statement, parameters)
            _count(run, {_NAMES[statement]: cursor.rowcount})
    return following


def _finish(tenant: Tenant, run: Retention, started_at: datetime) -> None:
    """Remove what needs no pieces, and tell the audit log what the run removed."""
    before = retention.changes_before(run, started_at)
    _count(run, _ended(tenant, before, started_at))
    guessing.purge(started_at)
    for feature in features():
        _count(run, feature.prune(before))
    erasing.plan_old(tenant, run, started_at)
    if any(run.removed.values()):
        details = {name: count for name, count in run.removed.items() if count}
        audit.record(Actor("retention"), "log pruned", tenant.custom_domain, details)
    run.pruned_at, run.started_at = started_at, None


def _ended(tenant: Tenant, before: datetime, now: datetime) -> dict[str, int]:
    """Remove sessions and credentials that ended, and days of traffic; their numbers."""
    spent = Q(expires_at__lt=now - SPENT)
    revoked = Q(revoked_at__lt=before)
    ended = revoked | Q(expires_at__lt=before)
    found = {
        "sessions": Session.objects.filter(expire_date__lt=now),
        "access tokens": AccessToken.objects.filter(spent),
        "assertions": SpentAssertion.objects.filter(spent),
        "sign-on answers": SignOnAnswer.objects.filter(expires_at__lt=now),
        "secret tokens": SecretToken.objects.filter(ended),
        "client secrets": ClientSecret.objects.filter(ended),
        "OAuth clients": OAuthClient.objects.filter(revoked),
        "days of traffic": TrafficDay.objects.filter(tenant=tenant, day__lt=before.date()),
    }
    return {name: rows.delete()[0] for name, rows in found.items()}


def _count(run: Retention, removed: Mapping[str, int]) -> None:
    """Add the numbers to the run's."""
    for name, count in removed.items():
        run.removed[name] = run.removed.get(name, 0) + count


def _first_id(moment: datetime) -> UUID:
    """The least id of the log that the moment can have (tenants.clock.new_id)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _is_before(reached: UUID | None, end: UUID) -> bool:
    return reached is None or reached < end
