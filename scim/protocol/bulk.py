"""Bulk: reading the BulkRequest, its references and their order, the BulkResponse (RFC 7644 §3.7).

An operation may refer to what a POST of the same request creates, as `bulkId:` and the POST's
bulkId. The server chooses ids, so each POST has its id before anything is executed, and a reference
is a matter of text. Only the order matters: a POST that others refer to is executed before them,
wherever it stands. Operations that refer to each other in a circle make one unit, which succeeds or
fails as a whole. A circle through managers can be executed, because nothing asks that a manager
exists; a circle of groups alone cannot, because a member must exist before it is added.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from scim.protocol import urns
from scim.protocol.errors import (
    ContentTooLarge,
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    ScimError,
)
from scim.protocol.messages import by_lower_name, error_body, read_message
from scim.protocol.schema import Relation, ResourceType

METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")

_MARK: Final = "bulkId:"
# In the filter of a PATCH path, such as members[value eq "bulkId:qwerty"]; E37: or without quotes.
_QUOTED: Final = re.compile(rf'"{_MARK}([^"\\]+)"|(?<=[ \t]){_MARK}([^ \t\r\n"()\[\]\\]+)')
# E25, E32: as on their own, paths match with and without v2 and with any number of slashes.
_PATH: Final = re.compile(r"(?:v2/+)?([^/]+)(?:/+(.+))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Operation:
    """One of Operations, as far as it could be read; `flaw` says what makes it impossible.

    `resource_type` is None where the path names no endpoint. `references` are the bulkIds that
    `identifier`, the path's second part, and `data` refer to.
    """

    method: str  # in upper case
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Any = None
    resource_type: ResourceType | None = None
    identifier: str | None = None
    references: tuple[str, ...] = ()
    flaw: ScimError | None = None

    @property
    def creates(self) -> str | None:
        """The bulkId by which others may refer to what the operation creates."""
        return self.bulk_id if self.method == "POST" else None

    @property
    def is_strict(self) -> bool:
        """True if the resources that the data refer to must exist before: members must."""
        relations = self.resource_type.relations if self.resource_type else ()
        return any(attribute.relation is Relation.MEMBERS for attribute in relations)


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """The operations in the request's order; None as `fail_on_errors` means to go on always."""

    operations: tuple[Operation, ...]
    fail_on_errors: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """Operations that succeed or fail together, by their index, in the order of their execution.

    Nearly always it is one. `is_circular` says that there is no order.
    """

    indexes: tuple[int, ...]
    is_circular: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an operation."""

    operation: Operation
    status: int
    location: str | None = None
    version: str | None = None
    error: ScimError | None = None


def read_request(
    body: object, resource_types: Iterable[ResourceType], max_operations: int
) -> BulkRequest:
    """The BulkRequest in a body. An error in one operation is that operation's `flaw`.

    Raises ContentTooLarge, InvalidSyntax, InvalidValue for what makes the request unreadable.
    """
    message = read_message(body, urns.BULK_REQUEST)
    raw = message.get("operations")
    if not isinstance(raw, list) or not raw:
        raise InvalidSyntax(
            "bulk.message", "Operations must be an array of at least one operation."
        )
    if len(raw) > max_operations:
        raise ContentTooLarge(
            "request.too-large",
            f"The request has {len(raw)} operations, which exceeds maxOperations ({max_operations}).",
        )
    by_endpoint = {each.endpoint.strip("/").lower(): each for each in resource_types}
    operations = tuple(_read_operation(each, by_endpoint) for each in raw)
    _check_unique(operations)
    return BulkRequest(operations, _read_fail_on_errors(message.get("failonerrors")))


def _read_fail_on_errors(raw: Any) -> int | None:
    if raw is None:
        return None
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise InvalidSyntax("bulk.message", "failOnErrors must be an integer.")
    if raw < 1:
        raise InvalidValue("bulk.message", "failOnErrors must be an integer of at least 1.")
    return raw


def _check_unique(operations: Iterable[Operation]) -> None:
    """Raise InvalidValue for a bulkId that occurs twice: it would not say which one is meant."""
    seen: set[str] = set()
    for operation in operations:
        if operation.bulk_id in seen:
            raise InvalidValue(
                "bulk.message", f"The bulkId {operation.bulk_id[:64]!r} occurs more than once."
            )
        if operation.bulk_id is not None:
            seen.add(operation.bulk_id)


def _read_operation(raw: Any, by_endpoint: Mapping[str, ResourceType]) -> Operation:
    if not isinstance(raw, dict):
        raise InvalidSyntax("bulk.message", "Each of Operations must be an object.")
    sent = by_lower_name(raw)
    bulk_id = sent.get("bulkid")
    if bulk_id is not None and not isinstance(bulk_id, str):
        raise InvalidSyntax("bulk.message", "bulkId must be a string.")
    method, path = _text(sent.get("method")).upper(), _text(sent.get("path"))
    found = _PATH.fullmatch(path.strip("/"))
    identifier = found[2] if found else None
    operation = Operation(
        method=method,
        path=path,
        bulk_id=bulk_id or None,
        version=_text(sent.get("version")) or None,
        data=sent.get("data"),
        resource_type=by_endpoint.get(found[1].lower()) if found else None,
        identifier=identifier,
        references=_references(identifier, sent.get("data")),
    )
    return replace(operation, flaw=_wrong_type(sent) or _flaw(operation))


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _wrong_type(sent: Mapping[str, Any]) -> ScimError | None:
    """The flaw of a member that must be a string and is something else."""
    for name in ("method", "path", "version"):
        if not isinstance(sent.get(name), str | None):
            return InvalidSyntax("bulk.message", f"{name} must be a string.")
    return None


def _flaw(operation: Operation) -> ScimError | None:
    """The error that keeps the operation from being executed, whatever is stored."""
    method, is_creation = operation.method, operation.method == "POST"
    is_misdirected = is_creation is (operation.identifier is not None)
    kind = "a resource type" if is_creation else "one resource"
    checks: tuple[tuple[bool, ScimError], ...] = (
        (
            method not in METHODS,
            InvalidSyntax("bulk.message", "method must be POST, PUT, PATCH or DELETE."),
        ),
        (
            not operation.path,
            InvalidSyntax("bulk.message", "path is missing; it is such as /Users or /Users/{id}."),
        ),
        (
            is_creation and operation.bulk_id is None,
            InvalidSyntax("bulk.message", "bulkId is missing; a POST must have one."),
        ),
        (
            operation.resource_type is not None and is_misdirected,
            MethodNotAllowed("request.method", f"The path of a {method} must be that of {kind}."),
        ),
        (
            method != "DELETE" and operation.data is None,
            InvalidSyntax("bulk.message", f"data is missing; a {method} must have it."),
        ),
    )
    return next((error for is_wrong, error in checks if is_wrong), None)


def _references(identifier: str | None, data: Any) -> tuple[str, ...]:
    """The bulkIds referred to, each once, in the order in which they occur."""
    found: dict[str, str] = {}

    def note(bulk_id: str) -> str:
        return found.setdefault(bulk_id, bulk_id)

    _rewritten([identifier, data], note)
    return tuple(found)


def _rewritten(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of the value with `change` of the bulkId in place of each reference to it."""
    if isinstance(value, dict):
        return {
            name: _rewritten_path(item, change)
            if name.lower() == "path" and isinstance(item, str)
            else _rewritten(item, change)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_rewritten(item, change) for item in value]
    return _rewritten_text(value, change) if isinstance(value, str) else value


