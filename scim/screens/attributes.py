"""A resource's attributes as rows to read, in the order of its schemas (RFC 7643 §4.1, §4.3)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from accounts.console.page import Fact, Facts
from scim.protocol.schema import Attribute, ResourceType

_QUALIFIERS: Final = ("type", "primary")  # they say which of several values a row shows
# Under which caption a page shows the core attributes; those not named here come under the last.
_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "Identity": frozenset(
        ("externalId", "userName", "name", "displayName", "nickName", "title", "userType", "active")
    ),
    "Contact": frozenset(("profileUrl", "emails", "phoneNumbers", "ims", "photos", "addresses")),
}
_OTHERS: Final = "Other attributes"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def grouped(resource_type: ResourceType, resource: Mapping[str, Any]) -> list[Facts]:
    """The assigned attributes under captions, each extension under its name."""
    core = (*resource_type.common, *resource_type.schema.attributes)
    named = frozenset().union(*_GROUPS.values())
    parts = [
        (caption, [a for a in core if a.name in names], resource)
        for caption, names in _GROUPS.items()
    ]
    parts.append((_OTHERS, [a for a in core if a.name not in named], resource))
    parts += [
        (
            _WORDS.sub(" ", each.schema.name),
            list(each.schema.attributes),
            resource.get(each.schema.id, {}),
        )
        for each in resource_type.extensions
    ]
    tables = [Facts(caption, tuple(_facts(some, holder))) for caption, some, holder in parts]
    return [table for table in tables if table.facts]


def _facts(attributes: Iterable[Attribute], holder: Mapping[str, Any]) -> Iterator[Fact]:
    for attribute in attributes:
        if not attribute.is_secret:
            for name, value in _attribute_rows(attribute, holder):
                yield Fact(labeled(name), value)


def labeled(name: str) -> str:
    """A name for people with the SCIM name behind it, where that says more: `Title`, but
    `Family name (name.familyName)`.
    """
    head, _, last = name.rpartition(".")
    base = head.partition("[")[0] if last == "value" else last
    words = _WORDS.sub(" ", base).lower()
    label = f"{words[:1].upper()}{words[1:]}"
    return label if words == name else f"{label} ({name})"


def rows(resource_type: ResourceType, resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each assigned attribute: common ones first, then core, then extensions."""
    for attribute in (*resource_type.common, *resource_type.schema.attributes):
        yield from _attribute_rows(attribute, resource)
    for extension in resource_type.extensions:
        for attribute in extension.schema.attributes:
            yield from _attribute_rows(attribute, resource.get(extension.schema.id, {}))


def _attribute_rows(attribute: Attribute, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    value = holder.get(attribute.name)
    if isinstance(value, list):
        for item in value:
            yield from _value_rows(attribute, item)
    elif value is not None:
        yield from _value_rows(attribute, value)


def _value_rows(attribute: Attribute, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        yield attribute.name, _text(value)
        return
    name = attribute.name + _qualified(value) if attribute.multi_valued else attribute.name
    for sub in attribute.sub_attributes:
        is_told = attribute.multi_valued and sub.name in _QUALIFIERS
        if sub.name not in value or is_told or sub.is_secret:
            continue
        yield f"{name}.{sub.name}", _text(value[sub.name])


def _qualified(value: Mapping[str, Any]) -> str:
    words = [str(value["type"])] if value.get("type") else []
    words += ["primary"] if value.get("primary") else []
    return f"[{', '.join(words)}]" if words else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
