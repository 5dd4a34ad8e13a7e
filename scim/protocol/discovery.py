"""The service's description of itself: Schemas, ResourceTypes, ServiceProviderConfig.

RFC 7643 §5, §6, §7, RFC 7644 §4, RFC 9865 §4 and RFC 9967 §4. Generated from the definitions that
validate, so that it is true. Entra's "Test Connection" and Microsoft's acceptance suite build their mappings from /Schemas:
`externalId` is listed, `id` is not, and every `type` has canonical values (E10).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.schema import Attribute, ResourceType, Schema, Type

_NOT_LISTED: Final = frozenset({"id", "meta", "schemas"})
_HAS_CASE: Final = frozenset({Type.STRING, Type.REFERENCE, Type.BINARY})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The features and limits of the service; enforcement reads the same object."""

    max_page: int  # resources in a ListResponse
    default_page: int
    max_body: int  # bytes
    max_operations: int  # of a BulkRequest
    documentation: str  # URI
    authentication: tuple[Mapping[str, Any], ...]  # authenticationSchemes of RFC 7643 §5
    cursor_timeout: int = 3_600  # seconds


def schema_representation(schema: Schema, common: Iterable[Attribute], base: str) -> dict[str, Any]:
    """The Schema resource; `common` are attributes of RFC 7643 §3.1 to list beside its own."""
    listed = (*(a for a in common if a.name not in _NOT_LISTED), *schema.attributes)
    return {
        "schemas": [urns.SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": [attribute_representation(attribute) for attribute in listed],
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"},
    }


def attribute_representation(attribute: Attribute) -> dict[str, Any]:
    """The attribute's characteristics; only those that its type has (RFC 7643 §7)."""
    body: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.type.value,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
    }
    if attribute.canonical_values:
        body["canonicalValues"] = list(attribute.canonical_values)
    if attribute.type in _HAS_CASE:
        body["caseExact"] = attribute.case_exact
    body["mutability"] = attribute.mutability.value
    body["returned"] = attribute.returned.value
    body["uniqueness"] = attribute.uniqueness.value
    if attribute.reference_types:
        body["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub_attributes:
        body["subAttributes"] = [attribute_representation(s) for s in attribute.sub_attributes]
    return body


def schemas(resource_types: Iterable[ResourceType], base: str) -> list[dict[str, Any]]:
    """Every schema of those types, each once, core before extension."""
    found: dict[str, dict[str, Any]] = {}
    for resource_type in resource_types:
        core = resource_type.schema
        found[core.id] = schema_representation(core, resource_type.common, base)
        for extension in resource_type.extensions:
            found[extension.schema.id] = schema_representation(extension.schema, (), base)
    return list(found.values())


def resource_type_representation(resource_type: ResourceType, base: str) -> dict[str, Any]:
    return {
        "schemas": [urns.RESOURCE_TYPE],
        "id": resource_type.name,
        "name": resource_type.name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
        "schemaExtensions": [
            {"schema": extension.schema.id, "required": extension.required}
            for extension in resource_type.extensions
        ],
        "meta": {
            "resourceType": "ResourceType",
            "location": f"{base}/ResourceTypes/{resource_type.name}",
        },
    }


def service_provider_config(
    capabilities: Capabilities, base: str, event_uris: Sequence[str] = ()
) -> dict[str, Any]:
    """The ServiceProviderConfig resource (RFC 7643 §5).

    `event_uris` are the events that receivers are told of now; without any, `securityEvents` is
    absent: "not currently configured" (RFC 9967 §4).
    """
    events = {"securityEvents": {"asyncRequest": "none", "eventUris": list(event_uris)}}
    return {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        "documentationUri": capabilities.documentation,
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": capabilities.max_operations,
            "maxPayloadSize": capabilities.max_body,
        },
        "filter": {"supported": True, "maxResults": capabilities.max_page},
        "changePassword": {"supported": False},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": capabilities.default_page,
            "maxPageSize": capabilities.max_page,
            "cursorTimeout": capabilities.cursor_timeout,
        },
        "sort": {"supported": True},
        "etag": {"supported": True},
        **(events if event_uris else {}),
        "authenticationSchemes": [dict(scheme) for scheme in capabilities.authentication],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }
