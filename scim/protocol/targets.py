"""What a path of a PATCH operation, or the name of a member of a body, addresses (RFC 7644 §3.10).

A member's name may be a whole path, as Entra writes it in a value without a path (E6):
`name.givenName`, `urn:…:User:department`, `emails[type eq "work"].value`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from scim.protocol.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue
from scim.protocol.evaluation import element_predicate
from scim.protocol.filters import And, Comparison, Filter, Operator, parse_path
from scim.protocol.readers import Notes, is_nothing, read_json, read_parts
from scim.protocol.schema import Attribute, Located, Mutability, ResourceType, Schema, Type

# No part of a canonical resource (RFC 7643 §3.1).
_SERVER_MADE: Final = frozenset({"schemas", "id", "meta"})


class Access(Enum):
    """What clients may do with an attribute."""

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
    """What a path addresses: a Schema stands for all attributes of it, None for nothing known.

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
        raise InvalidPath(f"{target.name} has no sub-attributes to select its values by.")
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
    """What the members of an object address, and what they hold, in their order.

    Unknown, read-only and discarded attributes are noted and left out; those the server makes are
    left out. Raises InvalidSyntax, InvalidValue.
    """
    found: list[tuple[Target, Any]] = []
    yield from _members(resource_type, body, notes, found)
    if len({id(target.attribute) for target, _ in found}) < len(found):
        _check_doubled(found)


def _check_doubled(found: Iterable[tuple[Target, Any]]) -> None:
    """Refuses two members with different values for one thing, such as `name.givenName` beside a
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
                raise InvalidSyntax(f"The body has two values for {name}; which one is meant?")


def _members(
    resource_type: ResourceType,
    body: Mapping[str, Any],
    notes: Notes,
    met: list[tuple[Target, Any]],
    schema: Schema | None = None,
) -> Iterator[tuple[Target, Any]]:
    """What the members address, collected in `met`; `schema` is the one under whose URN they stand."""
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
        raise InvalidValue(f"{schema.id} must be an object.")
    if schema is resource_type.schema:
        return {}
    return {a.name: None for a in schema.attributes if a.mutability is not Mutability.READ_ONLY}
