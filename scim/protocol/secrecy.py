"""What nobody gets to see: values of attributes that are never returned (RFC 7643 §7).

An attribute is secret if it is writeOnly or never returned, and so is each part of it. The service
accepts such a value and keeps it nowhere, as the RFC permits (decision 0030). What was stored before
an attribute became secret is taken out of resources; of the past it is left out when it is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from scim.protocol.schema import Attribute, Mutability, ResourceType, Returned, Schema, Type


def without_secrets(resource_type: ResourceType, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The canonical resource without values of secret attributes of extensions.

    They were stored while the schema did not call them secret. Those of the core never were.
    """
    secrets = _secret_attributes(resource_type)
    if not secrets:
        return resource
    kept = dict(resource)
    for urn, attributes in secrets:
        holder = kept.get(urn)
        if not isinstance(holder, Mapping):
            continue
        values = {
            name: rest
            for name, value in holder.items()
            if (rest := without_parts(attributes.get(name.lower()), value)) is not None
        }
        if values:
            kept[urn] = values
        else:
            del kept[urn]
    return kept


@lru_cache(maxsize=256)
def _secret_attributes(resource_type: ResourceType) -> tuple[tuple[str, dict[str, Attribute]], ...]:
    """The attributes of extensions that are secret, or have a secret part, by URN and name."""
    found = []
    for schema in (extension.schema for extension in resource_type.extensions):
        attributes = {each.name.lower(): each for each in secret_attributes(schema)}
        if attributes:
            found.append((schema.id, attributes))
    return tuple(found)


def secret_attributes(schema: Schema) -> list[Attribute]:
    """The attributes of a schema that are secret or have a secret part."""
    return [
        each
        for each in schema.attributes
        if each.is_secret or any(sub.is_secret for sub in each.sub_attributes)
    ]


def secret_paths(schema: Schema) -> set[str]:
    """The secret attributes and parts of a schema, such as `pin` and `vault.code`, in lower case."""
    return {
        (each.name if each.is_secret else f"{each.name}.{sub.name}").lower()
        for each in secret_attributes(schema)
        for sub in ((each,) if each.is_secret else each.sub_attributes)
        if sub.is_secret
    }


def remembering(schema: Schema, former: Iterable[str]) -> Schema:
    """The schema with the secret attributes and parts that it once had, by their paths."""
    by_name = {each.name.lower(): each for each in schema.attributes}
    for path in sorted(former):
        name, _, part = path.partition(".")
        attribute = by_name.get(name) or Attribute(name, Type.COMPLEX if part else Type.STRING)
        if not part:
            attribute = _secret(attribute)
        elif attribute.find(part) is None:
            parts = (*attribute.sub_attributes, _secret(Attribute(part)))
            attribute = replace(attribute, type=Type.COMPLEX, sub_attributes=parts)
        by_name[name] = attribute
    return replace(schema, attributes=tuple(by_name.values()))


def _secret(attribute: Attribute) -> Attribute:
    return replace(attribute, mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER)


def without_parts(attribute: Attribute | None, value: Any) -> Any:
    """The value without its secret parts; None when nothing is left."""
    if attribute is None:
        return value
    if attribute.is_secret:
        return None
    if isinstance(value, Mapping):
        rest = {
            name: part
            for name, part in value.items()
            if (sub := attribute.find(name)) is None or not sub.is_secret
        }
        return rest or None
    if isinstance(value, list):
        return [
            rest for each in value if (rest := without_parts(attribute, each)) is not None
        ] or None
    return value
