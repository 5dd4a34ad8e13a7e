"""Acme's schema as staff define it."""

import json
from typing import Any, Final

from scim.extensions.defining import Definition
from tests.support.schemas import ACME

ACME_GROUP: Final = ACME.replace("User", "Group")
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


def definition(*attributes: dict[str, Any], urn: str = ACME, **asked: Any) -> Definition:
    """A definition of the attributes, or of all of acme's."""
    body = {"id": urn, "name": "Acme", "attributes": list(attributes or ATTRIBUTES)}
    return Definition(json.dumps(body), **asked)
