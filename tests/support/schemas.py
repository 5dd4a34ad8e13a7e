"""A schema that acme gives its users: attributes in JSON (RFC 7643 §7)."""

from typing import Any, Final

from scim.protocol.schema import Attribute, Mutability, Returned, Schema, Type, Uniqueness

ACME: Final = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"


# Each way in which an attribute, or a part of one, can be secret.
SECRETS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "badge"},
    {"name": "pin", "mutability": "writeOnly", "returned": "never"},
    {"name": "hash", "returned": "never"},
    {"name": "answers", "multiValued": True, "mutability": "writeOnly", "returned": "never"},
    {"name": "year", "type": "integer", "returned": "never"},
    {
        "name": "vault",
        "type": "complex",
        "multiValued": True,
        "subAttributes": [
            {"name": "value"},
            {"name": "type"},
            {"name": "code", "returned": "never"},
        ],
    },
    {
        "name": "locker",
        "type": "complex",
        "subAttributes": [{"name": "value", "returned": "never"}, {"name": "floor"}],
    },
    {
        "name": "safe",
        "type": "complex",
        "returned": "never",
        "subAttributes": [{"name": "value"}, {"name": "floor"}],
    },
)


def schema(urn: str, *attributes: dict[str, Any]) -> Schema:
    """The schema of those attributes, without the checks that a tenant's own must pass."""
    return Schema(urn, urn.rpartition(":")[2], "", tuple(map(_attribute, attributes)))


def _attribute(told: dict[str, Any]) -> Attribute:
    return Attribute(
        told["name"],
        Type(told.get("type", "string")),
        multi_valued=told.get("multiValued", False),
        required=told.get("required", False),
        mutability=Mutability(told.get("mutability", "readWrite")),
        returned=Returned(told.get("returned", "default")),
        uniqueness=Uniqueness(told.get("uniqueness", "none")),
        sub_attributes=tuple(map(_attribute, told.get("subAttributes", ()))),
    )
