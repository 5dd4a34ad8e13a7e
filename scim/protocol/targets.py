"""The target of a path of a PATCH operation, or of a member's name in a body (RFC 7644 §3.10).

A member's name may be a whole path, as Entra writes it in a value without a path (E6):
`name.givenName`, `urn:…:User:department`, `emails[type eq "work"].value`.

The members of a group are rows (RFC 7643 §4.2): changes to them are recorded here and made by the
repository. A group is never loaded to change them, so that adding one member costs the same
whatever the size of the group.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    NoTarget,
)
from scim.protocol.errors import Mutability as MutabilityError
from scim.protocol.evaluation import element_predicate
from scim.protocol.filters import And, Comparison, Filter, Operator, parse_path
from scim.protocol.schema import Attribute, Located, Mutability, ResourceType, Schema, Type
from scim.protocol.values import Notes, is_nothing, read_json, read_parts, read_values

# No part of a canonical resource (RFC 7643 §3.1).
_SERVER_MADE: Final = frozenset({"schemas", "id", "meta"})


# Sub-attributes that describe a member without identifying it.
_LABELS: Final = frozenset({"type", "display"})


class Access(Enum):
    """The access of clients to an attribute."""

    WRITABLE = "writable"
    READ_ONLY = "read-only"
    SERVER_MADE = "made by the server"  # and no part of a canonical resource
    DISCARDED = "write-only"  # secret: accepted and kept nowhere, such as a password


@dataclass(frozen=True, slots=True)
class Target:
    """An attribute, one of its sub-attributes, or those of its values that a filter selects.

    `name` is the attribute's full path, for messages. `extension` is the URN under which it lives,
    None for the core. `selects` tells the values that the path's filter matches, None without a
    filter, and `tree` is that filter; `seed` is the value that the filter describes, {} without a filter, None if a value
    cannot be made of it.
    """

    name: str
    attribute: Attribute
    extension: str | None
    sub: Attribute | None = None
    access: Access = Access.WRITABLE
    selects: Callable[[Any], bool] | None = None
    tree: Filter | None = None
    seed: Mapping[str, Any] | None = None

    @property
    def full_name(self) -> str:
        """The path down to the sub-attribute, for messages."""
        return f"{self.name}.{self.sub.name}" if self.sub else self.name


@lru_cache(maxsize=512)
def find(resource_type: ResourceType, text: str) -> Target | Schema | None:
    """The target of a path: a Schema stands for all its attributes, None for nothing known.

    Cached: clients send the same dozens. Raises InvalidFilter, InvalidPath, InvalidValue.
    """
    path = parse_path(text)
    named = path.attribute
    if not named.name:
        return resource_type.find_schema(named.urn or "")
    located = resource_type.locate(named.urn, named.name, named.sub or path.sub)
    if located is None:
        return None
    attribute = located.attribute
    name = f"{located.extension}:{attribute.name}" if located.extension else attribute.name
    target = Target(name, attribute, located.extension, located.sub, _access(located), seed={})
    return target if path.filter is None else _select(target, path.filter)


def _access(located: Located) -> Access:
    mutabilities = (located.attribute.mutability, located.leaf.mutability)
    if located.extension is None and located.attribute.name in _SERVER_MADE:
        return Access.SERVER_MADE
    if Mutability.READ_ONLY in mutabilities:
        return Access.READ_ONLY
    return Access.DISCARDED if located.is_secret else Access.WRITABLE


def _select(target: Target, tree: Filter) -> Target:
    attribute = target.attribute
    if attribute.type is not Type.COMPLEX and not attribute.multi_valued:
        raise InvalidPath(
            "path.unfit", f"{target.name} has no sub-attributes to select its values by."
        )
    return replace(
        target,
        selects=element_predicate(tree, attribute),
        tree=tree,
        seed=_seed(attribute, tree, target.name) if attribute.sub_attributes else None,
    )


def _seed(attribute: Attribute, tree: Filter, at: str) -> dict[str, Any] | None:
    """The value that the filter describes, if it is made of `eq` joined by `and` (E7)."""
    seed: dict[str, Any] = {}
    for term in tree.terms if isinstance(tree, And) else (tree,):
        if not isinstance(term, Comparison) or term.operator is not Operator.EQ:
            return None
        sub = attribute.find(term.path.name)
        if sub is None or sub.mutability is Mutability.READ_ONLY:
            return None
        for name, part in read_parts(attribute, {sub.name: term.value}, at, Notes()).items():
            if part is None or seed.setdefault(name, part) != part:
                return None
    return seed


def members(
    resource_type: ResourceType,
    body: Mapping[str, Any],
    notes: Notes,
) -> Iterator[tuple[Target, Any]]:
    """The targets of an object's members, each with its value, in their order.

    Unknown, read-only and discarded attributes are noted and left out; those the server makes are
    left out. Raises InvalidSyntax, InvalidValue.
    """
    found: list[tuple[Target, Any]] = []
    yield from _members(resource_type, body, notes, found)
    if len({id(target.attribute) for target, _ in found}) < len(found):
        _check_doubled(found)


def _check_doubled(found: Iterable[tuple[Target, Any]]) -> None:
    """Refuse two members with different values for one thing, such as `name.givenName` beside a
    `name` with a `givenName`: which of them is meant? Raises InvalidSyntax.
    """
    seen: dict[tuple[str, Filter | None, str | None], Any] = {}
    for target, raw in found:
        sub = target.sub.name if target.sub else None
        said = {sub: raw}
        if sub is None and isinstance(raw, dict) and not target.attribute.multi_valued:
            said |= {part.name: raw[name] for name in raw if (part := target.attribute.find(name))}
        for said_of, value in said.items():
            if seen.setdefault((target.name, target.tree, said_of), value) != value:
                name = f"{target.name}.{said_of}" if said_of else target.name
                raise InvalidSyntax(
                    "body.ambiguous", f"The body has two values for {name}; which one is meant?"
                )


def _members(
    resource_type: ResourceType,
    body: Mapping[str, Any],
    notes: Notes,
    met: list[tuple[Target, Any]],
    schema: Schema | None = None,
) -> Iterator[tuple[Target, Any]]:
    """The targets of the members, collected in `met`; they stand under the URN of `schema`."""
    for name, raw in body.items():
        path = f"{schema.id}:{name}" if schema else name
        found = _find_member(resource_type, path)
        if found is None:
            notes.ignore("unknown", path)  # E19: what the server does not know is no error.
        elif isinstance(found, Schema):
            inner = _of_schema(resource_type, found, raw)
            yield from _members(resource_type, inner, notes, met, found)
        elif found.access is Access.WRITABLE:
            met.append((found, raw))
            yield found, raw
        elif found.access is not Access.SERVER_MADE:  # E13: clients echo id, meta and schemas.
            notes.ignore(found.access.value, found.full_name)


def _find_member(resource_type: ResourceType, text: str) -> Target | Schema | None:
    try:
        return find(resource_type, text)
    except (InvalidFilter, InvalidPath):
        return None


def _of_schema(resource_type: ResourceType, schema: Schema, raw: Any) -> Mapping[str, Any]:
    """The members of what stands under a schema's URN. Raises InvalidValue.

    null under the URN of an extension unassigns each of its attributes.
    """
    raw = read_json(raw, schema.id)
    if isinstance(raw, list) and len(raw) <= 1:
        raw = raw[0] if raw else {}  # E39: in an array of one
    if isinstance(raw, dict):
        return raw
    if not is_nothing(raw):
        raise InvalidValue("value.unfit", f"{schema.id} must be an object.")
    if schema is resource_type.schema:
        return {}
    return {a.name: None for a in schema.attributes if a.mutability is not Mutability.READ_ONLY}


class Edit(Enum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"  # all members, or those of `instead_of`, by those named


@dataclass(frozen=True, slots=True)
class MemberEdit:
    """One change: to the members with these ids, or to those that the filter selects (REMOVE).

    A REPLACE by ids of whom nobody is known is refused: it would only take members away.
    """

    edit: Edit
    ids: tuple[str, ...] = ()
    selection: Filter | None = None
    instead_of: tuple[str, ...] | None = None


def members_added(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """The edits that add to the members. Raises InvalidValue, NoTarget, Mutability."""
    _check_whole(target)
    if target.tree is None:
        return (MemberEdit(Edit.ADD, _ids(target, raw, notes)),)
    ids = _described(target)
    if not ids:
        raise NoTarget("member.not-named", f"No member can be made of the filter of {target.name}.")
    _check_same(target, ids, raw, notes)
    return (MemberEdit(Edit.ADD, ids),)


def members_replaced(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """The edits that replace all members or one. Raises InvalidValue, NoTarget, Mutability."""
    _check_whole(target)
    if target.tree is None:
        if raw == {}:
            raise InvalidValue(
                "value.unfit", f"{target.name} must be an array of members; the request has {{}}."
            )
        return (MemberEdit(Edit.REPLACE, _ids(target, raw, notes)),)
    if is_nothing(raw):
        return members_removed(target, None, notes)
    former = _described(target)
    if not former:
        raise NoTarget("member.not-named", f"No member can be made of the filter of {target.name}.")
    # E42: {"value": "B"} at members[value eq "A"] lets B in for A; without a value it is about A.
    ids = _named(target, raw, notes)
    if ids in ((), former):
        return (MemberEdit(Edit.ADD, former),)
    return (MemberEdit(Edit.REPLACE, ids, instead_of=former),)


def members_removed(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """The edits that remove members: all, those named (E14), or those selected.

    E43: an empty list names nobody. Raises InvalidValue, Mutability.
    """
    _check_whole(target)
    if target.tree is not None:
        ids = _described(target)
        _check_same(target, ids, raw, notes)
        return (MemberEdit(Edit.REMOVE, ids, None if ids else target.tree),)
    if raw is None:
        return (MemberEdit(Edit.REPLACE),)
    return (MemberEdit(Edit.REMOVE, _ids(target, raw, notes)),)


def _check_whole(target: Target) -> None:
    if target.sub is not None:
        raise MutabilityError(
            "attribute.immutable",
            f"{target.full_name} cannot be changed; add or remove the member.",
        )


def _check_same(target: Target, ids: tuple[str, ...], raw: Any, notes: Notes) -> None:
    """Raise InvalidValue for a value that names others than the filter of the path."""
    if not is_nothing(raw) and _named(target, raw, notes) not in ((), ids):
        raise InvalidValue(
            "member.contradiction",
            f"The value names another member than the filter of {target.name}; which one is meant?",
        )


def _described(target: Target) -> tuple[str, ...]:
    """The id that `members[value eq "…"]` names."""
    seed = target.seed or {}
    return (seed["value"],) if seed.keys() == {"value"} else ()


def _named(target: Target, raw: Any, notes: Notes) -> tuple[str, ...]:
    """The ids in what is sent for selected members; () for one that is only described, by its type."""
    raw = read_json(raw, target.name)
    if isinstance(raw, dict) and raw and _LABELS.issuperset(map(str.lower, raw)):
        return ()
    return _ids(target, raw, notes)


def _ids(target: Target, raw: Any, notes: Notes) -> tuple[str, ...]:
    """The ids of the members that are sent, each once; () for nothing. Raises InvalidValue."""
    raw = read_json(raw, target.name)
    if is_nothing(raw):
        return ()
    for each in raw if isinstance(raw, list) else [raw]:
        _check_member(target, each)
    values = read_values(target.attribute, raw, target.name, notes)
    return tuple(dict.fromkeys(_id(target, value) for value in values))


def _check_member(target: Target, raw: Any) -> None:
    """Refuse a value that names nobody, which lists of other attributes pass over."""
    if is_nothing(raw):
        raise InvalidValue(
            "member.not-named",
            f"{target.name} has a member that is empty: a member is named by its id.",
        )
    if isinstance(raw, dict):
        named = {name.lower(): item for name, item in raw.items()}
        if isinstance(named.get("value"), dict | list) or not (
            named.get("value") or named.get("$ref")
        ):
            raise InvalidValue(
                "member.not-named", f"{target.name}.value is missing: a member is named by its id."
            )


def _id(target: Target, value: Mapping[str, Any]) -> str:
    identifier = value.get("value")
    if not isinstance(identifier, str):
        raise InvalidValue(
            "member.not-named", f"{target.name}.value is missing: a member is named by its id."
        )
    return identifier


def collected(edits: Sequence[MemberEdit]) -> tuple[str, ...]:
    """The ids that a body which is read from nothing asks for."""
    return tuple(dict.fromkeys(identifier for edit in edits for identifier in edit.ids))
