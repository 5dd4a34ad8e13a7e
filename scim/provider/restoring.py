"""Bringing a deleted user back, with its id, its history and, if wanted, the groups it left.

A deletion hides the record (docs/product.md, "No hard deletes"), so a restoration only shows it again: as
it was when it was deleted, disabled if it was disabled. It is refused when somebody else has the
userName or the externalId by now: Entra would match the wrong one.
"""

from typing import Final
from uuid import UUID

from accounts.actions import ActionRefused
from scim.models import User
from scim.protocol.comparison import comparable
from scim.protocol.errors import Uniqueness
from scim.protocol.representation import Stored
from scim.protocol.schema import ResourceType
from scim.protocol.urns import USER_TYPE
from scim.provider import catalog
from scim.provider.provisioning_log import Call, answered
from scim.provider.requester import Requester
from scim.provider.resources import store
from scim.repository import belonging, resources
from scim.repository.base import Loading, Lock, Operation, Write
from tenants.current import current_tenant

_TAKEN: Final = (
    "Another user has the {attribute} {value} now, with the id {id}: Entra created that person"
    " again, or gave the {attribute} to somebody else. Change it there first, or leave this user"
    " deleted; its history stays readable either way."
)


class Taken(ActionRefused):
    """Another user has the userName or the externalId by now; `brief` says it without the value."""

    def __init__(self, reason: str, message: str, brief: str) -> None:
        super().__init__(reason, message)
        self.brief = brief


def restore(user_id: UUID, requester: Requester, *, with_groups: bool) -> list[UUID]:
    """Restore the user; return the groups it is in again. Needs a transaction.

    Raises ActionRefused when it is not deleted or its names are taken.
    """
    tenant = current_tenant()
    user_type = catalog.resource_type(tenant, USER_TYPE)
    loading = Loading(tenant.tenant_url)
    stored = resources.lock(user_type, user_id, loading, Lock.RESTORE)
    if stored is None:
        raise ActionRefused("action.too-late", "This user is not deleted.")
    if not stored.resource:
        raise ActionRefused("restore.erased", "The personal data of this user have been erased.")
    _check_free(user_type, stored)
    event = answered(Call(requester, Operation.RESTORE, user_type, stored.id), 200)
    try:
        store(Write(user_type, stored.id, stored.resource, stored.version + 1, event))
    except Uniqueness as error:  # somebody took the userName this very moment
        raise Taken(error.reason, error.detail, error.detail) from error
    if not with_groups:
        return []
    left = [group for group, _ in belonging.left_groups(stored.id)]
    return belonging.rejoin(stored.id, left, event)


def _check_free(user_type: ResourceType, stored: Stored) -> None:
    """Raise ActionRefused if another user has the userName or the externalId."""
    keys = comparable(user_type, stored.resource)
    for attribute, column in (("userName", "unique_key"), ("externalId", "external_id")):
        others = User.objects.filter(deleted_at=None, **{column: keys.get(attribute)})
        holder = others.values_list("pk", flat=True).first()
        if holder is not None:
            value = stored.resource.get(attribute)
            message = _TAKEN.format(attribute=attribute, value=value, id=holder)
            brief = f"Another user has its {attribute} now, with the id {holder}."
            raise Taken("restore.taken", message, brief)
