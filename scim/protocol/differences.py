"""What changed between two states of a resource, attribute by attribute, as SCIM paths.

The history of every attribute is written from it: a path such as `name.familyName`,
`emails[type eq "work"].value` or `urn:…:User:manager.value`, the value before and the value after.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.comparison import key
from scim.protocol.schema import Attribute, ResourceType, Type


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
    """What differs between two canonical resources, in the schema's order.

    A creation has {} before, a deletion {} after. The order of the values of a multi-valued
    attribute is no change where their types tell them apart.
    """
    core = (*resource_type.common, *resource_type.schema.attributes)
    found = list(_in_order(core, "", before, after))
    for extension in resource_type.extensions:
        urn = extension.schema.id
        attributes = extension.schema.attributes
        found += _in_order(attributes, f"{urn}:", before.get(urn, {}), after.get(urn, {}))
    return tuple(found)


def _in_order(
    attributes: Sequence[Attribute],
    prefix: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Change]:
    for attribute in attributes:
        old, new = before.get(attribute.name), after.get(attribute.name)
        if old != new:
            yield from _of_attribute(attribute, f"{prefix}{attribute.name}", old, new)


def _of_attribute(attribute: Attribute, path: str, old: Any, new: Any) -> Iterator[Change]:
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
