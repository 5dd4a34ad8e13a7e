"""`manage.py define_schema acme schema.json`: the tenant's own schema, beside the built-in ones."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from scim.extensions.actions import Definition, define_schema
from scim.provider.capabilities import RESOURCE_TYPES
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Define or change an extension schema of a tenant; it is in force from the next request on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "file", type=Path, help="A Schema resource as JSON (RFC 7643 §7); - for standard input."
        )
        types = [each.name for each in RESOURCE_TYPES]
        parser.add_argument("--type", choices=types, default=types[0], help="What it extends.")
        parser.add_argument(
            "--required", action="store_true", help="Each resource must have values of it."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        definition = Definition(_read(options["file"]), options["type"], options["required"])
        row = define_schema(Actor.command(), tenant, definition)
        self.note(f"{row.urn} extends each {row.resource_type} of {tenant.custom_domain} now.")
        self.note(f"It is shown at {tenant.tenant_url}/Schemas/{row.urn}")


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read.") from error
