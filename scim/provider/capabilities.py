"""The supported features and their limits: announced by discovery, read by enforcement."""

from typing import Any, Final

from scim.protocol.definitions import RESOURCE_TYPES as DEFINED
from scim.protocol.discovery import Capabilities
from scim.protocol.schema import ResourceType

_AUTHENTICATION: Final[tuple[dict[str, Any], ...]] = (
    {
        "type": "oauthbearertoken",
        "name": "Secret token",
        "description": "A secret token that myPolicies support mints for the tenant, sent"
        " as an OAuth 2.0 bearer token.",
        "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
        "primary": True,
    },
    {
        "type": "oauth2",
        "name": "OAuth 2.0 client credentials",
        "description": "An access token from the token endpoint that the metadata at"
        " /.well-known/oauth-authorization-server name (RFC 8414), sent as a bearer token.",
        "specUri": "https://www.rfc-editor.org/rfc/rfc6749",
        "primary": False,
    },
)
CAPABILITIES: Final = Capabilities(
    max_page=200,
    default_page=100,
    max_body=1_048_576,
    max_operations=1_000,
    documentation="https://learn.microsoft.com/entra/identity/saas-apps/mypolicies-provisioning-tutorial",
    authentication=_AUTHENTICATION,
)
RESOURCE_TYPES: Final[tuple[ResourceType, ...]] = DEFINED
