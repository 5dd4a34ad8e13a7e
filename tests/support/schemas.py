"""A schema that acme gives its users, as staff define it."""

import json
from typing import Any, Final

from scim.extensions.defining import Definition

ACME: Final = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

_BADGE: Final = {"name": "badge", "caseExact": True, "uniqueness": "server"}
_DESKS: Final = {
    "name": "desks",
    "type": "complex",
    "multiValued": True,
    "subAttributes": [
        {"name": "value", "required": True},
        {"name": "type", "canonicalValues": ["home", "office"]},
        {"name": "floor", "type": "integer"},
        {"name": "primary", "type": "boolean"},
    ],
}
ATTRIBUTES: Final[tuple[dict[str, Any], ...]] = (
    _BADGE,
    {"name": "shirt", "description": "The size of the shirt."},
    {"name": "joined", "type": "dateTime", "mutability": "immutable"},
    {"name": "languages", "multiValued": True},
    {"name": "pin", "mutability": "writeOnly", "returned": "never"},
    {"name": "notes", "returned": "request"},
    _DESKS,
)

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
ACME_GROUP: Final = ACME.replace("User", "Group")


def definition(*attributes: dict[str, Any], urn: str = ACME, **asked: Any) -> Definition:
    """A definition of the attributes, or of all of acme's."""
    body = {"id": urn, "name": "Acme", "attributes": list(attributes or ATTRIBUTES)}
    return Definition(json.dumps(body), **asked)
