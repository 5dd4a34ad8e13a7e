"""A stored resource as clients see it: with `schemas`, `id` and `meta` (RFC 7643 §3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scim.protocol.schema import ResourceType
from scim.protocol.versions import entity_tag


@dataclass(frozen=True, slots=True)
class Written:
    """The values of a multi-valued attribute as JSON, which the answer holds as it is.

    The members of a group are written by the database: as objects they take ten times the memory of
    the answer. They come in parts, each some values with commas between them, since what is large
    and in one piece leaves holes in a process's memory.
    """

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the repository returns it; `resource` is its canonical document."""

    id: UUID
    resource: Mapping[str, Any]
    version: int
    created: datetime
    last_modified: datetime
    # Attributes that are rows, if loaded; members are `Written`, with the sub-attributes loaded.
    related: Mapping[str, Any] = field(default_factory=dict)


def represent(resource_type: ResourceType, stored: Stored, tenant_url: str) -> dict[str, Any]:
    """The whole representation; `tenant_url` is the SCIM base, such as https://acme.…/scim."""
    return {
        "schemas": schemas(resource_type, stored.resource),
        "id": str(stored.id),
        **stored.resource,
        **stored.related,
        "meta": {
            "resourceType": resource_type.name,
            "created": date_time(stored.created),
            "lastModified": date_time(stored.last_modified),
            "location": location(resource_type, stored.id, tenant_url),
            "version": entity_tag(stored.version),
        },
    }


def schemas(resource_type: ResourceType, resource: Mapping[str, Any]) -> list[str]:
    """The core URN and those of the extensions the resource has values of (RFC 7643 §3)."""
    extensions = (extension.schema.id for extension in resource_type.extensions)
    return [resource_type.schema.id, *(urn for urn in extensions if urn in resource)]


def location(resource_type: ResourceType, identifier: UUID | str, tenant_url: str) -> str:
    """The resource's own URI; never built from a request (security.md §2)."""
    return f"{tenant_url}{resource_type.endpoint}/{identifier}"


def date_time(moment: datetime) -> str:
    """UTC with milliseconds, such as 2026-11-25T10:53:26.123Z (RFC 7643 §2.3.5)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
