"""E-mail to accounts: a text template whose first line is the subject; each gets a message alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from accounts.models import Account
from accounts.permissions import Role
from tenants.current import in_public, in_tenant
from tenants.models import Tenant


def send(template: str, addresses: Iterable[str], context: Mapping[str, Any]) -> int:
    """How many messages were sent of the template (templates/emails) over one connection.

    Raises what the connection raises: OSError, smtplib.SMTPException.
    """
    subject, _, body = render_to_string(f"emails/{template}", dict(context)).strip().partition("\n")
    messages = [EmailMessage(subject, body.strip() + "\n", to=[each]) for each in addresses]
    return int(get_connection().send_messages(messages) or 0)


def tenant_admins(tenant: Tenant) -> list[str]:
    """The addresses of the tenant's active admins."""
    with in_tenant(tenant):
        admins = Account.objects.filter(role=Role.ADMIN, is_active=True)
        return list(admins.order_by("email").values_list("email", flat=True))


def staff_who_may(permission: str) -> list[str]:
    """The addresses of the active staff accounts whose role includes the permission."""
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    if operator is None:
        return []
    with in_tenant(operator):
        accounts = list(Account.objects.filter(is_active=True).order_by("email"))
    return [account.email for account in accounts if account.has_perm(permission)]
