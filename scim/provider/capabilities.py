"""What is supported and its limits; discovery announces this object and enforcement reads it."""

from typing import Final

from scim.protocol.definitions import RESOURCE_TYPES as DEFINED
from scim.protocol.discovery import Capabilities
from scim.protocol.schema import ResourceType

CAPABILITIES: Final = Capabilities(
    max_page=200,
    default_page=100,
    max_body=1_048_576,
    max_operations=1_000,
    documentation="https://learn.microsoft.com/entra/identity/saas-apps/mypolicies-provisioning-tutorial",
)
RESOURCE_TYPES: Final[tuple[ResourceType, ...]] = DEFINED
