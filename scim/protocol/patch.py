"""Bodies read into a resource: PATCH (RFC 7644 §3.5.2), POST and PUT (§3.3, §3.5.1), all or nothing.

A body of POST or PUT is added, member by member, to an empty resource, so that every spelling that
is read in one place is read in all. Values are never changed in place; a new list or dictionary
takes their place, so that the resource the draft began with stays as it is.

Canonical: a plain dictionary in the schema's names, without `schemas`, `id` and `meta`, extension
attributes under the extension's URN, unassigned attributes absent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.comparison import comparable_value, key
from scim.protocol.errors import (
    ContentTooLarge,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    NoTarget,
)
from scim.protocol.errors import Mutability as MutabilityError
from scim.protocol.messages import by_lower_name, check_schemas, read_message
from scim.protocol.schema import Attribute, Mutability, ResourceType, Schema, Type
from scim.protocol.targets import (
    Access,
    MemberEdit,
    Target,
    find,
    members,
    members_added,
    members_removed,
    members_replaced,
)
from scim.protocol.text import shown
from scim.protocol.values import (
    Notes,
    check_count,
    identify,
    is_nothing,
    read_complex,
    read_json,
    read_parts,
    read_value,
    read_values,
    settle,
)

# Operations in one message, and characters of all their paths: each path's filter is tried on each
# value of an attribute.
MAX_OPERATIONS: Final = 1_000
MAX_PATHS: Final = 131_072


class Op(Enum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


_OPS: Final = {each.value: each for each in Op}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; without a path it concerns the resource itself, and `value` is an object."""

    op: Op
    path: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A canonical resource that was read or changed.

    `notes` say for the provisioning log what was tolerated; `member_edits` are the changes to attributes
    whose values are rows, in their order.
    """

    resource: dict[str, Any]
    notes: tuple[str, ...]
    member_edits: tuple[MemberEdit, ...] = ()


def read_request(body: object) -> tuple[Operation, ...]:
    """The operations of a PatchOp message. Values are not looked at before they are applied.

    Raises ContentTooLarge, InvalidSyntax, InvalidValue, NoTarget.
    """
    operations = read_message(body, urns.PATCH_OP).get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax(
            "patch.operation", "Operations must be an array of at least one operation."
        )
    if len(operations) > MAX_OPERATIONS:
        raise ContentTooLarge(
            "request.too-large", f"A PATCH may have at most {MAX_OPERATIONS} operations."
        )
    read = tuple(map(_read_operation, operations))
    if sum(len(operation.path or "") for operation in read) > MAX_PATHS:
        raise ContentTooLarge(
            "request.too-large", f"The paths of a PATCH may have at most {MAX_PATHS} characters."
        )
    return read


def _read_operation(raw: Any) -> Operation:
    if not isinstance(raw, dict):
        raise InvalidSyntax("patch.operation", "Each of Operations must be an object.")
    operation = by_lower_name(raw)
    op = _read_op(operation.get("op"))
    path = operation.get("path")
    if path is not None and not isinstance(path, str):
        raise InvalidSyntax("patch.operation", "path must be a string.")
    value = operation.get("value")
    if path is None:
        value = _read_whole(value)
    if op is Op.REMOVE:
        if path is None:
            raise NoTarget("patch.operation", "A remove operation must have a path.")
    elif "value" not in operation:
        raise InvalidValue("patch.operation", f"The {op.value} operation must have a value.")
    elif path is None and not isinstance(value, dict):
        raise InvalidValue(
            "patch.operation",
            f"The value of the {op.value} operation must be an object without a path.",
        )
    return Operation(op, path, value)


def _read_whole(value: Any) -> Any:
    """The value of an operation without a path: an object, in a text (E40) or an array of one (E39)."""
    value = read_json(value, "value")
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _read_op(raw: Any) -> Op:
    # E1: Entra sends Add, Replace and Remove.
    op = _OPS.get(raw.lower()) if isinstance(raw, str) else None
    if op is None:
        sent = f"; the request has {shown(raw)}" if isinstance(raw, str) else ""
        raise InvalidSyntax("patch.operation", f"op must be add, replace or remove{sent}.")
    return op


def apply(
    resource_type: ResourceType,
    resource: Mapping[str, Any],
    operations: Iterable[Operation],
) -> Outcome:
    """The resource after all operations, in their order; `resource` stays as it is.

    `resource` is canonical and so is the result. Required attributes are not asked for here.
    Raises InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget.
    """
    notes = Notes()
    draft = Draft(resource, notes)
    for operation in operations:
        for target, value in _targets(resource_type, operation, notes):
            draft.apply(operation.op, target, value)
    return draft.finish()


def _targets(
    resource_type: ResourceType,
    operation: Operation,
    notes: Notes,
) -> Iterable[tuple[Target, Any]]:
    """The targets of the operation, each with the value for it."""
    if operation.path is None:
        return members(resource_type, operation.value, notes)
    found = find(resource_type, operation.path)
    if found is None:
        raise InvalidPath(
            "path.unknown-attribute",
            f"{shown(operation.path)} is not an attribute of {resource_type.name}.",
        )
    if isinstance(found, Schema):
        return _targets_of_schema(resource_type, found, operation, notes)
    if found.access is Access.WRITABLE:
        return ((found, operation.value),)
    if found.access is not Access.DISCARDED:
        raise MutabilityError("attribute.read-only", f"{found.full_name} is read-only.")
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
        raise NoTarget(
            "path.no-target", f"{schema.id} cannot be removed; name one of its attributes."
        )
    return members(resource_type, {schema.id: operation.value}, notes)


def read_resource(resource_type: ResourceType, body: object) -> Outcome:
    """The resource that a body describes. Required attributes are not asked for here.

    Unknown, read-only and write-only attributes are ignored and noted. Raises InvalidSyntax,
    InvalidValue, NoTarget.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(
            "body.wrong-message",
            f"The body must be a JSON object that describes a {resource_type.name}.",
        )
    notes = Notes()
    _check_schemas(resource_type, body, notes)
    draft = Draft({}, notes)
    for target, raw in members(resource_type, body, notes):
        draft.add(target, raw)
    return draft.finish()


