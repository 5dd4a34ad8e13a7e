"""`manage.py create_account acme tom@acme.example --role member`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from accounts.permissions import Role
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Create an account that can sign in on a tenant's host (or, for `admin`, of staff)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        role = Role(options["role"])
        account = actions.create_account(
            Actor.command(), tenant, options["email"], options["name"], role
        )
        self.note(f"{account.email} is now a {role.label.lower()} of {tenant}.")
        if role != Role.MEMBER:
            self.note("Next, send a link that sets a password:")
            self.note(f"  manage.py send_invitation {tenant.custom_domain} {account.email}")
            self.note("or set one here:")
            self.note(f"  manage.py set_password {tenant.custom_domain} {account.email}")
