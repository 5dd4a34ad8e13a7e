"""Users who leave: deactivated, or deleted while they were active. Counted once it is certain."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from scim.protocol import urns
from scim.protocol.schema import ResourceType
from scim.provider import clock
from tenants import traffic
from tenants.current import current_tenant


def note(
    resource_type: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any] | None
) -> None:
    """Counts the user if the change, None for a deletion, ends that they are active.

    No statement; a change that is rolled back is not counted.
    """
    if resource_type.name != urns.USER_TYPE or not _is_active(before) or _is_active(after):
        return
    count = partial(traffic.note_departures, current_tenant().id, clock.now())
    transaction.on_commit(count, robust=True)


def _is_active(user: Mapping[str, Any] | None) -> bool:
    """Only `active: false` disables (RFC 7643 §4.1.1)."""
    return user is not None and user.get("active") is not False
