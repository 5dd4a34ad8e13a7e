"""A problem that is known and needs nobody now: muted with a reason, and unmuted."""

from typing import Final

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor
from tenants import clock
from tenants.models import Problem, Tenant

MUTE: Final = "tenants.mute_problem"


def mute(actor: Actor, tenant: Tenant, problem: Problem, reason: str) -> Problem:
    """The problem, which counts on but is on no overview. Raises ActionRefused."""
    with performing(actor, MUTE, tenant):
        return _set(actor, tenant, problem, reason=reason, is_muted=True)


def unmute(actor: Actor, tenant: Tenant, problem: Problem) -> Problem:
    """The problem, which is on the overviews again while it is open. Raises ActionRefused."""
    with performing(actor, MUTE, tenant):
        return _set(actor, tenant, problem, reason="", is_muted=False)


def _set(actor: Actor, tenant: Tenant, problem: Problem, *, reason: str, is_muted: bool) -> Problem:
    now = clock.now()
    changed = Problem.objects.filter(
        pk=problem.pk, tenant=tenant, muted_at__isnull=is_muted
    ).update(
        muted_at=now if is_muted else None,
        muted_by=actor.name if is_muted else "",
        muted_reason=reason,
    )
    if not changed:
        was = "muted already" if is_muted else "not muted"
        raise ActionRefused("action.too-late", f"It is {was}: somebody else may have done it.")
    act = "problem muted" if is_muted else "problem unmuted"
    note(actor, tenant, act, f"{problem.reason} {problem.pk}", {"reason": reason} if reason else {})
    problem.refresh_from_db()
    return problem
