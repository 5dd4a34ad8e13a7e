"""JSON Schemas of resources and messages (RFC 7643 §2, §3, RFC 7644 §3.4 to §3.12).

Each resource type has two: what clients may write, which is as tolerant as the server is about what
it ignores, and what the server returns, which leaves no name undescribed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from scim.protocol import errors, urns
from scim.protocol.schema import Attribute, Mutability, ResourceType, Returned, Schema, Type

JsonSchema = dict[str, Any]

_TYPES: Final[Mapping[Type, JsonSchema]] = {
    Type.STRING: {"type": "string"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.DECIMAL: {"type": "number"},
    Type.INTEGER: {"type": "integer"},
    Type.DATE_TIME: {"type": "string", "format": "date-time"},
    Type.BINARY: {"type": "string", "contentEncoding": "base64"},
    Type.REFERENCE: {"type": "string"},
}
# A tenant may have extensions of its own; their names are URNs.
_OTHER_EXTENSIONS: Final[JsonSchema] = {"^[uU][rR][nN]:": {"type": "object"}}
_COMMON: Final = frozenset({"schemas", "id", "meta"})
_STRING: Final[JsonSchema] = {"type": "string"}


def reference(name: str) -> JsonSchema:
    return {"$ref": f"#/components/schemas/{name}"}


def written(resource_type: ResourceType | Schema) -> str:
    """The name of the schema of what clients write."""
    return f"{resource_type.name}Request"


def components(resource_types: Iterable[ResourceType], max_operations: int) -> JsonSchema:
    """All schemas by name: those of the types, then the messages."""
    types = tuple(resource_types)
    made: JsonSchema = {}
    for resource_type in types:
        for extension in resource_type.extensions:
            made[extension.schema.name] = _complex(extension.schema, returned=True)
            made[written(extension.schema)] = _complex(extension.schema, returned=False)
        made[resource_type.name] = _resource_returned(resource_type)
        made[written(resource_type)] = _resource_written(resource_type)
    names = [reference(each.name) for each in types]
    return {
        **made,
        **{f"{each.name}List": list_of(reference(each.name)) for each in types},
        "ResourceList": list_of({"oneOf": names}),
        "PatchOp": _patch(),
        "SearchRequest": _search(),
        "BulkRequest": _bulk_request(max_operations),
        "BulkResponse": _bulk_response(),
        "Error": error(),
    }


def _attribute(attribute: Attribute, *, returned: bool) -> JsonSchema:
    if attribute.type is Type.COMPLEX:
        one = _complex(attribute, returned=returned)
    else:
        one = dict(_TYPES[attribute.type])
    if attribute.canonical_values:
        key = "enum" if attribute.mutability is Mutability.READ_ONLY else "examples"
        one[key] = list(attribute.canonical_values)
    if attribute.multi_valued:
        one = {"type": "array", "items": one}
        if not returned:
            one["maxItems"] = attribute.max_values
    if attribute.description:
        one["description"] = attribute.description
    return one


def _complex(holder: Attribute | Schema, *, returned: bool) -> JsonSchema:
    subs = holder.attributes if isinstance(holder, Schema) else holder.sub_attributes
    made: JsonSchema = {"type": "object", "properties": _properties(subs, returned=returned)}
    if isinstance(holder, Schema):
        made["description"] = holder.description
    if returned:
        made["additionalProperties"] = False
    return made


def _properties(attributes: Iterable[Attribute], *, returned: bool) -> JsonSchema:
    shown = (each for each in attributes if _is_shown(each, returned=returned))
    return {each.name: _attribute(each, returned=returned) for each in shown}


def _is_shown(attribute: Attribute, *, returned: bool) -> bool:
    if returned:
        return attribute.returned is not Returned.NEVER
    return attribute.mutability is not Mutability.READ_ONLY


def _of_type(resource_type: ResourceType, *, returned: bool) -> Iterator[tuple[str, JsonSchema]]:
    """The properties that common attributes, core and extensions give, in the order of answers."""
    common = [each for each in resource_type.common if each.name not in _COMMON]
    core = (*common, *resource_type.schema.attributes)
    yield from _properties(core, returned=returned).items()
    for extension in resource_type.extensions:
        schema = extension.schema
        yield schema.id, reference(schema.name if returned else written(schema))


def _resource_returned(resource_type: ResourceType) -> JsonSchema:
    """Everything but `schemas` and `id` can be left out by a projection."""
    meta = next(each for each in resource_type.common if each.name == "meta")
    described = _attribute(meta, returned=True)
    described["properties"]["resourceType"] = {"const": resource_type.name}
    return {
        "type": "object",
        "description": resource_type.description,
        "required": ["schemas", "id"],
        "properties": {
            "schemas": {"type": "array", "items": _STRING, "contains": _core(resource_type)},
            "id": {**_STRING, "format": "uuid"},
            **dict(_of_type(resource_type, returned=True)),
            "meta": described,
        },
        "patternProperties": _OTHER_EXTENSIONS,
        "additionalProperties": False,
    }


def _resource_written(resource_type: ResourceType) -> JsonSchema:
    attributes = (*resource_type.common, *resource_type.schema.attributes)
    required = [each.name for each in attributes if each.required and each.default is None]
    return {
        "type": "object",
        "description": f"{resource_type.description} Names that are not described are ignored.",
        "required": required,
        "properties": {
            "schemas": {"type": "array", "items": _STRING, "contains": _core(resource_type)},
            **dict(_of_type(resource_type, returned=False)),
        },
    }


def _core(resource_type: ResourceType) -> JsonSchema:
    return {"const": resource_type.schema.id}


def list_of(resource: JsonSchema) -> JsonSchema:
    """A ListResponse; pages by index have startIndex, pages by cursor the cursors."""
    count = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["schemas", "totalResults", "itemsPerPage", "Resources"],
        "properties": {
            "schemas": message(urns.LIST_RESPONSE),
            "totalResults": count,
            "startIndex": {"type": "integer", "minimum": 1},
            "itemsPerPage": count,
            "previousCursor": _STRING,
            "nextCursor": _STRING,
            "Resources": {"type": "array", "items": resource},
        },
        "additionalProperties": False,
    }


def message(urn: str) -> JsonSchema:
    """The `schemas` of something that has one."""
    return {"type": "array", "items": {"const": urn}, "minItems": 1, "maxItems": 1}


def _patch() -> JsonSchema:
    operation = {
        "type": "object",
        "required": ["op"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "Add", "Remove", "Replace"]},
            "path": {**_STRING, "description": "Without it the value is an object of attributes."},
            "value": {"description": "Of any type; what the attribute takes."},
        },
    }
    return {
        "type": "object",
        "description": "Operations that are applied in order, all or none (RFC 7644 §3.5.2).",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": message(urns.PATCH_OP),
            "Operations": {"type": "array", "items": operation, "minItems": 1},
        },
    }


def _search() -> JsonSchema:
    names = {"type": "array", "items": _STRING}
    return {
        "type": "object",
        "description": "The parameters of a list in a body (RFC 7644 §3.4.3).",
        "required": ["schemas"],
        "properties": {
            "schemas": message(urns.SEARCH_REQUEST),
            "filter": _STRING,
            "sortBy": _STRING,
            "sortOrder": {"enum": ["ascending", "descending"]},
            "startIndex": {"type": "integer"},
            "count": {"type": "integer"},
            "cursor": _STRING,
            "attributes": names,
            "excludedAttributes": names,
        },
    }


def _bulk_request(max_operations: int) -> JsonSchema:
    operation = {
        "type": "object",
        "required": ["method", "path"],
        "properties": {
            "method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]},
            "path": {**_STRING, "examples": ["/Users"]},
            "bulkId": {**_STRING, "description": "Names what a POST creates."},
            "version": {**_STRING, "description": "The entity tag that the resource must have."},
            "data": {"type": "object", "description": "The body of the operation."},
        },
    }
    return {
        "type": "object",
        "description": "Operations; `bulkId:` and a bulkId stand for an id (RFC 7644 §3.7).",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": message(urns.BULK_REQUEST),
            "failOnErrors": {"type": "integer", "minimum": 1},
            "Operations": {"type": "array", "items": operation, "maxItems": max_operations},
        },
    }


def _bulk_response() -> JsonSchema:
    result = {
        "type": "object",
        "required": ["status"],
        "properties": {
            "location": _STRING,
            "method": _STRING,
            "bulkId": _STRING,
            "version": _STRING,
            "status": {**_STRING, "pattern": "^[245][0-9]{2}$"},
            "response": reference("Error"),
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": message(urns.BULK_RESPONSE),
            "Operations": {"type": "array", "items": result},
        },
        "additionalProperties": False,
    }


def error(status: int | None = None) -> JsonSchema:
    """An Error message with that status and one of its scimTypes or none; None for any status."""
    by_status = _scim_types()
    if status is None:
        known = [each for of in by_status.values() for each in of]
        sent: JsonSchema = {**_STRING, "pattern": "^[45][0-9]{2}$"}
    else:
        known, sent = by_status.get(status, []), {"const": str(status)}
    made = {
        "schemas": message(urns.ERROR),
        **({"scimType": {"enum": sorted(known)}} if known else {}),
        "detail": _STRING,
        "status": sent,
    }
    return {
        "type": "object",
        "required": ["schemas", "detail", "status"],
        "properties": made,
        "additionalProperties": False,
    }


def _scim_types() -> dict[int, list[str]]:
    """The scimTypes of each status that has some, as the errors themselves say."""
    found: dict[int, list[str]] = {}
    waiting: list[type[errors.ScimError]] = [errors.ScimError]
    while waiting:
        kind = waiting.pop(0)
        waiting.extend(kind.__subclasses__())
        if kind.scim_type is not None:
            found.setdefault(kind.status, []).append(kind.scim_type)
    return found
