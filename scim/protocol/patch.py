"""PATCH: reading the PatchOp message and applying it, all or nothing (RFC 7644 §3.5.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.editing import Draft
from scim.protocol.envelope import by_lower_name, read_message
from scim.protocol.errors import (
    ContentTooLarge,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
)
from scim.protocol.members import MemberEdit
from scim.protocol.readers import Notes, read_json
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.targets import Access, Target, find, members
from scim.protocol.text import shown

# Operations in one message, and characters of all their paths: each path's filter is tried on each
# value of an attribute.
MAX_OPERATIONS: Final = 1_000
MAX_PATHS: Final = 131_072


class Op(Enum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; without a path it concerns the resource itself, and `value` is an object."""

    op: Op
    path: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Applied:
    """The changed resource, and what was tolerated to change it, for the provisioning log."""

    resource: dict[str, Any]
    notes: tuple[str, ...]
    member_edits: tuple[MemberEdit, ...] = ()


def read_request(body: object) -> tuple[Operation, ...]:
    """The operations of a PatchOp message. Values are not looked at before they are applied.

    Raises ContentTooLarge, InvalidSyntax, InvalidValue, NoTarget.
    """
    operations = read_message(body, urns.PATCH_OP).get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations must be an array of at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise ContentTooLarge(f"A PATCH may have at most {MAX_OPERATIONS} operations.")
    read = tuple(map(_read_operation, operations))
    if sum(len(operation.path or "") for operation in read) > MAX_PATHS:
        raise ContentTooLarge(f"The paths of a PATCH may have at most {MAX_PATHS} characters.")
    return read


def _read_operation(raw: Any) -> Operation:
    if not isinstance(raw, dict):
        raise InvalidSyntax("Each of Operations must be an object.")
    operation = by_lower_name(raw)
    op = _read_op(operation.get("op"))
    path = operation.get("path")
    if path is not None and not isinstance(path, str):
        raise InvalidSyntax("path must be a string.")
    value = operation.get("value")
    if path is None:
        value = _read_whole(value)
    if op is Op.REMOVE:
        if path is None:
            raise NoTarget("A remove operation must have a path.")
    elif "value" not in operation:
        raise InvalidValue(f"The {op.value} operation must have a value.")
    elif path is None and not isinstance(value, dict):
        raise InvalidValue(
            f"The value of the {op.value} operation must be an object without a path."
        )
    return Operation(op, path, value)


def _read_whole(value: Any) -> Any:
    """The value of an operation without a path: an object, in a text (E40) or an array of one (E39)."""
    value = read_json(value, "value")
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _read_op(raw: Any) -> Op:
    try:
        return Op(raw.lower())  # E1: Entra sends Add, Replace and Remove.
    except (AttributeError, ValueError):
        sent = f"; the request has {shown(raw)}" if isinstance(raw, str) else ""
        raise InvalidSyntax(f"op must be add, replace or remove{sent}.") from None


def apply(
    resource_type: ResourceType,
    resource: Mapping[str, Any],
    operations: Iterable[Operation],
) -> Applied:
    """The resource after all operations, in their order; `resource` stays as it is.

    `resource` is canonical and so is the result. Required attributes are not asked for here.
    Raises InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget.
    """
    notes = Notes()
    draft = Draft(resource, notes)
    acts = {Op.ADD: draft.add, Op.REPLACE: draft.replace, Op.REMOVE: draft.remove}
    for operation in operations:
        for target, value in _targets(resource_type, operation, notes):
            acts[operation.op](target, value)
    return Applied(draft.finish(), notes.texts, draft.member_edits)


def _targets(
    resource_type: ResourceType,
    operation: Operation,
    notes: Notes,
) -> Iterable[tuple[Target, Any]]:
    """What the operation addresses, with the value for it."""
    if operation.path is None:
        return members(resource_type, operation.value, notes)
    found = find(resource_type, operation.path)
    if found is None:
        raise InvalidPath(f"{shown(operation.path)} is not an attribute of {resource_type.name}.")
    if isinstance(found, Schema):
        return _targets_of_schema(resource_type, found, operation, notes)
    if found.access is Access.WRITABLE:
        return ((found, operation.value),)
    if found.access is not Access.DISCARDED:
        raise Mutability(f"{found.full_name} is read-only.")
    notes.ignore(found.access.value, found.full_name)
    return ()


def _targets_of_schema(
    resource_type: ResourceType,
    schema: Schema,
    operation: Operation,
    notes: Notes,
) -> Iterable[tuple[Target, Any]]:
    """The attributes under a URN: those that the value names, or all of them for a removal."""
    if operation.op is Op.REMOVE and operation.value is None and schema is resource_type.schema:
        raise NoTarget(f"{schema.id} cannot be removed; name one of its attributes.")
    return members(resource_type, {schema.id: operation.value}, notes)
