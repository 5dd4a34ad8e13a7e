"""The service provider: create, retrieve, query, replace, modify, delete (RFC 7644 §3.3-3.6).

For any resource type. Each call is one atomic block within the request's transaction and leaves one
provisioning event; a call that raises has changed nothing once that transaction is rolled back.
"""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from scim.protocol import patch
from scim.protocol.differences import Change, changes
from scim.protocol.errors import NotFound
from scim.protocol.patch import Outcome
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import Precondition, Stored
from scim.protocol.schema import Relation, ResourceType
from scim.protocol.targets import Edit, MemberEdit, collected
from scim.protocol.text import read_id
from scim.provider import catalog, reading, rules
from scim.provider.features import observers
from scim.provider.observers import Transition, Watches
from scim.provider.provisioning_log import Call, answered
from scim.provider.requester import Requester
from scim.repository import lists, members, resources
from scim.repository.base import (
    AnsweredError,
    Loading,
    Lock,
    Moved,
    Operation,
    Page,
    Query,
    Question,
    Source,
    Write,
)
from tenants import clock
from tenants.backend.base import may_end
from tenants.backend.statements import Foreseen, Hot
from tenants.current import current_tenant
from tenants.yielding import in_turns

# For so long after an observer had to act upon a change of a tenant, its changes are not committed with
# their statement.
_OBSERVED_SECONDS: Final = 600.0
_MOST_OBSERVED: Final = 10_000
_observed: Final[dict[UUID, float]] = {}  # tenants, and until when

# Members in the answer to a PATCH; with more of them it has no body.
MEMBERS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Existing:
    """The resource that a request addresses, the version it must have to be changed, and what the
    answer shows of it beside its document.
    """

    resource_type: ResourceType
    identifier: str
    loading: Loading
    precondition: Precondition = field(default_factory=Precondition)

    def lock(self, lock: Lock = Lock.CHANGE) -> Stored:
        """The resource, its row locked. Raises NotFound, PreconditionFailed.

        Its members are not loaded: a change costs the same whatever their number.
        """
        loading = _without_members(self.loading)
        parsed = read_id(self.identifier)
        stored = resources.lock(self.resource_type, parsed, loading, lock) if parsed else None
        if stored is None:
            raise not_found(self.resource_type, self.identifier)
        self.precondition.check(stored.version)
        resource = without_secrets(self.resource_type, stored.resource)
        if resource is stored.resource:
            return stored
        return dataclasses.replace(stored, resource=resource)


def _without_members(loading: Loading) -> Loading:
    relations = tuple(each for each in loading.relations if each.relation is not Relation.MEMBERS)
    return Loading(loading.tenant_url, relations)


@dataclass(frozen=True, slots=True)
class Creation:
    """A request to create a resource under that id."""

    resource_type: ResourceType
    id: UUID
    body: Any = field(repr=False)
    requester: Requester


@transaction.atomic(savepoint=False)
def create(
    resource_type: ResourceType,
    body: Any,
    requester: Requester,
    chosen: UUID | None = None,
    watches: Watches | None = None,
) -> Stored:
    """The new resource, with the id that was chosen for it, or one of its own.

    `watches` hear of the change where it is one of many in its transaction, here and below. Raises
    InvalidSyntax, InvalidValue, Uniqueness.
    """
    creation = Creation(resource_type, chosen or clock.new_id(clock.now()), body, requester)
    write = _creation(creation, watches)
    store(write, is_alone=watches is None)
    return _created(write)


@transaction.atomic(savepoint=False)
def create_all(creations: Sequence[Creation], watches: Watches) -> list[Stored]:
    """The new resources, all of one type that has no members, in a statement for each table.

    Raises the first error of any of them; the caller rolls all of them back then.
    """
    writes = [_creation(each, watches) for each in in_turns(creations)]
    resources.write_new(writes)
    for observer in observers():
        known: list[tuple[Question, bool]] = []
        for write in writes:
            question = observer.question(write)
            if question is not None and _holds(question, known):
                observer.stored(write)
    return [_created(write) for write in writes]


