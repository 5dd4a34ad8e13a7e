"""Bulk: the operations of one request, each in a savepoint of its own (RFC 7644 §3.7).

An operation that is refused leaves the others as they are, and is logged like any other. Any other
error, such as a database that does not answer, ends the request without an effect. New users that come
one after another are written at once, in a savepoint together; if one of them is refused, that is undone and
each has its own (decision 0010).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from scim.protocol import bulk
from scim.protocol.bulk import METHODS, BulkRequest, Operation, Result, Unit
from scim.protocol.errors import Conflict, InvalidValue, NotFound, ScimError
from scim.protocol.representation import Precondition, Stored, entity_tag, location
from scim.protocol.schema import Relation, ResourceType
from scim.protocol.text import read_id
from scim.provider import provisioning_log, resources
from scim.provider.features import observers
from scim.provider.observers import Answered, Watches
from scim.provider.provisioning_log import Call
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Creation, Existing
from scim.repository import resources as repository
from scim.repository.base import Loading
from tenants import clock
from tenants.yielding import in_turns

_TOGETHER: Final = 100  # resources that are created at once, at most
# Names of operations in the log, the same as for single requests.
_NAMES: Final = dict(zip(METHODS, ("create", "replace", "modify", "delete"), strict=True))
_CHANGES: Final[Mapping[str, Callable[[Existing, Any, Requester, Watches], Stored]]] = {
    "PUT": resources.replace,
    "PATCH": resources.modify,
}


@transaction.atomic(savepoint=False)
def perform(request: BulkRequest, requester: Requester) -> list[Result]:
    """Perform the operations; return the results in the request's order.

    Those that come after `fail_on_errors` errors are not executed and not among the results. All
    that the request changes is locked before its first operation, which keeps two such requests
    from waiting for each other.
    """
    repository.lock_in_order(_changed_ids(request))
    watches = Watches(observers(), len(request.operations))
    job = _Job(request.operations, requester, watches, _chosen_ids(request))
    results: dict[int, Result] = {}
    errors = 0
    for units in in_turns(_together(request)):
        done = job.run(units[0]) if len(units) == 1 else job.run_together(units)
        results |= done
        errors += sum(result.error is not None for result in done.values())
        if request.fail_on_errors is not None and errors >= request.fail_on_errors:
            break
    watches.finish()
    return [results[index] for index in sorted(results)]


def parts(whole: Answered, results: Sequence[Result]) -> tuple[Answered, ...]:
    """The operations of the bulk request `whole`, each as a request of its own and its answer."""
    return tuple(
        replace(
            whole,
            operation=_NAMES.get(each.operation.method, "bulk"),
            method=each.operation.method,
            status=each.status,
            reason=each.error.reason if each.error else "",
            resource_type=each.operation.resource_type,
            resource_id=read_id(each.operation.identifier) if each.operation.identifier else None,
            sent=each.operation.data,
        )
        for each in results
    )


def _together(request: BulkRequest) -> Iterator[list[Unit]]:
    """The units in the order of their execution; what creates resources of one type is together.

    Only what refers to no other operation: it is created if the others are, or not.
    """
    units = bulk.units(request.operations)
    if request.fail_on_errors is not None:  # the first error may be the last operation
        yield from ([unit] for unit in units)
        return
    for key, alike in groupby(units, lambda unit: _plain_type(unit, request.operations)):
        some = list(alike)
        size = _TOGETHER if key else 1
        yield from (some[start : start + size] for start in range(0, len(some), size))


def _plain_type(unit: Unit, operations: Sequence[Operation]) -> str | None:
    """The type of what the unit creates, if it is one resource that has no members."""
    operation = operations[unit.indexes[0]]
    resource_type = operation.resource_type
    if len(unit.indexes) > 1 or operation.creates is None or resource_type is None:
        return None
    if operation.flaw or operation.references:
        return None
    has_members = any(each.relation is Relation.MEMBERS for each in resource_type.relations)
    return None if has_members else resource_type.name


def _changed_ids(request: BulkRequest) -> set[UUID]:
    """The ids of resources that there are and that the operations change or delete."""
    ids = (read_id(each.identifier) for each in request.operations if each.identifier)
    return {each for each in ids if each is not None}


def _chosen_ids(request: BulkRequest) -> dict[str, UUID]:
    """The ids of what the POSTs are about to create, by bulkId; they sort in the request's order."""
    now = clock.now()
    names = [each.creates for each in request.operations if each.creates is not None]
    return dict(zip(names, sorted(clock.new_id(now) for _ in names), strict=True))


