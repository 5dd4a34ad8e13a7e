"""The values that a message sends, each with the attribute that it is for, whatever becomes of it.

For those who look at requests from outside: the inspector shows each value beside the change it made,
monitoring learns which attributes arrive. Paths mean here what they mean to PATCH (scim.protocol.targets),
so spellings that mean one attribute have one Place; a message that is refused is read all the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
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


def values(resource_type: ResourceType, body: Any) -> Iterator[Sent]:
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

    def values(self, body: Any) -> Iterator[Sent]:
        """The values that a resource or a PatchOp message holds, each with its path."""
        if not isinstance(body, dict):
            return
        operations = by_lower_name(body).get("operations")
        if not isinstance(operations, list):
            yield from self._object("", "", body)
            return
        for operation in operations:
            if isinstance(operation, dict):
                yield from self._operation(by_lower_name(operation))

    def _operation(self, operation: Mapping[str, Any]) -> Iterator[Sent]:
        op, path = str(operation.get("op", "")), operation.get("path")
        if isinstance(path, str) and path:
            yield from self._value(op, path, operation.get("value"))
        elif isinstance(operation.get("value"), dict):
            yield from self._object(op, "", operation["value"])

    def _object(self, op: str, at: str, value: Mapping[str, Any]) -> Iterator[Sent]:
        separator = ":" if self.resource_type.find_schema(at) else "."
        for name, item in value.items():
            if at:
                yield from self._value(op, f"{at}{separator}{name}", item)
            elif name.lower() not in _NOT_SENT:
                yield from self._value(op, name, item)

    def _value(self, op: str, path: str, value: Any) -> Iterator[Sent]:
        if isinstance(value, dict) and value:
            of_one = self._element if self._has_elements(path) else self._object
            yield from of_one(op, path, value)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for item in value:
                yield from self._element(op, path, item)
        else:
            yield Sent(op, path, value)

    def _has_elements(self, path: str) -> bool:
        """True if the path addresses a whole multi-valued attribute; of one, its value may be sent."""
        found = _find(self.resource_type, path)
        return found is not None and found.attribute.multi_valued and not (found.sub or found.seed)

    def _element(self, op: str, path: str, item: Mapping[str, Any]) -> Iterator[Sent]:
        """An element of a multi-valued attribute, named by its type; a member by its id."""
        if isinstance(item.get("type"), str) and path.lower() != "members":
            label = json.dumps(item["type"], ensure_ascii=False)
            rest = {name: part for name, part in item.items() if name != "type"}
            yield from self._object(op, f"{path}[type eq {label}]", rest)
        elif isinstance(item.get("value"), str):
            label = json.dumps(item["value"], ensure_ascii=False)
            yield Sent(op, f"{path}[value eq {label}]", item["value"])
        else:
            yield Sent(op, path, dict(item))


def _is_same(sent: Place, changed: Place) -> bool:
    """True if a change is of what was sent, of a part of it, or of the whole that it is part of."""
    parts = zip(sent[2:], changed[2:], strict=True)
    return sent[:2] == changed[:2] and all(a == b or "" in (a, b) for a, b in parts)
