"""Changes between two states of a resource, as SCIM paths, and the state replayed from them.

The history of every attribute is written from it: a path such as `name.familyName`,
`emails[type eq "work"].value` or `urn:…:User:manager.value`, the value before and the value after.
The changes record every difference, so replaying them from the creation rebuilds any past state;
only the order of values that their types tell apart is not recorded. Members are rows and not part
of it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from scim.protocol.comparison import key
from scim.protocol.errors import ScimError
from scim.protocol.schema import Attribute, ResourceType, Schema, Type
from scim.protocol.targets import Target, find


@dataclass(frozen=True, slots=True)
class Change:
    """One changed attribute; None stands for no value."""

    path: str
    before: Any
    after: Any


def changes(
    resource_type: ResourceType,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> tuple[Change, ...]:
    """The differences between two canonical resources, in the schema's order.

    A creation has {} before, a deletion {} after. The order of the values of a multi-valued
    attribute is no change where their types tell them apart.
    """
    core = (*resource_type.common, *resource_type.schema.attributes)
    found = list(_in_order(core, "", before, after))
    for extension in resource_type.extensions:
        urn = extension.schema.id
        old, new = before.get(urn, {}), after.get(urn, {})
        if old != new:
            found += _in_order(extension.schema.attributes, f"{urn}:", old, new)
    return tuple(found)


def _in_order(
    attributes: Sequence[Attribute],
    prefix: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Change]:
    for attribute in attributes:
        name = attribute.name
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        path = f"{prefix}{name}"
        if attribute.type is not Type.COMPLEX:
            yield Change(path, old, new)
        elif not attribute.multi_valued:
            yield from _in_order(attribute.sub_attributes, f"{path}.", old or {}, new or {})
        else:
            yield from _of_values(attribute, path, old, new)


def _of_values(attribute: Attribute, path: str, old: Any, new: Any) -> Iterator[Change]:
    """The changes value by value if each has a type of its own, else of the whole attribute."""
    olds, news = _by_type(attribute, old or ()), _by_type(attribute, new or ())
    if olds is None or news is None:
        yield Change(path, old, new)
        return
    for type_ in {**olds, **news}:
        was, is_ = olds.get(type_, {}), news.get(type_, {})
        label = json.dumps((was or is_)["type"], ensure_ascii=False)
        is_new_or_gone = not was or not is_
        subs = [s for s in attribute.sub_attributes if s.name != "type" or not is_new_or_gone]
        yield from _in_order(subs, f"{path}[type eq {label}].", was, is_)


def _by_type(attribute: Attribute, values: Sequence[Any]) -> dict[str, Any] | None:
    """The values by the comparison key of their type; None if types do not tell them apart."""
    sub = attribute.find("type")
    if sub is None or not all("type" in value for value in values):
        return None
    found = {key(sub, value["type"]): value for value in values}
    return found if len(found) == len(values) else None


def replay(resource_type: ResourceType, changes: Iterable[Change]) -> dict[str, Any]:
    """The canonical resource after the changes, which begin with its creation, oldest first.

    A change of an attribute that the schema no longer has is passed over.
    """
    resource: dict[str, Any] = {}
    for change in changes:
        target = _target(resource_type, change.path)
        if target is None or target.attribute.relation is not None:
            continue
        holder = resource.setdefault(target.extension, {}) if target.extension else resource
        _put(holder, target.attribute.name, _changed(target, holder, change.after))
        if target.extension and not holder:
            del resource[target.extension]
    return resource


def _target(resource_type: ResourceType, path: str) -> Target | None:
    try:
        found = find(resource_type, path)
    except ScimError:
        return None
    return None if isinstance(found, Schema) else found


def _changed(target: Target, holder: Mapping[str, Any], after: Any) -> Any:
    """The attribute's value after the change; empty when nothing is left of it."""
    before = holder.get(target.attribute.name)
    if target.sub is None:
        return deepcopy(after)
    if target.attribute.multi_valued:
        return _with_part(target, before or [], after)
    part = dict(before or {})
    _put(part, target.sub.name, after)
    return part


def _with_part(target: Target, values: list[Any], after: Any) -> list[Any]:
    """The values, with a part of the one that has the path's type set or taken away."""
    sub, seed = target.attribute.find("type"), target.seed or {}
    if sub is None or target.sub is None or "type" not in seed:
        return values
    wanted = key(sub, seed["type"])
    others = list(values)
    at = next((i for i, value in enumerate(values) if _type(value, sub) == wanted), len(values))
    value = dict(values[at]) if at < len(values) else {"type": seed["type"]}
    _put(value, target.sub.name, after)
    others[at : at + 1] = [value] if value.keys() > {"type"} else []
    return others


def _type(value: Mapping[str, Any], sub: Any) -> Any:
    return key(sub, value["type"]) if "type" in value else None


def _put(holder: dict[str, Any], name: str, value: Any) -> None:
    """Set or remove a member of `holder`; False is a value, None, {} and [] are none."""
    if value is None or value in ({}, []):
        holder.pop(name, None)
    else:
        holder[name] = value