@dataclass(frozen=True, slots=True)
class _Job:
    """A bulk request at work; `created` are the bulkIds of what is there by now."""

    operations: tuple[Operation, ...]
    requester: Requester
    watches: Watches
    ids: Mapping[str, UUID]
    created: set[str] = field(default_factory=set)

    def run(self, unit: Unit) -> dict[int, Result]:
        """The results of a unit's operations, by index: all executed, or all refused."""
        current, started = unit.indexes[0], time.perf_counter()
        results: dict[int, Result] = {}
        try:
            with self.watches.savepoint():
                self._check_order(unit)
                for current in unit.indexes:
                    results[current] = self._execute(unit, current)
        except ScimError as error:
            others = error if unit.is_circular else self._failed_with(current)
            return {
                index: self._refuse(index, error if index == current else others, started)
                for index in unit.indexes
            }
        self.created.update(self._names(unit))
        return results

    def run_together(self, units: Sequence[Unit]) -> dict[int, Result]:
        """The results of units that each create a resource: all at once, or one by one if any is
        refused.
        """
        operations = {unit.indexes[0]: self.operations[unit.indexes[0]] for unit in units}
        try:
            with self.watches.savepoint():
                creations = [
                    Creation(
                        resource_type,
                        self.ids[name],
                        each.data,
                        self._requester(each, time.perf_counter()),
                    )
                    for each in operations.values()
                    if (resource_type := each.resource_type) and (name := each.creates)
                ]
                stored = resources.create_all(creations, self.watches)
        except ScimError:
            return {index: each for unit in units for index, each in self.run(unit).items()}
        self.created.update(each.creates for each in operations.values() if each.creates)
        return {
            index: self._done(operation, 201, each)
            for (index, operation), each in zip(operations.items(), stored, strict=True)
        }

    def _names(self, unit: Unit) -> list[str]:
        names = (self.operations[index].creates for index in unit.indexes)
        return [name for name in names if name is not None]

    def _check_order(self, unit: Unit) -> None:
        """Raise Conflict for groups that would have to exist before each other (§3.7.1)."""
        if unit.is_circular:
            names = ", ".join(repr(name[:64]) for name in self._names(unit)[:5])
            raise Conflict(
                "group.circle",
                "A group cannot be a member of itself, directly or through others; these bulkIds"
                f" refer to each other in a circle: {names}.",
            )

    def _failed_with(self, index: int) -> Conflict:
        """The error of operations that refer to each other when one of them fails."""
        name = self.operations[index].bulk_id or ""
        return Conflict(
            "bulk.dependency", f"It refers to the bulkId {name[:64]!r}, whose operation failed."
        )

    def _execute(self, unit: Unit, index: int) -> Result:
        """The result of an operation that succeeds. Raises any ScimError."""
        operation = self.operations[index]
        if operation.flaw is not None:
            raise operation.flaw
        resource_type = operation.resource_type
        if resource_type is None:
            path = operation.path.partition("?")[0][:128]  # a filter behind it holds values
            raise NotFound("request.no-endpoint", f"There is no resource type at {path!r}.")
        self._check_references(operation, unit)
        operation = bulk.resolved(operation, self.ids)
        requester = self._requester(operation, time.perf_counter())
        return self._apply(operation, resource_type, requester)

    def _apply(
        self, operation: Operation, resource_type: ResourceType, requester: Requester
    ) -> Result:
        if operation.creates is not None:
            chosen = self.ids[operation.creates]
            stored = resources.create(
                resource_type, operation.data, requester, chosen, self.watches
            )
            return self._done(operation, 201, stored)
        loading = Loading(requester.tenant_url)
        precondition = Precondition(operation.version)
        existing = Existing(resource_type, operation.identifier or "", loading, precondition)
        if operation.method == "DELETE":
            resources.delete(existing, requester, self.watches)
            return Result(operation, 204, self._location(operation))
        stored = _CHANGES[operation.method](existing, operation.data, requester, self.watches)
        return self._done(operation, 200, stored)

    def _done(self, operation: Operation, status: int, stored: Stored) -> Result:
        version = entity_tag(stored.version)
        return Result(operation, status, self._location(operation, str(stored.id)), version)

    def _check_references(self, operation: Operation, unit: Unit) -> None:
        """Raise InvalidValue for a bulkId that no POST has, Conflict for one whose POST failed."""
        within = frozenset(self._names(unit))
        for name in operation.references:
            if name not in self.ids:
                raise InvalidValue(
                    "bulk.message", f"No POST of this request has the bulkId {name[:64]!r}."
                )
            if name not in self.created and name not in within:
                raise Conflict(
                    "bulk.dependency",
                    f"It refers to the bulkId {name[:64]!r}, whose operation failed.",
                )

    def _refuse(self, index: int, error: ScimError, started: float) -> Result:
        """The result of an operation that failed, which is written to the log here."""
        operation = self.operations[index]
        if all(name in self.ids for name in operation.references):
            operation = bulk.resolved(operation, self.ids)
        identifier = operation.identifier
        call = Call(
            requester=self._requester(operation, started),
            operation=_NAMES.get(operation.method, "bulk"),
            resource_type=operation.resource_type,
            resource_id=read_id(identifier) if identifier else None,
            sent=operation.data,
        )
        provisioning_log.record(provisioning_log.refused(call, error))
        at = None if operation.method == "POST" else self._location(operation)
        return Result(operation, error.status, at, error=error)

    def _requester(self, operation: Operation, started: float) -> Requester:
        """The requester with the operation's own method and path for the log."""
        whole = self.requester.origin or Origin("", "")
        method = operation.method if operation.method in METHODS else ""
        origin = replace(whole, method=method, path=f"{whole.path}#{operation.path}")
        return replace(self.requester, origin=origin, started=started)

    def _location(self, operation: Operation, identifier: str | None = None) -> str | None:
        """The URI of the resource with the id, or of the one that the path names."""
        known = identifier or operation.identifier
        if operation.resource_type is None or known is None:
            return None
        identifier = known.partition("?")[0]
        return location(operation.resource_type, identifier, self.requester.tenant_url)
