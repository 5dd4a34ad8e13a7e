"""JSON Schemas of what discovery answers (RFC 7643 §5 to §7, RFC 9865 §4)."""

from enum import Enum
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.schema import Mutability, Returned, Type, Uniqueness
from tests.support.openapi.schemas import JsonSchema, message, reference

_STRING: Final[JsonSchema] = {"type": "string"}
_STRINGS: Final[JsonSchema] = {"type": "array", "items": _STRING}
_BOOLEAN: Final[JsonSchema] = {"type": "boolean"}
_INTEGER: Final[JsonSchema] = {"type": "integer", "minimum": 0}


def components() -> JsonSchema:
    """The schemas by name."""
    return {
        "Schema": _schema(),
        "Attribute": _attribute(),
        "ResourceType": _resource_type(),
        "ServiceProviderConfig": _config(),
    }


def _object(properties: JsonSchema, *optional: str) -> JsonSchema:
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        "additionalProperties": False,
    }


def _described(kind: str, urn: str, properties: JsonSchema) -> JsonSchema:
    meta = _object({"resourceType": {"const": kind}, "location": _STRING})
    return _object({"schemas": message(urn), **properties, "meta": meta})


def _schema() -> JsonSchema:
    attributes = {"type": "array", "items": reference("Attribute")}
    named = {"id": _STRING, "name": _STRING, "description": _STRING}
    return _described("Schema", urns.SCHEMA, {**named, "attributes": attributes})


def _attribute() -> JsonSchema:
    return _object(
        {
            "name": _STRING,
            "type": _one_of(Type),
            "multiValued": _BOOLEAN,
            "description": _STRING,
            "required": _BOOLEAN,
            "canonicalValues": _STRINGS,
            "caseExact": _BOOLEAN,
            "mutability": _one_of(Mutability),
            "returned": _one_of(Returned),
            "uniqueness": _one_of(Uniqueness),
            "referenceTypes": _STRINGS,
            "subAttributes": {"type": "array", "items": reference("Attribute")},
        },
        "canonicalValues",
        "caseExact",
        "referenceTypes",
        "subAttributes",
    )


def _one_of(kind: type[Enum]) -> JsonSchema:
    return {"enum": [each.value for each in kind]}


def _resource_type() -> JsonSchema:
    extension = _object({"schema": _STRING, "required": _BOOLEAN})
    properties = {
        "id": _STRING,
        "name": _STRING,
        "description": _STRING,
        "endpoint": _STRING,
        "schema": _STRING,
        "schemaExtensions": {"type": "array", "items": extension},
    }
    return _described("ResourceType", urns.RESOURCE_TYPE, properties)


def _config() -> JsonSchema:
    """Open to further features, which clients pass over."""

    def feature(**limits: Any) -> JsonSchema:
        return _object({"supported": _BOOLEAN, **limits})

    scheme = _object(
        {
            "type": _STRING,
            "name": _STRING,
            "description": _STRING,
            "specUri": _STRING,
            "primary": _BOOLEAN,
        }
    )
    properties = {
        "documentationUri": _STRING,
        "patch": feature(),
        "bulk": feature(maxOperations=_INTEGER, maxPayloadSize=_INTEGER),
        "filter": feature(maxResults=_INTEGER),
        "changePassword": feature(),
        "pagination": _object(
            {
                "cursor": _BOOLEAN,
                "index": _BOOLEAN,
                "defaultPaginationMethod": {"enum": ["cursor", "index"]},
                "defaultPageSize": _INTEGER,
                "maxPageSize": _INTEGER,
                "cursorTimeout": _INTEGER,
            }
        ),
        "sort": feature(),
        "etag": feature(),
        "authenticationSchemes": {"type": "array", "items": scheme},
    }
    described = _described("ServiceProviderConfig", urns.SERVICE_PROVIDER_CONFIG, properties)
    return {**described, "additionalProperties": {"type": "object"}}
