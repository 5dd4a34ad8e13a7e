"""`manage.py schema`: a tenant's own extension schemas, beside the built-in ones."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.administration import TenantCommand
from scim.extensions import storage
from scim.extensions.defining import Definition, define_schema, remove_schema
from scim.provider.catalog import RESOURCE_TYPES
from tenants.current import in_tenant
from tenants.management.kit import Group, minute
from tenants.models import Tenant


class Define(TenantCommand):
    help = (
        "Define or change an extension schema of a tenant; it is in force from the next request on."
    )
    examples = (
        "manage.py schema define acme schema.json",
        "manage.py schema define acme - --type Group --required < schema.json",
    )
    alias = "define_schema"
    as_owner = True

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
        with self.waiting(f"Checking the resources of {tenant.custom_domain}"):
            row = define_schema(self.actor, tenant, definition)
        self.note(f"{row.urn} extends each {row.resource_type} of {tenant.custom_domain} now.")
        self.note(f"It is shown at {tenant.tenant_url}/Schemas/{row.urn}")


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read.") from error


class List(TenantCommand):
    help = "List a tenant's extension schemas, oldest first; the built-in ones are not among them."
    examples = ("manage.py schema list acme", "manage.py schema list acme --json")
    alias = "list_schemas"
    columns = {
        "urn": str,
        "extends": str,
        "required": lambda is_required: "yes" if is_required else "no",
        "attributes": str,
        "changed": minute,
        "by": str,
    }

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = storage.defined()
        rows = [
            (
                row.urn,
                row.resource_type,
                row.is_required,
                len(row.definition["attributes"]),
                row.changed_at,
                row.changed_by,
            )
            for row in found
        ]
        self.print_list(rows, options)


class Remove(TenantCommand):
    help = "Remove an extension schema of a tenant that no resource has values of."
    examples = (
        "manage.py schema remove acme urn:ietf:params:scim:schemas:extension:acme:2.0:User",
    )
    alias = "remove_schema"
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("urn", help="The schema's id, as `schema list` prints it.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with self.waiting(f"Checking the resources of {tenant.custom_domain}"):
            row = remove_schema(self.actor, tenant, options["urn"])
        self.note(f"{row.urn} is removed.")


class Command(Group):
    help = "A tenant's own extension schemas, beside the built-in ones."
    verbs = {"define": Define, "list": List, "remove": Remove}
