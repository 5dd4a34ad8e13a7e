"""The whole document (OpenAPI 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.discovery import Capabilities
from scim.protocol.schema import ResourceType
from tests.support.openapi import descriptions, events, oauth, parts, schemas
from tests.support.openapi.operations import CLIENT_CREDENTIALS, SECRET_TOKEN, Describer

_OPENAPI: Final = "3.1.0"
_DESCRIPTION: Final = """\
The Tenant URL is `https://<customDomain>.mypolicies.com/scim`; `/scim/v2` answers the same. Paths
match in any letter case, with and without a slash at the end. HEAD answers as GET does, without a
body; a method that is not described is answered with 405 and `Allow`. Answers, errors included, are
`application/scim+json`, but for those of the token endpoint, its metadata and the events.

Requests are understood more generously than they are described: docs/entra.md lists how.
"""


@dataclass(frozen=True, slots=True)
class Api:
    """The subject of the description; `scopes` are those to read and to write."""

    resource_types: Sequence[ResourceType]
    capabilities: Capabilities
    scopes: tuple[str, str]
    version: str


def document(api: Api) -> dict[str, Any]:
    """The OpenAPI document."""
    most = api.capabilities.max_operations
    return {
        "openapi": _OPENAPI,
        "info": {
            "title": "myPolicies SCIM",
            "version": api.version,
            "summary": "The users and groups of a tenant, over SCIM 2.0.",
            "description": _DESCRIPTION,
        },
        "externalDocs": {"url": api.capabilities.documentation},
        "servers": [
            {
                "url": "https://{customDomain}.mypolicies.com",
                "variables": {"customDomain": {"default": "demo0-qa"}},
            }
        ],
        "paths": _paths(api),
        "components": {
            "schemas": schemas.components(api.resource_types, most) | descriptions.components(),
            **parts.components(api.capabilities),
            "securitySchemes": _security_schemes(api.scopes),
        },
    }


def _paths(api: Api) -> dict[str, Any]:
    describer = Describer(api.scopes)
    found: dict[str, Any] = {}
    for resource_type in api.resource_types:
        found |= describer.of_type(resource_type)
    user = next(each for each in api.resource_types if each.name == urns.USER_TYPE)
    found |= {
        "/scim/Me": describer.me(user),
        "/scim": {"get": describer.listing("listResources", "ResourceList", {})},
        "/scim/.search": {"post": describer.search("searchResources", "ResourceList")},
        "/scim/Bulk": {"post": describer.bulk()},
        **describer.discovery(),
        **oauth.paths(api.scopes),
        **events.paths(),
    }
    return {path: _in_order(item) for path, item in found.items()}


def _in_order(item: dict[str, Any]) -> dict[str, Any]:
    """The path item, the answers of each operation last."""
    return {
        name: part if name == "parameters" else dict(sorted(part.items(), key=_is_responses))
        for name, part in item.items()
    }


def _is_responses(member: tuple[str, Any]) -> bool:
    return member[0] == "responses"


def _security_schemes(scopes: tuple[str, str]) -> dict[str, Any]:
    read, write = scopes
    flow = {
        "tokenUrl": oauth.TOKEN_PATH,
        "scopes": {read: "Read and find resources.", write: "Change them."},
    }
    return {
        SECRET_TOKEN: {
            "type": "http",
            "scheme": "bearer",
            "description": "A secret token of the tenant, the *Secret Token* of Entra.",
        },
        CLIENT_CREDENTIALS: {"type": "oauth2", "flows": {"clientCredentials": flow}},
        oauth.CLIENT: {
            "type": "http",
            "scheme": "basic",
            "description": "Client id and client secret, at the token endpoint.",
        },
        events.STREAM_SECRET: events.security_scheme(),
    }
