"""Actions on tenants: create, suspend, resume, further host names."""

from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.actions.accounts import add_account
from accounts.actions.mails import invite_new
from accounts.actions.performing import authorize, note, note_all, performing, refusals
from accounts.audit import Act, Actor, record
from accounts.permissions import VIEW_AS_ADMIN, Role
from tenants import lifecycle, schemas
from tenants.current import in_tenant, within
from tenants.models import Tenant

CREATE: Final = "tenants.add_tenant"
SUSPEND: Final = "tenants.suspend_tenant"


def create_tenant(
    actor: Actor, custom_domain: str, name: str, admin_email: str, *, invites: bool = False
) -> Tenant:
    """A new tenant with its schema and its first tenant admin, who has no password yet.

    With `invites` the admin is sent a link that sets one. Raises ActionRefused.
    """
    authorize(actor, CREATE, None)
    with refusals(), transaction.atomic():
        tenant = lifecycle.create_tenant(custom_domain, name)
        with within(tenant):
            account = add_account(tenant, admin_email, "", Role.ADMIN)
            details = {"name": tenant.name, "admin": account.email}
            created = Act("tenant created", tenant.custom_domain, details)
            if invites:
                invite_new(actor, tenant, account, created)
            else:
                note_all(actor, tenant, [created], is_new=True)
    return tenant


def suspend_tenant(actor: Actor, tenant: Tenant) -> None:
    """Stop serving a tenant; its data stay. Raises ActionRefused.

    If its node of the database does not answer, it is noted in the log of staff alone.
    """
    if not schemas.answering([tenant.schema_name]):
        authorize(actor, SUSPEND, tenant)
        with refusals(), in_tenant(Tenant.objects.get(is_operator=True)):
            lifecycle.suspend(tenant)
            details = {"tenant": tenant.custom_domain, "node": "did not answer"}
            record(actor, "tenant suspended", tenant.custom_domain, details)
        return
    with performing(actor, SUSPEND, tenant):
        lifecycle.suspend(tenant)
        note(actor, tenant, "tenant suspended", tenant.custom_domain, {})


def resume_tenant(actor: Actor, tenant: Tenant) -> None:
    """Serve a suspended tenant again. Raises ActionRefused."""
    with performing(actor, SUSPEND, tenant):
        lifecycle.resume(tenant)
        note(actor, tenant, "tenant resumed", tenant.custom_domain, {})


def start_view_as_admin(actor: Actor, tenant: Tenant, reason: str, until: datetime) -> None:
    """Note that staff begin to look at a tenant as its admins do. Raises ActionRefused."""
    with performing(actor, VIEW_AS_ADMIN, tenant):
        details = {"reason": reason, "until": until.isoformat(timespec="seconds")}
        note(actor, tenant, "view as tenant admin started", tenant.custom_domain, details)


def end_view_as_admin(actor: Actor, tenant: Tenant, how: str) -> None:
    """Note that staff no longer look at it so; asks no permission: who lost it ends as well."""
    with in_tenant(tenant):
        note(actor, tenant, "view as tenant admin ended", tenant.custom_domain, {"how": how})


def add_host(actor: Actor, tenant: Tenant, host: str) -> None:
    """Serve a tenant under a further host name. Raises ActionRefused."""
    with performing(actor, "tenants.add_domain", tenant):
        domain = lifecycle.add_host(tenant, host)
        note(actor, tenant, "host added", domain.domain, {})


def remove_host(actor: Actor, tenant: Tenant, host: str) -> None:
    """Stop serving a tenant under a further host name. Raises ActionRefused."""
    with performing(actor, "tenants.delete_domain", tenant):
        lifecycle.remove_host(tenant, host)
        note(actor, tenant, "host removed", host.strip().lower(), {})
