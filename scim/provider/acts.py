"""Administrative acts on what is provisioned: like accounts.actions they authorize, act and audit
in one transaction, and screens and commands call these and nothing below them.
"""

from typing import Final
from uuid import UUID

from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from scim.provider import dry_run
from scim.provider.dry_run import Logged, Preview
from tenants.models import Tenant

REPLAY: Final = "scim.replay_provisioningevent"


def preview_request(actor: Actor, tenant: Tenant, event_id: UUID, logged: Logged) -> Preview:
    """What a request of the provisioning log would do now. Raises NotPermitted."""
    with performing(actor, REPLAY, tenant):
        preview = dry_run.dry_run(logged, tenant.tenant_url)
        details: Details = {"operation": logged.operation, "status": preview.status}
        note(actor, tenant, "request replayed as a dry run", str(event_id), details)
    return preview
