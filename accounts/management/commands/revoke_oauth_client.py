"""`manage.py revoke_oauth_client acme <client id>`, or one of its secrets: `--secret 0a1b2c3d`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Revoke an OAuth client, or one of its secrets, from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("client_id", nargs="?", help="As list_oauth_clients prints it.")
        what.add_argument("--secret", help="A secret's id; its client and other secrets stay.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        if options["secret"]:
            secret = actions.revoke_client_secret(Actor.command(), tenant, options["secret"])
            self.note(f"The client secret {secret} of {tenant} is revoked.")
        else:
            client = actions.revoke_oauth_client(Actor.command(), tenant, options["client_id"])
            self.note(f"The OAuth client {client} of {tenant} is revoked.")
