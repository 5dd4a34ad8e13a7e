"""The mark of a tenant at the beginning of its request ids, by which a request id leads to its tenant.

The mark is the beginning of the tenant's random id, so nothing has to be written with a request to find
it again: the registry is asked by its primary key (decision 0108). Two tenants may have the same mark.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Final
from uuid import UUID

from tenants.current import in_public
from tenants.models import Tenant

_BYTES: Final = 3
LENGTH: Final = 4  # characters
REQUEST_ID_LENGTH: Final = 22
_MOST: Final = 5  # tenants with one mark: with 10,000 tenants there are about three such pairs


@lru_cache(maxsize=10_000)
def of(tenant_id: UUID) -> str:
    """The mark of the tenant with that id."""
    return urlsafe_b64encode(tenant_id.bytes[:_BYTES]).decode()


def marked(request_id: str, tenant_id: UUID) -> str:
    """The request id with the mark of its tenant, as long as it was."""
    return of(tenant_id) + request_id[LENGTH:]


def tenants_of(request_id: str) -> list[Tenant]:
    """The tenants whose mark a request id begins with; none for what is no request id."""
    if len(request_id) != REQUEST_ID_LENGTH or not request_id.isascii():
        return []
    try:
        beginning = urlsafe_b64decode(request_id[:LENGTH])
    except ValueError:
        return []
    if (
        len(beginning) != _BYTES
        or of(UUID(bytes=beginning.ljust(16, b"\0"))) != request_id[:LENGTH]
    ):
        return []  # base64 passes over letters that it has not
    rest = 16 - _BYTES
    first, last = (UUID(bytes=beginning + end * rest) for end in (b"\0", b"\xff"))
    with in_public():
        found = Tenant.objects.filter(pk__gte=first, pk__lte=last, is_operator=False)
        return list(found.order_by("pk")[:_MOST])
