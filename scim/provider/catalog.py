"""The resource types of a tenant, the built-in ones extended by the tenant's own schemas, and the
secrets in them.

A tenant without schemas of its own has the built-in objects themselves. For the others the types
are built once a process and revision; the revision comes with the tenant, so nobody asks the
database whether it is still the same.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError

from scim.protocol.definitions import RESOURCE_TYPES as DEFINED
from scim.protocol.discovery import Capabilities
from scim.protocol.redaction import Redaction
from scim.protocol.schema import Extension, ResourceType
from scim.provider.features import Added, features
from tenants.models import Tenant

MAX_TENANTS: Final = 1_000  # whose types are remembered; some 50 kB each

Types = tuple[ResourceType, ...]
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
        "description": "An access token from the token endpoint, named by the metadata at"
        " /.well-known/oauth-authorization-server (RFC 8414), sent as a bearer token.",
        "specUri": "https://www.rfc-editor.org/rfc/rfc6749",
        "primary": False,
    },
)
# The supported features and their limits: discovery announces them, enforcement reads them.
CAPABILITIES: Final = Capabilities(
    max_page=200,
    default_page=100,
    max_body=1_048_576,
    max_operations=1_000,
    documentation="https://learn.microsoft.com/entra/identity/saas-apps/mypolicies-provisioning-tutorial",
    authentication=_AUTHENTICATION,
)
RESOURCE_TYPES: Final[tuple[ResourceType, ...]] = DEFINED


@dataclass(frozen=True, slots=True)
class Catalog:
    """A tenant's resource types, and what leaves out what is secret in them or ever was."""

    types: Types
    redaction: Redaction


_BUILT_IN: Final = Catalog(RESOURCE_TYPES, Redaction(RESOURCE_TYPES))
# Of a tenant whose schemas cannot be read now: no attribute is known, so no value is kept.
_NOTHING_KNOWN: Final = Redaction(())

_known: OrderedDict[UUID, Catalog] = OrderedDict()
_changing = Lock()


def resource_types(tenant: Tenant) -> Types:
    """The resource types of the tenant, which is the current one."""
    return _catalog(tenant).types


def resource_type(tenant: Tenant, name: str) -> ResourceType:
    """One of them by its name. Raises LookupError."""
    found = next((each for each in resource_types(tenant) if each.name == name), None)
    if found is None:
        raise LookupError(f"There is no resource type {name}.")
    return found


def remembered(tenant: Tenant) -> Types:
    """The resource types of any tenant as far as this process knows them; asks nothing."""
    revision = tenant.schemas_revision
    found = _BUILT_IN if revision is None else _known.get(revision)
    return found.types if found else ()


def redaction(tenant: Tenant) -> Redaction:
    """The redaction that leaves out the secret values of the current tenant.

    It knows the schemas that were removed too. When the database cannot be asked, in a transaction
    that has failed say, it is one that leaves out everything.
    """
    try:
        return _catalog(tenant).redaction
    except DatabaseError:
        return _NOTHING_KNOWN


def _catalog(tenant: Tenant) -> Catalog:
    revision = tenant.schemas_revision
    if revision is None:
        return _BUILT_IN
    found = _known.get(revision)
    return found or _remember(revision, _read())


def _remember(revision: UUID, catalog: Catalog) -> Catalog:
    with _changing:
        _known[revision] = catalog
        while len(_known) > MAX_TENANTS:
            _known.popitem(last=False)
    return catalog


def _read() -> Catalog:
    added = [each for feature in features() for each in feature.extensions()]
    # Those in force come first: a bare name means what it means to requests.
    remembered = sorted(added, key=lambda each: not each.is_in_force)
    return Catalog(
        _extended((each, each.extension) for each in added if each.is_in_force),
        Redaction(_extended((each, each.remembered) for each in remembered)),
    )


def _extended(added: Iterable[tuple[Added, Extension]]) -> Types:
    own: dict[str, list[Extension]] = {}
    for each, extension in added:
        own.setdefault(each.resource_type, []).append(extension)
    return tuple(
        replace(each, extensions=(*each.extensions, *own[each.name])) if each.name in own else each
        for each in RESOURCE_TYPES
    )