def _check_schemas(resource_type: ResourceType, body: Mapping[str, Any], notes: Notes) -> None:
    """Refuse a body whose `schemas` say that it is something else. Raises InvalidSyntax."""
    sent = next((raw for name, raw in body.items() if name.lower() == "schemas"), None)
    urn = resource_type.schema.id
    unknown = check_schemas(sent, urn, resource_type.find_schema)
    if not sent:
        # E26: RFC 7643 §3 requires it, and the endpoint says it as well.
        notes.add(f"The body has no schemas; took it for a {resource_type.name}.")
    for each in unknown:
        notes.add(f"Ignored unknown schema {shown(each)}.")


class Draft:
    """A resource that is being changed, beginning with a canonical one."""

    def __init__(self, resource: Mapping[str, Any], notes: Notes) -> None:
        self._resource = dict(resource)
        self._notes = notes
        self._member_edits: list[MemberEdit] = []
        self._unsettled: dict[tuple[str | None, str], Target] = {}

    def apply(self, op: Op, target: Target, raw: Any) -> None:
        """Add, replace or remove. Raises what these raise."""
        if op is Op.REPLACE:
            self.replace(target, raw)
        elif op is Op.ADD:
            self.add(target, raw)
        else:
            self.remove(target, raw)

    def add(self, target: Target, raw: Any) -> None:
        """Add the value to the target (RFC 7644 §3.5.2.1).

        Raises InvalidValue, NoTarget, Mutability.
        """
        if target.attribute.relation is not None:
            self._member_edits.extend(members_added(target, raw, self._notes))
            return
        self._write(target, raw, replaces=False)

    def replace(self, target: Target, raw: Any) -> None:
        """Replace the target by the value (RFC 7644 §3.5.2.3).

        Raises InvalidValue, NoTarget, Mutability.
        """
        if target.attribute.relation is not None:
            self._member_edits.extend(members_replaced(target, raw, self._notes))
            return
        self._write(target, raw, replaces=True)

    def remove(self, target: Target, raw: Any) -> None:
        """Remove the target (RFC 7644 §3.5.2.2); with a value, only where it has that value (E14).

        An absent value counts as removed (E15). Raises InvalidValue, Mutability.
        """
        if target.attribute.relation is not None:
            self._member_edits.extend(members_removed(target, raw, self._notes))
        elif _names_nothing(target, raw):
            self._notes.add(f"Removed nothing from {target.name}: the value names none of it.")
        elif target.attribute.type is Type.COMPLEX:
            self._remove_values(target, raw)
        elif target.selects is not None:
            self._set(target, _without(self._values(target), _hits(target, self._values(target))))
        elif raw is None or raw in ("", []):
            self._set(target, None)
        else:
            self._remove_simple(target, raw)

    def finish(self) -> Outcome:
        """The changed resource. Raises InvalidValue."""
        for target in self._unsettled.values():
            values = settle(target.attribute, self._get(target) or (), target.name)
            self._store(target, values)
        return Outcome(self._resource, self._notes.texts, tuple(self._member_edits))

    def _write(self, target: Target, raw: Any, *, replaces: bool) -> None:
        attribute = target.attribute
        if _is_list(target):
            self._write_list(target, raw, replaces=replaces)
        elif attribute.type is Type.COMPLEX:
            self._write_values(target, raw, replaces=replaces)
        elif target.selects is not None:
            self._write_selected(target, raw, replaces=replaces)
        else:
            self._set(target, read_value(attribute, raw, target.name))

    def _write_list(self, target: Target, raw: Any, *, replaces: bool) -> None:
        values = read_values(target.attribute, raw, target.name, self._notes)
        current = self._get(target)
        if replaces or not current:
            self._set(target, values)
        elif values:
            self._set_unsettled(target, _joined(target, current, values))

    def _write_selected(self, target: Target, raw: Any, *, replaces: bool) -> None:
        """Put the value in place of the simple values that the target selects (E45)."""
        current = self._values(target)
        hits = _hits(target, current)
        values = read_values(target.attribute, raw, target.name, self._notes)
        if not replaces:
            raise InvalidPath(
                "path.unfit", f"{target.name} has plain values: add them without a filter."
            )
        if values and not hits:
            raise NoTarget(
                "path.no-target", f"No value of {target.name} matches the filter of the path."
            )
        if hits:
            kept = _without(current, hits)
            self._set(target, settle(target.attribute, [*kept, *values], target.name))

    def _write_values(self, target: Target, raw: Any, *, replaces: bool) -> None:
        """Write into the values that the target selects, or make the one it describes."""
        attribute = target.attribute
        raw = raw if target.sub else read_json(raw, target.name)
        parts = self._read_parts(target, raw)
        current = self._values(target)
        hits = _hits(target, current)
        if parts is None:
            adds_nothing = attribute.multi_valued or raw in ([], {})
            if replaces or not adds_nothing:
                self._set_values(target, _without(current, hits))
            return
        # RFC 7644 §3.5.2.3: a selected value is replaced, a complex attribute keeps what is unsent.
        starts_anew = replaces and attribute.multi_valued and target.sub is None and bool(parts)
        changed = list(current)
        for hit in hits:
            base = (target.seed or {}) if starts_anew else current[hit]
            changed[hit] = _merged(target, base, parts)
        if not hits and any(part is not None for part in parts.values()):
            hits = [len(current)]
            changed.append(_merged(target, self._new_value(target, current), parts))
        self._set_values(target, _with_one_primary(changed, hits))

    def _new_value(self, target: Target, current: Sequence[Any]) -> Mapping[str, Any]:
        """The value that the target's filter describes; the RFC has noTarget for all of them.

        E7: Entra adds and replaces `emails[type eq "work"].value` before there is a work e-mail.
        """
        if target.seed is None or (current and not target.attribute.multi_valued):
            raise NoTarget(
                "path.no-target", f"No value of {target.name} matches the filter of the path."
            )
        return target.seed

    def _remove_values(self, target: Target, raw: Any) -> None:
        current = self._values(target)
        hits = _hits(target, current)
        if not is_nothing(raw) or (target.sub is not None and raw == {}):
            equal = self._find_equal(target, current, raw)
            hits = [hit for hit in hits if hit in equal]
        if target.sub is None:
            self._set_values(target, _without(current, hits))
            return
        changed = list(current)
        for hit in hits:
            changed[hit] = _merged(target, current[hit], {target.sub.name: None})
        self._set_values(target, changed)

    def _find_equal(self, target: Target, current: Sequence[Any], raw: Any) -> set[int]:
        """The positions of the values that are equal to what is sent for removal."""
        attribute = target.attribute
        if _is_list(target):
            sent = read_values(attribute, raw, target.name, self._notes)
        else:
            parts = self._read_parts(target, raw) or {}
            sent = [{name: part for name, part in parts.items() if part is not None}]
        find = _finder(attribute, current)
        return {position for value in sent for position in find(value)}

    def _remove_simple(self, target: Target, raw: Any) -> None:
        attribute, current = target.attribute, self._get(target)
        if attribute.multi_valued:
            sent = read_values(attribute, raw, target.name, self._notes)
            gone = {key(attribute, value) for value in sent}
            self._set(target, [v for v in current or () if key(attribute, v) not in gone])
            return
        sent = read_value(attribute, raw, target.name)
        if sent is None or (
            current is not None and key(attribute, sent) == key(attribute, current)
        ):
            self._set(target, None)

    def _read_parts(self, target: Target, raw: Any) -> dict[str, Any] | None:
        if target.sub is not None:
            return read_parts(target.attribute, {target.sub.name: raw}, target.name, self._notes)
        return read_complex(target.attribute, raw, target.name, self._notes)

    def _get(self, target: Target) -> Any:
        holder = self._resource
        if target.extension is not None:
            holder = holder.get(target.extension, {})
        return holder.get(target.attribute.name)

    def _values(self, target: Target) -> Sequence[Any]:
        """The values of a complex attribute; a single-valued one has one or none (E17)."""
        current = self._get(target)
        if target.attribute.multi_valued:
            return current or ()
        return () if current is None else (current,)

    def _set_values(self, target: Target, values: Sequence[Any]) -> None:
        kept = [value for value in values if value]
        if target.attribute.multi_valued:
            self._set_unsettled(target, kept)
        else:
            self._set(target, kept[0] if kept else None)

    def _set_unsettled(self, target: Target, values: list[Any]) -> None:
        check_count(target.attribute, len(values), target.name)
        self._set(target, values)
        self._unsettled[target.extension, target.attribute.name] = target

    def _set(self, target: Target, value: Any) -> None:
        """Store a value; null, [] and {} make the attribute absent."""
        attribute = target.attribute
        if attribute.default is not None and value is None:
            self._notes.add(f"Ignored nothing as the value of {target.name}.")
            return
        if attribute.mutability is Mutability.IMMUTABLE and self._get(target) not in (None, value):
            raise MutabilityError(
                "attribute.immutable", f"{target.name} cannot be changed once it has a value."
            )
        self._store(target, value)

    def _store(self, target: Target, value: Any) -> None:
        name = target.attribute.name
        if target.extension is None:
            _put(self._resource, name, value)
            return
        holder = dict(self._resource.get(target.extension, {}))
        _put(holder, name, value)
        _put(self._resource, target.extension, holder)


