"""`manage.py list_schemas acme`."""

from typing import Any, Final

from accounts.management.administration import TenantCommand
from scim.extensions import storage
from tenants.current import in_tenant
from tenants.models import Tenant

HEADINGS: Final = ("URN", "EXTENDS", "REQUIRED", "ATTRIBUTES", "CHANGED", "BY")


class Command(TenantCommand):
    help = "List a tenant's extension schemas, oldest first; the built-in ones are not among them."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = storage.defined()
        rows = [
            (
                row.urn,
                row.resource_type,
                "yes" if row.is_required else "no",
                str(len(row.definition["attributes"])),
                f"{row.changed_at:%Y-%m-%d %H:%M}",
                row.changed_by,
            )
            for row in found
        ]
        self.print_table([HEADINGS, *rows])
