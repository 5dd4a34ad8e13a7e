"""Bringing back all who left in a window: restored if they were deleted, active again in any case.

By the service provider, so history, log and event streams tell of each user; the log has one request
id for the whole act.
"""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from accounts.actions import ActionRefused
from accounts.audit import Actor
from scim.models import Departure, User
from scim.protocol import urns
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provider import catalog, resources, restoring
from scim.provider.requester import Requester
from scim.provider.resources import Target
from scim.provider.restoring import Restoration
from scim.repository.base import Loading
from tenants import clock
from tenants.models import Alarm, Tenant

_REACTIVATE: Final = {
    "schemas": [urns.PATCH_OP],
    "Operations": [{"op": "replace", "path": "active", "value": True}],
}


@dataclass(frozen=True, slots=True)
class Undone:
    """Who is back, who could not be brought back, and the request id in the provisioning log."""

    back: tuple[UUID, ...]
    failed: tuple[UUID, ...]
    request_id: str


def undo(actor: Actor, tenant: Tenant, alarm: Alarm) -> Undone:
    """Brings back who left since the alarm's first departure, until it lapsed if it did.

    Needs a transaction in the tenant.

    Each user in a savepoint: one whose userName is taken by now stays as it is.
    """
    requester = Requester(
        tenant_url=tenant.tenant_url,
        request_id=f"undo-{uuid4().hex[:16]}",
        method="",
        path="",
        started=time.perf_counter(),
        address=actor.address,
        token_label=actor.name,
    )
    user_type = catalog.resource_type(tenant, urns.USER_TYPE)
    departures = Departure.objects.filter(at__gte=alarm.since, undone_at=None)
    if alarm.settled_at is not None:
        departures = departures.filter(at__lte=alarm.settled_at)
    back: list[UUID] = []
    failed: list[UUID] = []
    for user_id in departures.order_by("user_id").values_list("user_id", flat=True).distinct():
        try:
            with transaction.atomic():
                _bring_back(user_type, user_id, requester)
        except (ActionRefused, ScimError):
            failed.append(user_id)
        else:
            back.append(user_id)
    departures.filter(user_id__in=back).update(undone_at=clock.now())
    return Undone(tuple(back), tuple(failed), requester.request_id)


def _bring_back(user_type: ResourceType, user_id: UUID, requester: Requester) -> None:
    if User.objects.filter(pk=user_id).exclude(deleted_at=None).exists():
        restoring.restore(
            Restoration(
                user_id=user_id,
                by=requester.token_label,
                address=requester.address,
                with_groups=True,
            )
        )
    target = Target(user_type, str(user_id), Loading(requester.tenant_url))
    resources.modify(target, _REACTIVATE, requester)
