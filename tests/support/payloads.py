"""Requests of the Entra provisioning service: its users, its PATCH messages, its look-ups."""

from typing import Any, Final

from scim.protocol import urns

CORE: Final = urns.USER
ENTERPRISE: Final = urns.ENTERPRISE_USER
ERROR: Final = urns.ERROR
LIST: Final = urns.LIST_RESPONSE

# POST /Users as Entra documents it: both schemas, meta and an empty array of roles included.
BJENSEN: Final[dict[str, Any]] = {
    "schemas": [CORE, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "bjensen@acme.example",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Barbara.Jensen@acme.example"}],
    "meta": {"resourceType": "User"},
    "name": {
        "formatted": "Barbara Jensen",
        "familyName": "Jensen",
        "givenName": "Barbara",
    },
    "roles": [],
}

JSMITH: Final[dict[str, Any]] = {
    "schemas": [CORE, ENTERPRISE],
    "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
    "userName": "jsmith@acme.example",
    "active": True,
    "displayName": "John Smith",
    "emails": [{"primary": True, "type": "work", "value": "John.Smith@acme.example"}],
    "addresses": [{"type": "work", "primary": True, "country": "Belize"}],
    "meta": {"resourceType": "User"},
    "name": {"familyName": "Smith", "givenName": "John"},
    ENTERPRISE: {"department": "Tour Operations"},
}


def user(name: str, /, **changes: Any) -> dict[str, Any]:
    """A user with the three attributes that are required, all made of the name, and `changes`."""
    return {
        "schemas": [CORE],
        "externalId": f"external-{name}",
        "userName": f"{name}@acme.example",
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        **changes,
    }


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """A PatchOp message."""
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def replace(path: str, value: Any) -> dict[str, Any]:
    """A PatchOp message of one operation, as the older connector ("customappsso") spells it."""
    return patch({"op": "Replace", "path": path, "value": value})


def error(status: int, detail: str, scim_type: str | None = None) -> dict[str, Any]:
    """A SCIM Error with exactly the keys of RFC 7644 §3.12."""
    kind = {} if scim_type is None else {"scimType": scim_type}
    return {"schemas": [ERROR], **kind, "detail": detail, "status": str(status)}


def listed(*resources: dict[str, Any], total: int | None = None, start: int = 1) -> dict[str, Any]:
    """A ListResponse; `total` is the number of resources unless there are more than the page."""
    return {
        "schemas": [LIST],
        "totalResults": len(resources) if total is None else total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }
