"""Which resource types a tenant has: the built-in ones, extended by the tenant's own schemas.

A tenant without schemas of its own has the built-in objects themselves. For the others the types
are built once a process and revision; the revision comes with the tenant, so nobody asks the
database whether it is still the same.
"""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Final
from uuid import UUID

from scim.protocol.extensions import read_schema
from scim.protocol.schema import Extension, ResourceType
from scim.provider.capabilities import RESOURCE_TYPES
from scim.repository import extensions
from tenants.models import Tenant

MAX_TENANTS: Final = 1_000  # whose types are remembered; some 50 kB each

Types = tuple[ResourceType, ...]

_known: OrderedDict[UUID, Types] = OrderedDict()
_changing = Lock()


def resource_types(tenant: Tenant) -> Types:
    """The resource types of the tenant, which is the current one."""
    revision = tenant.schemas_revision
    if revision is None:
        return RESOURCE_TYPES
    found = _known.get(revision)
    return found or _remember(revision, _read())


def resource_type(tenant: Tenant, name: str) -> ResourceType:
    """One of them by its name. Raises LookupError."""
    found = next((each for each in resource_types(tenant) if each.name == name), None)
    if found is None:
        raise LookupError(f"There is no resource type {name}.")
    return found


def _remember(revision: UUID, types: Types) -> Types:
    with _changing:
        _known[revision] = types
        while len(_known) > MAX_TENANTS:
            _known.popitem(last=False)
    return types


def _read() -> Types:
    own: dict[str, list[Extension]] = {}
    for row in extensions.defined():
        extension = Extension(read_schema(row.definition), row.is_required)
        own.setdefault(row.resource_type, []).append(extension)
    return tuple(
        replace(each, extensions=(*each.extensions, *own[each.name])) if each.name in own else each
        for each in RESOURCE_TYPES
    )