def _holds(question: Question, known: list[tuple[Question, bool]]) -> bool:
    """The answer to a question, asked once; `known` are those asked before, and is added to."""
    for asked, answer in known:
        if asked == question:
            return answer
    answer = resources.holds(question)
    known.append((question, answer))
    return answer


def _creation(creation: Creation, watches: Watches | None) -> Write:
    """The change that creates the resource; its members are written already."""
    resource_type, identifier = creation.resource_type, creation.id
    redaction = catalog.redaction(current_tenant())
    read = reading.read(resource_type, redaction, creation.body)
    _announce(Transition(resource_type, identifier, None, read.resource), watches)
    moved = members.apply(identifier, read.member_edits)
    call = Call(
        creation.requester,
        Operation.CREATE,
        resource_type,
        identifier,
        creation.body,
        read.readable,
    )
    event = answered(call, 201, (*read.notes, *_passed_over(moved)))
    made = (*read.changes, *_moves(moved))
    return Write(resource_type, identifier, read.resource, 1, event, made, read.comparable)


def _created(write: Write) -> Stored:
    return Stored(write.id, write.resource, write.version, write.event.at, write.event.at)


def retrieve(resource_type: ResourceType, identifier: str, loading: Loading) -> Stored:
    """The resource. Raises NotFound."""
    parsed = read_id(identifier)
    stored = resources.find(resource_type, parsed, loading) if parsed else None
    if stored is None:
        raise not_found(resource_type, identifier)
    return stored


def finding(identifier: UUID, loading: Loading) -> Hot:
    """The statement of `retrieve`."""
    return resources.finding(identifier, loading)


def locking(identifier: UUID, loading: Loading, lock: Lock) -> Foreseen:
    """The statement by which a change locks its resource."""
    return resources.locking_ahead(identifier, _without_members(loading), lock)


def is_small(stored: Stored) -> bool:
    """True if the resource has few enough members to be shown without being asked for."""
    return members.has_at_most(MEMBERS_SHOWN, stored.id)


def has_moved_members(stored: Stored) -> bool:
    """True if the group's members are no longer those of its version: one was deleted or restored."""
    return members.have_moved(stored.id)


def looking_up(sources: Sequence[Source], asked: Query) -> Hot | None:
    """The statement of `query`, if it looks up one resource by a value of its own. Raises InvalidFilter."""
    return lists.looking_up(sources, asked)


def query(sources: Sequence[Source], asked: Query, look_up: Hot | None = None) -> Page:
    """The page of resources that the query asks for; `look_up` is its `looking_up`, if that is known.

    Raises InvalidFilter, InvalidValue, TooMany.
    """
    return lists.page(sources, asked, look_up)


@transaction.atomic(savepoint=False)
def replace(
    existing: Existing, body: Any, requester: Requester, watches: Watches | None = None
) -> Stored:
    """The resource after PUT. Raises NotFound, PreconditionFailed, InvalidValue, Uniqueness."""
    resource_type = existing.resource_type
    read = patch.read_resource(resource_type, body)
    stored = existing.lock()
    everyone = (MemberEdit(Edit.REPLACE, collected(read.member_edits)),)
    has_members = any(each.relation is Relation.MEMBERS for each in resource_type.relations)
    resource = rules.carried_over(resource_type, stored.resource, read.resource)
    outcome = Outcome(resource, read.notes, everyone if has_members else ())
    call = Call(requester, Operation.REPLACE, resource_type, stored.id, body)
    return _changed(resource_type, stored, outcome, call, watches)


@transaction.atomic(savepoint=False)
def modify(
    existing: Existing, body: Any, requester: Requester, watches: Watches | None = None
) -> Stored:
    """The resource after PATCH, all operations or none (RFC 7644 §3.5.2).

    Raises NotFound, PreconditionFailed, InvalidSyntax, InvalidPath, InvalidValue, NoTarget,
    Mutability, Uniqueness.
    """
    resource_type = existing.resource_type
    operations = patch.read_request(body)
    stored = existing.lock()
    applied = patch.apply(resource_type, stored.resource, operations)
    resource = rules.carried_over(resource_type, stored.resource, applied.resource)
    outcome = Outcome(resource, applied.notes, applied.member_edits)
    call = Call(requester, Operation.MODIFY, resource_type, stored.id, body)
    return _changed(resource_type, stored, outcome, call, watches)


