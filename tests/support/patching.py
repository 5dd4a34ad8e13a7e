"""A user to patch, and patching it: checks what must hold of every PATCH."""

import copy
from typing import Any

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.patch import read_resource

WORK = {"type": "work", "value": "bjensen@example.com", "primary": True}
HOME = {"type": "home", "value": "babs@jensen.org"}
OFFICE = {"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood"}

BJENSEN: dict[str, Any] = {
    "externalId": "701984",
    "userName": "bjensen",
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "active": True,
    "emails": [WORK, HOME],
    "addresses": [OFFICE],
    urns.ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
}


def message(*operations: Any) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = BJENSEN) -> dict[str, Any]:
    """The resource after the operations; it is canonical, and the one before is as it was."""
    before = copy.deepcopy(resource)
    after = patch.apply(USER, resource, patch.read_request(message(*operations))).resource
    assert resource == before
    assert read_resource(USER, after).resource == after
    return after


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}