def _rewritten_text(text: str, change: Callable[[str], str]) -> str:
    """A reference is the whole value, or the end of a URI such as ../Users/bulkId:qwerty."""
    if text.startswith(_MARK) and text != _MARK:
        return change(text.removeprefix(_MARK))
    uri, mark, bulk_id = text.rpartition(f"/{_MARK}")
    return f"{uri}/{change(bulk_id)}" if mark and bulk_id else text


def _rewritten_path(path: str, change: Callable[[str], str]) -> str:
    return _QUOTED.sub(lambda found: f'"{change(found[1] or found[2])}"', path)


def resolved(operation: Operation, ids: Mapping[str, UUID]) -> Operation:
    """The operation with ids in place of all references; `ids` has each bulkId referred to."""
    if not operation.references:
        return operation
    sent = [operation.identifier, operation.data]
    identifier, data = _rewritten(sent, lambda name: str(ids[name]))
    path = operation.path
    if identifier != operation.identifier and operation.resource_type is not None:
        path = f"{operation.resource_type.endpoint}/{identifier}"
    return replace(operation, identifier=identifier, data=data, path=path)


def units(operations: Sequence[Operation]) -> list[Unit]:
    """All operations in the order of their execution: that of the request, but for each POST that
    an earlier operation refers to, which comes before it.
    """
    creators = {each.creates: index for index, each in enumerate(operations) if each.creates}
    needs = {
        index: [creators[name] for name in operation.references if name in creators]
        for index, operation in enumerate(operations)
    }
    return [_unit(component, needs, operations) for component in components(needs)]


