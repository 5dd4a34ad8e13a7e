"""Administrative acts on what is provisioned: like accounts.actions they authorize, act and audit
in one transaction, and screens and commands call these and nothing below them.
"""

from typing import Final
from uuid import UUID

from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from scim.provider import dry_run, restoring
from scim.provider.dry_run import Logged, Preview
from scim.provider.restoring import Restoration
from tenants.models import Tenant

REPLAY: Final = "scim.replay_provisioningevent"
RESTORE: Final = "scim.restore_user"


def preview_request(actor: Actor, tenant: Tenant, event_id: UUID, logged: Logged) -> Preview:
    """What a request of the provisioning log would do now. Raises NotPermitted."""
    with performing(actor, REPLAY, tenant):
        preview = dry_run.dry_run(logged, tenant.tenant_url)
        details: Details = {"operation": logged.operation, "status": preview.status}
        note(actor, tenant, "request replayed as a dry run", str(event_id), details)
    return preview


def restore_user(actor: Actor, tenant: Tenant, user_id: UUID, *, with_groups: bool) -> list[UUID]:
    """Brings a deleted user back; answers the groups it is in again. Raises ActionRefused."""
    asked = Restoration(
        user_id=user_id,
        by=actor.name,
        address=actor.address,
        tenant_url=tenant.tenant_url,
        with_groups=with_groups,
    )
    with performing(actor, RESTORE, tenant):
        groups = restoring.restore(asked)
        details: Details = {"groups": [str(group) for group in groups]}
        note(actor, tenant, "user restored", str(user_id), details)
    return groups


def note_export(
    actor: Actor, tenant: Tenant, permission: str, things: str, filters: list[str]
) -> None:
    """Permits and notes that a list is taken away as a file. Raises NotPermitted."""
    with performing(actor, permission, tenant):
        note(actor, tenant, f"{things} exported", tenant.custom_domain, {"filters": filters})
