"""The people of the tests, made when a test needs them."""

from accounts import actions
from accounts.audit import Actor
from accounts.models import Account
from accounts.permissions import Role
from tenants.current import in_tenant
from tenants.models import Tenant

COMMAND = Actor("tests (command line)", is_command=True)
PASSWORD = "correct horse battery staple"
_ADMINS = {
    "acme": ("tara@acme.example", "Tara Admin"),
    "globex": ("tom@globex.example", "Tom Admin"),
}


def tenant_admin(tenant: Tenant) -> Account:
    """An active tenant admin: tara at acme, tom at globex."""
    email, name = _ADMINS.get(
        tenant.custom_domain, (f"admin@{tenant.custom_domain}.example", "Admin")
    )
    return _account(tenant, email, name, Role.ADMIN)


def support_staff(operator: Tenant) -> Account:
    """alice, of the support team."""
    return _account(operator, "alice@mypolicies.example", "Alice", Role.SUPPORT)


def _account(tenant: Tenant, email: str, name: str, role: Role) -> Account:
    with in_tenant(tenant):
        if not Account.objects.filter(email=email).exists():
            actions.create_account(COMMAND, tenant, email, name, role)
            actions.set_password(COMMAND, tenant, email, PASSWORD)
        return Account.objects.get(email=email)