def _unit(
    indexes: Collection[int], needs: Mapping[int, list[int]], operations: Sequence[Operation]
) -> Unit:
    """The operations of a circle so ordered that members are there when they are added."""
    among = frozenset(indexes)
    strict = {
        index: [needed for needed in needs[index] if needed in among]
        if operations[index].is_strict
        else []
        for index in indexes
    }
    ordered = components(strict)
    is_circular = any(len(each) > 1 or each[0] in strict[each[0]] for each in ordered)
    return Unit(tuple(index for each in ordered for index in each), is_circular)


def bulk_response(results: Iterable[Result]) -> dict[str, Any]:
    """The BulkResponse message (RFC 7644 §3.7.3); only failed operations have a `response`."""
    return {"schemas": [urns.BULK_RESPONSE], "Operations": [_representation(r) for r in results]}


def _representation(result: Result) -> dict[str, Any]:
    body: dict[str, Any] = {
        "location": result.location,
        "method": result.operation.method or None,
        "bulkId": result.operation.bulk_id,
        "version": result.version,
        "status": str(result.status),
    }
    if result.error is not None:
        error = result.error
        body["response"] = error_body(error.status, error.detail, error.scim_type)
    return {name: value for name, value in body.items() if value is not None}


def components(needs: Mapping[int, Collection[int]]) -> list[tuple[int, ...]]:
    """The nodes, each after those it needs; nodes that need each other in a circle are together.

    `needs` has every node as a key. Nodes that need nothing unmet keep the order of the keys, and
    those of one circle are sorted. Takes time linear in nodes and needs.
    """
    search = _Search(needs)
    for node in needs:
        search.visit(node)
    return search.found


class _Search:
    """One depth-first search, on a stack of its own: a chain may be longer than Python's."""

    def __init__(self, needs: Mapping[int, Collection[int]]) -> None:
        self.found: list[tuple[int, ...]] = []
        self._needs = needs
        self._number: dict[int, int] = {}  # in the order of discovery
        self._lowest: dict[int, int] = {}  # number of an unfinished node that is reached from here
        self._unfinished: list[int] = []
        self._is_unfinished: set[int] = set()

    def visit(self, root: int) -> None:
        if root in self._number:
            return
        way = [self._enter(root)]
        while way:
            node, rest = way[-1]
            needed = next(rest, None)
            if needed is None:
                way.pop()
                self._leave(node)
                if way:
                    self._reach(way[-1][0], self._lowest[node])
            elif needed not in self._number:
                way.append(self._enter(needed))
            elif needed in self._is_unfinished:
                self._reach(node, self._number[needed])

    def _enter(self, node: int) -> tuple[int, Iterator[int]]:
        self._number[node] = self._lowest[node] = len(self._number)
        self._unfinished.append(node)
        self._is_unfinished.add(node)
        return node, iter(self._needs[node])

    def _reach(self, node: int, number: int) -> None:
        self._lowest[node] = min(self._lowest[node], number)

    def _leave(self, node: int) -> None:
        """Take off the circle that ends at the node, which may be the node alone."""
        if self._lowest[node] != self._number[node]:
            return
        circle = [self._unfinished.pop()]
        while circle[-1] != node:
            circle.append(self._unfinished.pop())
        self._is_unfinished.difference_update(circle)
        self.found.append(tuple(sorted(circle)))
