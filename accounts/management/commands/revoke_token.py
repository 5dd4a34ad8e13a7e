"""`manage.py revoke_token acme 0a1b2c3d`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Revoke a secret token from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("public_id", help="The token's id, as list_tokens prints it.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        token = actions.revoke_token(Actor.command(), tenant, options["public_id"])
        self.note(f"The secret token {token} of {tenant} is revoked.")
