"""The people of the tests, made when a test needs them.

Their rows are written as they are: by acts, which are audited and have tests of their own, they and
their tokens took a third of the time of all tests.
"""

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
        account = Account.objects.filter(email=email).first()
        if account is None:
            account = Account(email=email, name=name, role=role)
            account.set_password(PASSWORD)
            account.save(force_insert=True)
        return account
