"""`manage.py create_tenant acme --name "Acme Ltd" --admin tara@acme.example`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import AdministrativeCommand


class Command(AdministrativeCommand):
    help = "Create a tenant: its schema, its host name and its first tenant admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("custom_domain", help='The custom domain: "acme" is https://acme.…')
        parser.add_argument("--name", required=True, help="The customer's name.")
        parser.add_argument("--admin", required=True, help="The first tenant admin's e-mail.")

    def perform(self, options: dict[str, Any]) -> None:
        tenant = actions.create_tenant(
            Actor.command(), options["custom_domain"], options["name"], options["admin"]
        )
        domain = tenant.custom_domain
        self.stdout.write(f"Tenant URL: {tenant.tenant_url}")
        self.note("")
        self.note("Next, mint a secret token for the Entra provisioning service:")
        self.note(f'  manage.py mint_token {domain} --label "Microsoft Entra ID" --days 365')
        self.note(f"and, so that the tenant admin can sign in at {tenant.base_url}/admin/:")
        self.note(f"  manage.py set_password {domain} {options['admin']}")
