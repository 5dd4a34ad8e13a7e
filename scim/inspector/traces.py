"""What a request left in the provisioning log and the history, read back by its request id."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scim.models import AttributeChange, ProvisioningEvent


@dataclass(frozen=True, slots=True)
class Made:
    """One changed attribute of one resource."""

    resource_type: str
    resource_id: UUID
    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Trace:
    """An event, and the first of what it changed."""

    operation: str
    path: str
    status: int
    scim_type: str
    detail: str
    resource_id: UUID | None
    notes: tuple[str, ...]
    changes: tuple[Made, ...]


def traces(request_id: str, limit: int) -> list[Trace]:
    """The request's events in their order, with `limit` changes in all; two statements."""
    found = list(ProvisioningEvent.objects.filter(request_id=request_id).order_by("id"))
    rows = AttributeChange.objects.filter(event_id__in=[event.pk for event in found])
    made: dict[UUID, list[Made]] = {event.pk: [] for event in found}
    for row in rows.order_by("id")[:limit]:
        change = Made(row.resource_type, row.resource_id, row.path, row.before, row.after)
        made[row.event_id].append(change)
    return [
        Trace(
            event.operation,
            event.path,
            event.status,
            event.scim_type,
            event.detail,
            event.resource_id,
            tuple(event.notes),
            tuple(made[event.pk]),
        )
        for event in found
    ]
