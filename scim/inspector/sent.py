"""The attributes that a request sent, each beside the change it made.

Both are read as the server reads them: spellings that mean one attribute stand on one line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Final

from scim.protocol import targets
from scim.protocol.differences import Change
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType, Schema

_NOT_SENT: Final = frozenset({"schemas", "meta"})  # say what the body is, not what shall be
MAX_SENT: Final = 500  # a bulk of members is longer than anybody reads
_Key = tuple[str, str, str, str]


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
    waiting = {change.path: (change, _key(resource_type, change.path)) for change in changes}
    found: list[Line] = []
    for sent in islice(_Reader(resource_type).values(body), MAX_SENT):
        key = _key(resource_type, sent.path)
        fitting = [change for change, other in waiting.values() if _is_same(key, other)]
        for change in fitting:
            del waiting[change.path]
        found += [Line(*pair) for pair in zip_longest((sent,), fitting)]
    return found + [Line(None, change) for change, _ in waiting.values()]


def value_of(resource_type: ResourceType, body: Any, path: str) -> str | None:
    """The text that was sent for an attribute, the last one; None if there was none.

    A resource or a PatchOp message, in any spelling; a text that is wrapped counts too.
    """
    wanted, found = _key(resource_type, path)[:2], None
    for sent in _Reader(resource_type).values(body):
        whole = sent.path.removesuffix(".value").partition("[")[0]
        if _key(resource_type, whole)[:2] == wanted and isinstance(sent.value, str):
            found = sent.value
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the values of a request about resources of a type."""

    resource_type: ResourceType

    def values(self, body: Any) -> Iterator[Sent]:
        """The values that a resource or a PatchOp message holds, each with its path."""
        if not isinstance(body, Mapping):
            return
        operations = _by_lower_name(body).get("operations")
        if not isinstance(operations, list):
            yield from self._object("", "", body)
            return
        for operation in operations:
            if isinstance(operation, Mapping):
                yield from self._operation(_by_lower_name(operation))

    def _operation(self, operation: Mapping[str, Any]) -> Iterator[Sent]:
        op, path = str(operation.get("op", "")), operation.get("path")
        if isinstance(path, str) and path:
            yield from self._value(op, path, operation.get("value"))
        elif isinstance(operation.get("value"), Mapping):
            yield from self._object(op, "", operation["value"])

    def _object(self, op: str, at: str, value: Mapping[str, Any]) -> Iterator[Sent]:
        separator = ":" if self.resource_type.find_schema(at) else "."
        for name, item in value.items():
            if at:
                yield from self._value(op, f"{at}{separator}{name}", item)
            elif name.lower() not in _NOT_SENT:
                yield from self._value(op, name, item)

    def _value(self, op: str, path: str, value: Any) -> Iterator[Sent]:
        if isinstance(value, Mapping) and value:
            yield from self._object(op, path, value)
        elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            for item in value:
                yield from self._element(op, path, item)
        else:
            yield Sent(op, path, value)

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


def _by_lower_name(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in members.items()}


def _key(resource_type: ResourceType, path: str) -> _Key:
    """The target of a path: extension, attribute, sub-attribute, the value that is selected."""
    try:
        found = targets.find(resource_type, path)
    except ScimError:
        found = None
    if found is None or isinstance(found, Schema):
        return ("", path.lower(), "", "")
    selected = json.dumps(found.seed, sort_keys=True).lower() if found.seed else ""
    sub = found.sub.name if found.sub else ""
    return (found.extension or "", found.attribute.name, sub, selected)


def _is_same(sent: _Key, changed: _Key) -> bool:
    """True if a change is of what was sent, of a part of it, or of the whole that it is part of."""
    parts = zip(sent[2:], changed[2:], strict=True)
    return sent[:2] == changed[:2] and all(a == b or "" in (a, b) for a, b in parts)
