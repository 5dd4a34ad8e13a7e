"""The event that comes with a write, for tests that look at something else."""

from datetime import datetime
from uuid import UUID

from scim.repository.base import Event, Operation


def event_of(
    resource_type: str,
    identifier: UUID,
    event_id: UUID,
    at: datetime,
    operation: Operation = Operation.CREATE,
) -> Event:
    """The event of a change by nobody in particular."""
    return Event(
        id=event_id,
        at=at,
        request_id="",
        token_id=None,
        token_label="",
        operation=operation.value,
        method="POST",
        path="/scim/Users",
        resource_type=resource_type,
        resource_id=identifier,
        status=201,
    )
