"""`manage.py create_tenant acme --name "Acme Ltd" --admin tara@acme.example`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions, invitations
from accounts.actions import Actor
from accounts.management.administration import AdministrativeCommand
from tenants import clock


class Command(AdministrativeCommand):
    help = "Create a tenant: its schema, its host name and its first tenant admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("custom_domain", help='The custom domain: "acme" is https://acme.…')
        parser.add_argument("--name", required=True, help="The customer's name.")
        parser.add_argument("--admin", required=True, help="The first tenant admin's e-mail.")
        parser.add_argument(
            "--no-invitation",
            action="store_true",
            help="Send the tenant admin no link that sets a password.",
        )

    def perform(self, options: dict[str, Any]) -> None:
        is_invited = not options["no_invitation"]
        tenant = actions.create_tenant(
            Actor.command(),
            options["custom_domain"],
            options["name"],
            options["admin"],
            invites=is_invited,
        )
        domain, email = tenant.custom_domain, options["admin"]
        self.stdout.write(f"Tenant URL: {tenant.tenant_url}")
        self.note("")
        self.note("Next, mint a secret token for the Entra provisioning service:")
        self.note(f'  manage.py mint_token {domain} --label "Microsoft Entra ID" --days 365')
        if is_invited:
            self.note(invitations.prospect(email, clock.now()))
            self.note(f"It sets a password for {tenant.base_url}/admin/.")
        else:
            self.note(f"and, so that the tenant admin can sign in at {tenant.base_url}/admin/:")
            self.note(f"  manage.py send_invitation {domain} {email}")
