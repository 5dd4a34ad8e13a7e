"""Links that are read elsewhere: in messages, and in what commands print.

A link leads to the host on which its reader signs in, whatever host and path the present request
came to: on a visit every path that Django makes begins with `/t/<custom domain>/`, which the
tenant's own host does not know.
"""

from typing import Any, Final

from accounts.visits import own_path, staff_path, visit_path
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.models import Tenant

_STAFF_HOST: Final = Tenant(custom_domain=OPERATOR_CUSTOM_DOMAIN)


def for_accounts(tenant: Tenant, name: str, *args: Any) -> str:
    """The URL, for the accounts of the tenant, of a page on its host; of staff it is their site's."""
    path = staff_path(name, *args) if tenant.is_operator else own_path(name, *args)
    return tenant.base_url + path


def for_staff(tenant: Tenant, name: str, *args: Any) -> str:
    """The URL, for staff, of one of the tenant's screens on the staff host."""
    return _STAFF_HOST.base_url + visit_path(tenant, name, *args)
