"""`manage.py remove_schema acme urn:…:2.0:User`."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from scim.extensions.actions import remove_schema
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Remove an extension schema of a tenant that no resource has values of."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("urn", help="The schema's id; list_schemas lists them.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        row = remove_schema(Actor.command(), tenant, options["urn"])
        self.note(f"{row.urn} is removed.")
