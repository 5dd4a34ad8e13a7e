"""The contract between the service provider and the storage of resources.

The repository keeps resources of every type. What goes in and out are values: canonical documents
(scim.protocol.patch), `Stored`, `Query`, `Page`, `Event`. It runs inside the transaction of its
caller and never opens or ends one.

- A resource is found by its id among those that are not deleted; deleted ones stay in the table.
- `lock` holds the resource's row until the transaction ends, so that of two changes of one
  resource the second reads what the first wrote: no acknowledged change is lost. The lock of a
  removal also waits for groups that are just taking the resource in.
- `write` stores a change of a resource, its history and the event in one statement: all of it is
  there or none. The statement answers the questions that come with the change.
- A second resource with the same unique value is refused by the unique index alone, as Uniqueness;
  the transaction can then only be rolled back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

from scim.protocol.cursor import Cursor, Position
from scim.protocol.differences import Change
from scim.protocol.filters import AttributePath, Filter
from scim.protocol.representation import Stored
from scim.protocol.schema import Attribute, ResourceType


@dataclass(frozen=True, slots=True)
class Loading:
    """Which attributes that are rows to load with a resource, each with those of its sub-attributes
    that are wanted, and the SCIM base for their URIs.
    """

    tenant_url: str
    relations: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A resource type to list, and what to load with each of its resources."""

    resource_type: ResourceType
    loading: Loading


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for; `start_index` counts from 1, `count` may be 0.

    With a `cursor` it says where the page stands, and `start_index` says nothing.
    """

    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource on a page, what it is, and the text of the key that it is sorted by."""

    resource_type: ResourceType
    stored: Stored
    key: str | None

    @property
    def position(self) -> Position:
        return Position(self.key, self.stored.id)


@dataclass(frozen=True, slots=True)
class Page:
    """The resources of one page and how many match in all.

    `has_more` says of a page by cursor whether the walk goes on in its direction.
    """

    total: int
    items: tuple[Listed, ...]
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the provisioning log; the fields are those of models.ProvisioningEvent."""

    id: UUID
    at: datetime
    request_id: str
    token_id: UUID | None
    token_label: str
    operation: str
    method: str
    path: str
    resource_type: str
    resource_id: UUID | None
    status: int
    scim_type: str = ""
    reason: str = ""  # of a refusal: the id of its row in scim.refusals
    detail: str = ""
    sent: Any = None
    notes: tuple[str, ...] = ()
    count: int = 1
    duration_ms: float | None = None
    address: str | None = None
    user_agent: str = ""


class Operation(StrEnum):
    """What is done to a resource, in the words of the provisioning log."""

    CREATE = "create"
    REPLACE = "replace"
    MODIFY = "modify"
    DELETE = "delete"
    RESTORE = "restore"


class Lock(Enum):
    """For what a resource's row is locked."""

    CHANGE = "change"  # groups may still take the resource in
    REMOVE = "remove"  # they may not
    RESTORE = "restore"  # of a resource that is deleted


@dataclass(frozen=True, slots=True)
class Question:
    """A condition that the statement of a change answers; `parameters` by the names in `condition`."""

    condition: str  # of our own constants
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """A change: the resource as it shall be, what changed to get there, and the event that says so.

    `resource` is the canonical document, `version` the new version, `event.at` the time of the
    change, `event.operation` its Operation.
    """

    resource_type: ResourceType
    id: UUID
    resource: Mapping[str, Any]
    version: int
    event: Event
    changes: tuple[Change, ...] = field(default=())

    @property
    def operation(self) -> Operation:
        return Operation(self.event.operation)
