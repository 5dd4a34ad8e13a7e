"""The contract between the service provider and the storage of resources.

The repository keeps resources of every type. Values go in and come out: canonical documents
(scim.protocol.patch), `Stored`, `Query`, `Page`, `Event`. It runs inside the transaction of its
caller and never opens or ends one: what a caller that fails has done is undone with it.

`Resources`, `Members` and `Lists` say what there is to call and what holds then. The modules
`resources`, `members` and `lists` do it in PostgreSQL; tests/repository/test_contract.py holds any
storage to the contract.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Protocol
from uuid import UUID

from scim.protocol.cursor import Cursor, Position
from scim.protocol.differences import Change
from scim.protocol.filters import AttributePath, Filter
from scim.protocol.representation import Stored
from scim.protocol.schema import Attribute, ResourceType
from scim.protocol.targets import MemberEdit
from tenants.outages import BeginAgainError


@dataclass(frozen=True, slots=True)
class Loading:
    """The attributes to load that are rows, each with those of its sub-attributes
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
    """A list request; `start_index` counts from 1, `count` may be 0.

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
    """An operation on a resource, in the words of the provisioning log."""

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
    change, `event.operation` its Operation. `comparable` is the comparable document, if it is known.
    """

    resource_type: ResourceType
    id: UUID
    resource: Mapping[str, Any]
    version: int
    event: Event
    changes: tuple[Change, ...] = field(default=())
    comparable: Mapping[str, Any] | None = None

    @property
    def operation(self) -> Operation:
        return Operation(self.event.operation)


@dataclass(frozen=True, slots=True)
class Moved:
    """The members who came into a group and who left it; how many were named who do not exist."""

    added: tuple[UUID, ...] = ()
    removed: tuple[UUID, ...] = ()
    unknown: int = 0


class AnsweredError(BeginAgainError):
    """The answer to a question is yes, so the change must not be the last of its transaction."""


class Resources(Protocol):
    """Resources one by one, and the provisioning log."""

    def find(
        self, resource_type: ResourceType, identifier: UUID, loading: Loading
    ) -> Stored | None:
        """The resource; None if there is none of that type, or it is deleted."""

    def lock(
        self,
        resource_type: ResourceType,
        identifier: UUID,
        loading: Loading,
        lock: Lock = Lock.CHANGE,
    ) -> Stored | None:
        """The resource, its row locked until the transaction ends; None where `find` has none.

        Of two changes of one resource the second reads what the first wrote, so no acknowledged
        change is lost. A removal also waits for groups that are just taking the resource in.
        Lock.RESTORE finds deleted resources and no others.
        """

    def lock_in_order(self, identifiers: Iterable[UUID]) -> None:
        """Lock the rows for a change of each, in the order of their ids.

        Of two callers who change the same resources in different orders one waits, and no deadlock
        ends the other. Ids that name nothing are passed over.
        """

    def write(
        self, change: Write, questions: Sequence[Question] = (), *, is_last: bool = False
    ) -> Sequence[bool]:
        """Store the resource, its history and the event, all or none; return the answers.

        The caller has locked a resource that there is. A deleted resource stays and is found no more;
        it leaves its groups and lets its members go. Raises Uniqueness when another resource that
        is not deleted has the same unique value, in any letter case; the transaction can then only
        be rolled back.

        With `is_last` the change is committed, and no answer returned; raises AnsweredError in its place
        when one is yes.
        """

    def record(self, event: Event) -> None:
        """Add an event that comes with no change."""


class Members(Protocol):
    """The members of groups; adding and removing some never reads or writes the others."""

    def apply(self, group: UUID, edits: Iterable[MemberEdit]) -> Moved:
        """Do the edits in their order; return what they changed in all.

        The caller has locked the group, or is about to make it. An id of nobody is passed over and
        counted. Raises InvalidValue for groups that would contain themselves, and when a replacement
        names nobody who is there.
        """

    def has_at_most(self, number: int, group: UUID) -> bool:
        """True if the group has no more members than that."""


class Lists(Protocol):
    """Resources that a query finds, over any number of types."""

    def page(self, sources: Sequence[Source], query: Query) -> Page:
        """The page that the query asks for, in one total order; deleted resources are on none.

        Raises InvalidFilter, InvalidValue, TooMany.
        """
