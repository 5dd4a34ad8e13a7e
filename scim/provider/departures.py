"""Users who leave: deactivated, or deleted while they were active. Counted, and held when it is asked.

A change that makes nobody leave costs nothing here. One that does costs two statements in its
transaction, and after its commit the guard looks whether unusually many left (scim.provider.guard).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from scim.models import Departure
from scim.protocol import urns
from scim.protocol.schema import ResourceType
from scim.provider import guard
from tenants import clock, traffic
from tenants.current import current_tenant


def note(
    resource_type: ResourceType,
    identifier: UUID,
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
) -> None:
    """Notes the user if the change, None for a deletion, ends that they are active.

    Raises TooManyRequests while departures are held. A change that is rolled back is not noted.
    """
    if resource_type.name != urns.USER_TYPE or not _is_active(before) or _is_active(after):
        return
    tenant, now = current_tenant(), clock.now()
    guard.check(tenant, now)
    Departure.objects.create(at=now, user_id=identifier)
    transaction.on_commit(partial(traffic.note_departures, tenant.id, now), robust=True)
    transaction.on_commit(partial(guard.look, tenant, now), robust=True)


def _is_active(user: Mapping[str, Any] | None) -> bool:
    """Only `active: false` disables (RFC 7643 §4.1.1)."""
    return user is not None and user.get("active") is not False
