"""The user that Entra patches in the tests, and patching it as Entra does."""

from typing import Any

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.patch import Outcome, read_resource

MANAGER = f"{urns.ENTERPRISE_USER}:manager"
WORK = {"type": "work", "value": "bjensen@contoso.com", "primary": True}

BJENSEN: dict[str, Any] = {
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "bjensen@contoso.com",
    "name": {"formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara"},
    "active": True,
    "emails": [WORK],
    "addresses": [{"type": "work", "country": "Belize"}],
    urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}},
}

# As Microsoft's Validator begins its test of added attributes.
MINIMAL: dict[str, Any] = {"userName": "bjensen@contoso.com", "active": True}


def applied(*operations: Any, to: dict[str, Any] = BJENSEN) -> Outcome:
    body = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    return patch.apply(USER, to, patch.read_request(body))


def patched(*operations: Any, to: dict[str, Any] = BJENSEN) -> dict[str, Any]:
    after = applied(*operations, to=to).resource
    assert read_resource(USER, after).resource == after
    return after
