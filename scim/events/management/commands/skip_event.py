"""`manage.py skip_event acme <jti> --yes`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from scim.events import streams
from tenants.current import in_tenant
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Give up an event that cannot be delivered, so that what waits behind it can follow."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("jti", help="The event's id; a stopped stream's reason names it.")
        parser.add_argument(
            "--yes", action="store_true", help="Skip it: the receiver never gets it."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = streams.get_delivery(tenant, options["jti"])
        what = f"{' and '.join(found.event.kinds)} of {found.event.uri} for {found.stream}"
        if not options["yes"]:
            raise CommandError(f"This would skip {what}, for good. Repeat the command with --yes.")
        streams.skip_event(Actor.command(), tenant, found.id)
        self.note(f"Skipped: {what}.")
