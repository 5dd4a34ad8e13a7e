"""`manage.py add_host acme scim.acme.example`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Serve a tenant under a further host name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("host", help="The host name, without scheme and port.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        actions.add_host(Actor.command(), tenant, options["host"])
        self.note(f"{tenant} is now served at {options['host']} too.")
