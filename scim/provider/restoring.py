"""Bringing a deleted user back, with its id, its history and, if wanted, the groups it left.

A deletion hides the record (product.md, "No hard deletes"), so a restoration only shows it again: as
it was when it was deleted, disabled if it was disabled. It is refused when somebody else has the
userName or the externalId by now: Entra would match the wrong one.
"""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from accounts.actions import ActionRefused
from scim.models import User
from scim.protocol.comparison import comparable
from scim.protocol.definitions import USER
from scim.protocol.errors import Uniqueness
from scim.protocol.representation import Stored
from scim.provider.events import Call, answered
from scim.provider.requester import Requester
from scim.repository import belonging, resources
from scim.repository.base import Loading, Write

_TAKEN: Final = (
    "Another user has the {attribute} {value} by now, with the id {id}: Entra created that person"
    " again, or gave the {attribute} to somebody else. Change it there first, or leave this user"
    " deleted; its history stays readable either way."
)


@dataclass(frozen=True, slots=True)
class Restoration:
    """Who brings which user back, and whether into its former groups too."""

    user_id: UUID
    by: str
    address: str | None
    tenant_url: str
    with_groups: bool


def restore(restoration: Restoration) -> list[UUID]:
    """Restores the user and answers which groups it is in again. Needs a transaction.

    Raises ActionRefused when it is not deleted or its names are taken.
    """
    loading = Loading(restoration.tenant_url)
    stored = resources.lock_deleted(USER, restoration.user_id, loading)
    if stored is None:
        raise ActionRefused("This user is not deleted.")
    _check_free(stored)
    event = answered(Call(_requester(restoration), "restore", USER, stored.id), 200)
    try:
        resources.restore(Write(USER, stored.id, stored.resource, stored.version + 1, event))
    except Uniqueness as error:  # somebody took the userName this very moment
        raise ActionRefused(error.detail) from error
    if not restoration.with_groups:
        return []
    left = [group for group, _ in belonging.left_groups(stored.id)]
    return belonging.rejoin(stored.id, left, event)


def _check_free(stored: Stored) -> None:
    """Raises ActionRefused when another user has the userName or the externalId."""
    keys = comparable(USER, stored.resource)
    for attribute, column in (("userName", "unique_key"), ("externalId", "external_id")):
        others = User.objects.filter(deleted_at=None, **{column: keys.get(attribute)})
        holder = others.values_list("pk", flat=True).first()
        if holder is not None:
            value = stored.resource.get(attribute)
            raise ActionRefused(_TAKEN.format(attribute=attribute, value=value, id=holder))


def _requester(restoration: Restoration) -> Requester:
    """The person as the log names who asked; there is no SCIM request."""
    return Requester(
        tenant_url=restoration.tenant_url,
        request_id=f"restore-{uuid4().hex[:16]}",
        method="",
        path="",
        started=time.perf_counter(),
        address=restoration.address,
        token_label=restoration.by,
    )
