"""`manage.py send_invitation acme tara@acme.example`: a link that sets a password, by e-mail."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions, invitations
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants import clock
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Send an account without a password, or a removed tenant admin, a link that sets one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        account = actions.send_invitation(Actor.command(), tenant, options["email"])
        self.note(invitations.prospect(account.email, clock.now()))