def _put(holder: dict[str, Any], name: str, value: Any) -> None:
    """Changes the holder: assigns the name, or takes it away if the value is none."""
    if is_nothing(value):
        holder.pop(name, None)
    else:
        holder[name] = value


def _names_nothing(target: Target, raw: Any) -> bool:
    """True for a removal by an empty list or object, which names none of what is there (E43).

    A removal without a value, or by null, is of all that the path names; so is one by "" of what has
    a single value (E4, E8).
    """
    if target.selects is not None or raw is None or target.sub is not None:
        return False
    if target.attribute.multi_valued:
        return is_nothing(raw)
    return target.attribute.type is Type.COMPLEX and raw in ([], {})


def _is_list(target: Target) -> bool:
    """True if the target is all of a multi-valued attribute."""
    return target.attribute.multi_valued and target.sub is None and target.selects is None


def _hits(target: Target, values: Sequence[Any]) -> list[int]:
    """The positions of the values that the target addresses."""
    selects = target.selects
    return [i for i, value in enumerate(values) if selects is None or selects(value)]


def _without(values: Sequence[Any], positions: Iterable[int]) -> list[Any]:
    gone = set(positions)
    return [value for i, value in enumerate(values) if i not in gone]


def _merged(target: Target, base: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """The complex value with its parts set, and without those that are None."""
    merged = dict(base)
    for name, part in parts.items():
        sub = target.attribute.find(name)
        is_immutable = sub is not None and sub.mutability is Mutability.IMMUTABLE
        if is_immutable and base.get(name) not in (None, part):
            raise MutabilityError(
                "attribute.immutable",
                f"{target.name}.{name} cannot be changed once it has a value.",
            )
        _put(merged, name, part)
    if "value" in parts and "$ref" not in parts and base.get("value") != parts["value"]:
        merged.pop("$ref", None)  # it names the resource of the former value
    return merged


def _joined(target: Target, current: Sequence[Any], sent: Iterable[Any]) -> list[Any]:
    """The values with those sent: a new one is appended, one that is there is completed."""
    attribute = target.attribute
    if attribute.type is not Type.COMPLEX:
        return [*current, *sent]
    find = _finder(attribute, current)
    joined = list(current)
    written = []
    for value in sent:
        found = find(value)
        if found:
            joined[found[0]] = _merged(target, joined[found[0]], value)
            written.append(found[0])
        else:
            written.append(len(joined))
            joined.append(value)
    return _with_one_primary(joined, written)


def _finder(attribute: Attribute, values: Sequence[Any]) -> Callable[[Any], list[int]]:
    """A function that gives the positions of the complex values that are the same as a given one."""
    keys = [comparable_value(attribute, value) for value in values]
    by_value: dict[Any, list[int]] = {}
    for i, comparable in enumerate(keys):
        by_value.setdefault(comparable.get("value"), []).append(i)

    def find(value: Mapping[str, Any]) -> list[int]:
        wanted = identify(comparable_value(attribute, value))
        among = by_value.get(wanted["value"], ()) if "value" in wanted else range(len(keys))
        return [i for i in among if wanted and wanted.items() <= keys[i].items()]

    return find


def _with_one_primary(values: list[Any], written: Iterable[int]) -> list[Any]:
    """The values; a primary one among those written takes that from all others (§3.5.2)."""
    chosen = [i for i in written if values[i].get("primary") is True]
    if len(chosen) != 1:
        return values
    return [
        {**value, "primary": False} if value.get("primary") is True and i not in chosen else value
        for i, value in enumerate(values)
    ]
