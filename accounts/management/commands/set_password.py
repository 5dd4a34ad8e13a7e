"""`manage.py set_password acme tara@acme.example`, with the password on standard input."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand, read_password
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Set an account's password: asked for twice, or one line from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        actions.set_password(Actor.command(), tenant, options["email"], read_password())
        self.note(f"The password of {options['email']} is set; sessions of the account have ended.")
