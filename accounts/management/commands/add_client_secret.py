"""`manage.py add_client_secret acme <client id>`: the secret alone on standard output."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import SECRET_YEARS, Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Give an OAuth client one more secret; it is printed once, alone on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", help="As list_oauth_clients prints it.")
        parser.add_argument(
            "--years", type=int, choices=SECRET_YEARS, default=1, help="Until it expires."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        added = actions.add_client_secret(
            Actor.command(), tenant, options["client_id"], options["years"]
        )
        self.print_secret(added)
