"""The frame of every action: permission, one transaction in the tenant, audit entries."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from accounts import audit
from accounts.audit import Act, Actor, Details
from accounts.models import AuditEntry
from tenants.current import current_tenant, in_tenant, within
from tenants.errors import Refused, TenantRefused, about
from tenants.models import Tenant


class ActionRefused(Refused):
    """An action that may not be done as asked."""


class NotPermitted(ActionRefused):
    """The actor's role does not include the action, or not in that tenant."""


@contextmanager
def performing(actor: Actor, permission: str, tenant: Tenant) -> Iterator[None]:
    """One transaction in the tenant's schema, for an actor who has the permission there.

    Raises NotPermitted; a TenantRefused from inside becomes ActionRefused.
    """
    authorize(actor, permission, tenant)
    with refusals(), in_tenant(tenant):
        yield


@contextmanager
def refusals() -> Iterator[None]:
    """Turn TenantRefused into ActionRefused, so that callers meet one tree of errors."""
    try:
        yield
    except TenantRefused as error:
        with about(error.field):
            raise ActionRefused(error.reason, str(error)) from error


def authorize(actor: Actor, permission: str, tenant: Tenant | None) -> None:
    """Raise NotPermitted unless the actor has the permission in the tenant (None: the registry)."""
    if not actor.may(permission, tenant):
        raise NotPermitted("action.not-permitted", "Your role does not include this.")


def note(actor: Actor, tenant: Tenant, act: str, subject: str, details: Details) -> AuditEntry:
    """Append to the audit log of `tenant`, as `note_all` does. Return the entry of its own log."""
    return note_all(actor, tenant, [Act(act, subject, details)])[0]


def note_all(
    actor: Actor, tenant: Tenant, acts: Sequence[Act], *, is_new: bool = False
) -> list[AuditEntry]:
    """Append to the audit log of `tenant`, the current one; for staff also to that of `support`.

    Return the entries of the tenant's own log. `is_new`: the tenant was made in this transaction.

    So a tenant's log is complete, and staff's log has all actions of staff. Every action
    takes the two locks in this order, so that no two actions can wait for each other.
    """
    entries = audit.record_all(actor, acts, begins=is_new)
    if tenant.is_operator or not actor.is_staff:
        return entries
    operator = Tenant.objects.filter(is_operator=True).first()
    if operator is not None:
        where = {"tenant": tenant.custom_domain}
        told = [replace(each, details={**where, **each.details}) for each in acts]
        with within(operator):
            audit.record_all(actor, told)
    return entries


def note_export(actor: Actor, permission: str, things: str, filters: list[str]) -> None:
    """Permit and note that a list of the current tenant is taken away as a file. Raises NotPermitted."""
    tenant = current_tenant()
    with performing(actor, permission, tenant):
        note(actor, tenant, f"{things} exported", tenant.custom_domain, {"filters": filters})


def one_line(text: str, what: str, max_length: int, field: str = "") -> str:
    """The text without surrounding blanks; `what` names it in the refusal ("The label").

    Raises ActionRefused, about the field, when it is blank, too long, or holds line breaks or control
    characters.
    """
    text = text.strip()
    if not text or len(text) > max_length or not text.isprintable():
        with about(field):
            raise ActionRefused(
                "action.text", f"{what} must be one line of 1 to {max_length} characters."
            )
    return text