@transaction.atomic(savepoint=False)
def delete(existing: Existing, requester: Requester, watches: Watches | None = None) -> None:
    """Hide the resource from SCIM for good; the record and its history stay (docs/product.md).

    It leaves the groups that it belongs to. Raises NotFound, PreconditionFailed, TooManyRequests.
    """
    resource_type = existing.resource_type
    stored = existing.lock(Lock.REMOVE)
    _announce(Transition(resource_type, stored.id, stored.resource, None), watches)
    event = answered(Call(requester, Operation.DELETE, resource_type, stored.id), 204)
    change = Write(resource_type, stored.id, stored.resource, stored.version + 1, event)
    store(change, is_alone=watches is None)


def store(write: Write, *, is_alone: bool = False) -> None:
    """Store a change and let the observers whose question was answered with yes act upon it.

    Needs the transaction of the change, in which the resource is locked. Nothing follows a change that
    `is_alone` in it: it is committed, where no observer has acted lately; if one has to all the same, the
    request begins again. Raises Uniqueness, AnsweredError.
    """
    asking = [(each, question) for each in observers() if (question := each.question(write))]
    questions = [question for _, question in asking]
    if is_alone and _is_last(write):
        try:
            resources.write(write, questions, is_last=True)
        except AnsweredError:
            _expect_observers()
            raise
        return
    answers = resources.write(write, questions)
    for (observer, _), answer in zip(asking, answers, strict=True):
        if answer:
            observer.stored(write)


def _is_last(write: Write) -> bool:
    """True if the transaction may end with the change: its answer shows no members, and nobody will act."""
    shows_members = any(each.relation is Relation.MEMBERS for each in write.resource_type.relations)
    if shows_members or not may_end():
        return False
    return time.monotonic() >= _observed.get(current_tenant().id, 0.0)


def _expect_observers() -> None:
    if len(_observed) >= _MOST_OBSERVED:
        _observed.clear()
    _observed[current_tenant().id] = time.monotonic() + _OBSERVED_SECONDS


def _changed(
    resource_type: ResourceType,
    stored: Stored,
    outcome: Outcome,
    call: Call,
    watches: Watches | None,
) -> Stored:
    """The resource after the change; one that changes nothing keeps its version and lastModified."""
    resource = outcome.resource
    rules.check_required(resource_type, resource)
    _announce(Transition(resource_type, stored.id, stored.resource, resource), watches)
    moved = members.apply(stored.id, outcome.member_edits)
    event = answered(call, 200, (*outcome.notes, *_passed_over(moved)))
    made = (*changes(resource_type, stored.resource, resource), *_moves(moved))
    if not made:
        resources.record(event)
        return stored
    version = stored.version + 1
    change = Write(resource_type, stored.id, resource, version, event, made)
    store(change, is_alone=watches is None)
    return Stored(stored.id, resource, version, stored.created, event.at, stored.related)


def _announce(transition: Transition, watches: Watches | None) -> None:
    """Raise the ScimError with which an observer refuses the change."""
    for each in observers() if watches is None else watches:
        each.change(transition)


def _moves(moved: Moved) -> Iterator[Change]:
    """The history of members, one change a member."""
    for member in moved.removed:
        yield Change(f'members[value eq "{member}"]', str(member), None)
    for member in moved.added:
        yield Change(f'members[value eq "{member}"]', None, str(member))


def _passed_over(moved: Moved) -> Iterator[str]:
    if moved.unknown:
        yield f"Passed over {moved.unknown} of the members: nobody has that id."


def not_found(resource_type: ResourceType, identifier: str) -> NotFound:
    """The error for an id that names nothing, or something deleted."""
    shown = identifier.partition("?")[0][:64]  # in a Bulk a filter may stand behind it
    return NotFound(
        "resource.not-found", f"There is no {resource_type.name} with the id {shown!r}."
    )
