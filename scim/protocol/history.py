"""A resource as it was, made of its history: the changes of scim.protocol.differences, replayed.

What differs between two states is exactly what the changes between them say, so replaying all
changes since the creation gives each state that there was; only the order of values that their
types tell apart is not told. Members are rows and not part of it.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from scim.protocol.comparison import key
from scim.protocol.differences import Change
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.targets import Target, find


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
    """Sets or removes a member of `holder`; False is a value, None, {} and [] are none."""
    if value is None or value in ({}, []):
        holder.pop(name, None)
    else:
        holder[name] = value
