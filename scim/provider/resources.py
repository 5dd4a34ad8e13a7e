"""The service provider: create, retrieve, query, replace, modify, delete (RFC 7644 §3.3-3.6).

For any resource type. Each call is one atomic block within the request's transaction and leaves one
provisioning event; a call that raises has changed nothing once that transaction is rolled back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from scim.protocol import patch, values
from scim.protocol.differences import changes
from scim.protocol.errors import NotFound
from scim.protocol.representation import Stored
from scim.protocol.schema import ResourceType
from scim.protocol.versions import Precondition
from scim.provider import clock, rules
from scim.provider.events import Call, answered
from scim.provider.requester import Requester
from scim.repository import resources
from scim.repository.base import Page, Query, Write

Edit = tuple[Mapping[str, Any], tuple[str, ...]]  # a resource, and notes for the log


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that a request addresses, and the version it must have to be changed."""

    resource_type: ResourceType
    identifier: str
    precondition: Precondition = field(default_factory=Precondition)

    def lock(self) -> Stored:
        """The resource, its row locked. Raises NotFound, PreconditionFailed."""
        parsed = parse_id(self.identifier)
        stored = resources.lock(self.resource_type, parsed) if parsed else None
        if stored is None:
            raise not_found(self.resource_type, self.identifier)
        self.precondition.check(stored.version)
        return stored


@transaction.atomic(savepoint=False)
def create(resource_type: ResourceType, body: Any, requester: Requester) -> Stored:
    """The new resource. Raises InvalidSyntax, InvalidValue, Uniqueness."""
    read = values.read_resource(resource_type, body)
    resource = rules.with_defaults(resource_type, read.resource)
    rules.check_required(resource_type, resource)
    identifier = clock.new_id(clock.now())
    call = Call(requester, "create", resource_type, identifier, body)
    event = answered(call, 201, read.notes)
    made = changes(resource_type, {}, resource)
    resources.insert(Write(resource_type, identifier, resource, 1, event, made))
    return Stored(identifier, resource, 1, event.at, event.at)


def retrieve(resource_type: ResourceType, identifier: str) -> Stored:
    """The resource. Raises NotFound."""
    parsed = parse_id(identifier)
    stored = resources.find(resource_type, parsed) if parsed else None
    if stored is None:
        raise not_found(resource_type, identifier)
    return stored


def query(resource_type: ResourceType, asked: Query, tenant_url: str) -> Page:
    """The page of resources that the query asks for. Raises InvalidFilter, InvalidValue."""
    return resources.page(resource_type, asked, tenant_url)


@transaction.atomic(savepoint=False)
def replace(target: Target, body: Any, requester: Requester) -> Stored:
    """The resource after PUT. Raises NotFound, PreconditionFailed, InvalidValue, Uniqueness."""
    read = values.read_resource(target.resource_type, body)

    def replaced(before: Mapping[str, Any]) -> Edit:
        return rules.carried_over(before, read.resource), read.notes

    return _change(target, "replace", replaced, body, requester)


@transaction.atomic(savepoint=False)
def modify(target: Target, body: Any, requester: Requester) -> Stored:
    """The resource after PATCH, all operations or none (RFC 7644 §3.5.2).

    Raises NotFound, PreconditionFailed, InvalidSyntax, InvalidPath, InvalidValue, NoTarget,
    Mutability, Uniqueness.
    """
    operations = patch.read_request(body)

    def modified(before: Mapping[str, Any]) -> Edit:
        applied = patch.apply(target.resource_type, before, operations)
        return applied.resource, applied.notes

    return _change(target, "modify", modified, body, requester)


@transaction.atomic(savepoint=False)
def delete(target: Target, requester: Requester) -> None:
    """Hides the resource from SCIM for good; the record and its history stay (product.md).

    Raises NotFound, PreconditionFailed.
    """
    stored = target.lock()
    event = answered(Call(requester, "delete", target.resource_type, stored.id), 204)
    resources.remove(
        Write(target.resource_type, stored.id, stored.resource, stored.version + 1, event)
    )


def _change(
    target: Target,
    operation: str,
    edit: Callable[[Mapping[str, Any]], Edit],
    body: Any,
    requester: Requester,
) -> Stored:
    """The resource after the edit; one that changes nothing keeps its version and lastModified."""
    stored = target.lock()
    resource, notes = edit(stored.resource)
    rules.check_required(target.resource_type, resource)
    call = Call(requester, operation, target.resource_type, stored.id, body)
    event = answered(call, 200, notes)
    made = changes(target.resource_type, stored.resource, resource)
    if not made:
        resources.record(event)
        return stored
    version = stored.version + 1
    resources.update(Write(target.resource_type, stored.id, resource, version, event, made))
    return Stored(stored.id, resource, version, stored.created, event.at)


def parse_id(identifier: str) -> UUID | None:
    """The id as it is stored; None for anything that was never given out as an id."""
    try:
        parsed = UUID(identifier)
    except ValueError:
        return None
    return parsed if str(parsed) == identifier else None


def not_found(resource_type: ResourceType, identifier: str) -> NotFound:
    """The error for an id that names nothing, or something deleted."""
    return NotFound(f"There is no {resource_type.name} with the id {identifier[:64]!r}.")
