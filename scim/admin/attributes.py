"""A resource's attributes as rows to read, in the order of its schemas (RFC 7643 §4.1, §4.3)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim.protocol.schema import Attribute, ResourceType

_QUALIFIERS: Final = ("type", "primary")  # they say which of several values a row shows


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
        if sub.name not in value or (attribute.multi_valued and sub.name in _QUALIFIERS):
            continue
        yield f"{name}.{sub.name}", _text(value[sub.name])


def _qualified(value: Mapping[str, Any]) -> str:
    words = [str(value["type"])] if value.get("type") else []
    words += ["primary"] if value.get("primary") else []
    return f"[{', '.join(words)}]" if words else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
