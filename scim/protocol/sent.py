"""The values that a message sends, each with the attribute that it is for, whatever becomes of it.

For those who look at requests from outside: the inspector shows each value beside the change it made,
monitoring learns which attributes arrive. Paths mean here what they mean to PATCH (scim.protocol.targets),
so spellings that mean one attribute have one Place; a message that is refused is read all the same.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from scim.protocol import targets
from scim.protocol.differences import Change
from scim.protocol.errors import ScimError
from scim.protocol.messages import by_lower_name
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.targets import Target

_NOT_SENT: Final = frozenset({"schemas", "meta"})  # say what the body is, not what shall be
MAX_SENT: Final = 500  # a bulk of members is longer than anybody reads


class Place(NamedTuple):
    """The attribute that a path addresses: extension, attribute, sub-attribute, selected value.

    `selected` is what a filter says of the value, as JSON in lower case. Of a path that addresses
    nothing, the attribute is what stands before the filter, in lower case.
    """

    extension: str
    attribute: str
    sub: str = ""
    selected: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One value of a request: where it shall go, and for a PATCH by which operation."""

    op: str
    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Line:
    """A sent value, what it changed, or both: what was sent may change nothing or several."""

    sent: Sent | None
    change: Change | None


def lines(resource_type: ResourceType, body: Any, changes: Iterable[Change]) -> list[Line]:
    """The values in the order they were sent, each with its changes; then the changes beside them.

    At most MAX_SENT values that were sent.
    """
    waiting = {change.path: (change, place_of(resource_type, change.path)) for change in changes}
    found: list[Line] = []
    for sent in islice(values(resource_type, body), MAX_SENT):
        key = place_of(resource_type, sent.path)
        fitting = [change for change, other in waiting.values() if _is_same(key, other)]
        for change in fitting:
            del waiting[change.path]
        found += [Line(*pair) for pair in zip_longest((sent,), fitting)]
    return found + [Line(None, change) for change, _ in waiting.values()]


def value_of(resource_type: ResourceType, body: Any, path: str) -> str | None:
    """The text that was sent for an attribute, the last one; None if there was none.

    A resource or a PatchOp message, in any spelling; a text that is wrapped counts too.
    """
    wanted, found = place_of(resource_type, path)[:2], None
    for sent in values(resource_type, body):
        whole = sent.path.removesuffix(".value").partition("[")[0]
        if place_of(resource_type, whole)[:2] == wanted and isinstance(sent.value, str):
            found = sent.value
    return found


def values(resource_type: ResourceType, body: Any) -> list[Sent]:
    """The values of a resource or a PatchOp message, each with its path; nothing of another body."""
    return _Reader(resource_type).values(body)


def place_of(resource_type: ResourceType, path: str) -> Place:
    """The place that a path addresses. A filter on an attribute with one value is passed over."""
    whole = path.partition("[")[0]
    found = _find(resource_type, path) or _find(resource_type, whole)
    if found is None:
        return Place("", whole.lower())
    selected = json.dumps(found.seed, sort_keys=True).lower() if found.seed else ""
    sub = found.sub.name if found.sub else ""
    return Place(found.extension or "", found.attribute.name, sub, selected)


def _find(resource_type: ResourceType, path: str) -> Target | None:
    try:
        found = targets.find(resource_type, path)
    except ScimError:
        return None
    return None if isinstance(found, Schema) else found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the values of a request about resources of a type."""

    resource_type: ResourceType

    def values(self, body: Any) -> list[Sent]:
        """The values that a resource or a PatchOp message holds, each with its path."""
        found: list[Sent] = []
        if not isinstance(body, dict):
            return found
        operations = by_lower_name(body).get("operations")
        if not isinstance(operations, list):
            self._object(found, "", "", body)
            return found
        for operation in operations:
            if isinstance(operation, dict):
                self._operation(found, by_lower_name(operation))
        return found

    # Each of the following adds to `found`.

    def _operation(self, found: list[Sent], operation: Mapping[str, Any]) -> None:
        op, path = str(operation.get("op", "")), operation.get("path")
        value = operation.get("value")
        if path.__class__ is str and path:
            if value.__class__ is str:
                found.append(Sent(op, path, value))
            else:
                self._value(found, op, path, value)
        elif isinstance(value, dict):
            self._object(found, op, "", value)

    def _object(self, found: list[Sent], op: str, at: str, value: Mapping[str, Any]) -> None:
        before = f"{at}{':' if self.resource_type.find_schema(at) else '.'}" if at else ""
        for name, item in value.items():
            if not at and name.lower() in _NOT_SENT:
                continue
            if isinstance(item, (dict, list)):
                self._value(found, op, before + name, item)
            else:
                found.append(Sent(op, before + name, item))

    def _value(self, found: list[Sent], op: str, path: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            of_one = self._element if self._has_elements(path) else self._object
            of_one(found, op, path, value)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for item in value:
                self._element(found, op, path, item)
        else:
            found.append(Sent(op, path, value))

    def _has_elements(self, path: str) -> bool:
        """True if the path addresses a whole multi-valued attribute; of one, its value may be sent."""
        there = _find(self.resource_type, path)
        return there is not None and there.attribute.multi_valued and not (there.sub or there.seed)

    def _element(self, found: list[Sent], op: str, path: str, item: Mapping[str, Any]) -> None:
        """An element of a multi-valued attribute, named by its type; a member by its id."""
        if isinstance(item.get("type"), str) and path.lower() != "members":
            label = json.dumps(item["type"], ensure_ascii=False)
            rest = {name: part for name, part in item.items() if name != "type"}
            self._object(found, op, f"{path}[type eq {label}]", rest)
        elif isinstance(item.get("value"), str):
            label = json.dumps(item["value"], ensure_ascii=False)
            found.append(Sent(op, f"{path}[value eq {label}]", item["value"]))
        else:
            found.append(Sent(op, path, dict(item)))


def _is_same(sent: Place, changed: Place) -> bool:
    """True if a change is of what was sent, of a part of it, or of the whole that it is part of."""
    parts = zip(sent[2:], changed[2:], strict=True)
    return sent[:2] == changed[:2] and all(a == b or "" in (a, b) for a, b in parts)
