"""The provisioning log: one event for each call of the provider, answered or refused.

The event of a change is written by the statement that makes the change. Events of refusals and
reads come through `record`, after the request's transaction has ended.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provider import catalog
from scim.provider.redaction import explained, redact, storable, without_query
from scim.provider.requester import Origin, Requester
from scim.repository import resources
from scim.repository.base import Event
from tenants import clock
from tenants.current import current_tenant

# Lengths of the log's columns: what comes from outside is cut to fit.
_MAX_METHOD: Final = 10
_MAX_OPERATION: Final = 20
_MAX_PATH: Final = 300
_MAX_USER_AGENT: Final = 200
_NO_REQUEST: Final = Origin("", "")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the provider; `sent` is its body or query as it came."""

    requester: Requester
    operation: str
    resource_type: ResourceType | None = None
    resource_id: UUID | None = None
    sent: Any = None


def answered(call: Call, status: int, notes: tuple[str, ...] = ()) -> Event:
    """The event of a call that succeeded; what was sent is redacted here."""
    requester, at = call.requester, clock.now()
    origin = requester.origin or _NO_REQUEST
    return Event(
        id=clock.new_id(at),
        at=at,
        request_id=requester.request_id,
        token_id=requester.token_id,
        token_label=requester.name,
        operation=call.operation[:_MAX_OPERATION],
        method=origin.method[:_MAX_METHOD],
        path=storable(without_query(origin.path))[:_MAX_PATH],
        resource_type=call.resource_type.name if call.resource_type else "",
        resource_id=call.resource_id,
        status=status,
        sent=_kept(call),
        notes=notes,
        duration_ms=round((time.perf_counter() - requester.started) * 1000, 1),
        address=requester.address,
        user_agent=storable(origin.user_agent)[:_MAX_USER_AGENT],
    )


def refused(call: Call, error: ScimError) -> Event:
    """The event of a call that failed, with what the client was told and the reason."""
    event = answered(call, error.status)
    said = explained(error.detail, call.sent, event.sent)
    return replace(event, scim_type=error.scim_type or "", reason=error.reason, detail=said)


def _kept(call: Call) -> Any:
    """The body or query as the log keeps it."""
    if call.sent is None:
        return None
    redaction = catalog.redaction(current_tenant())
    name = call.resource_type.name if call.resource_type else ""
    return redact(call.sent, redaction, call.operation, name)


def record(event: Event) -> None:
    """Write an event that comes with no change. Opens a transaction unless there is one."""
    with transaction.atomic(savepoint=False):
        resources.record(event)
