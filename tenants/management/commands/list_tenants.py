"""`manage.py list_tenants`: a table of all tenants on standard output."""

from typing import Any, Final

from django.core.management.base import BaseCommand

from tenants.current import in_public
from tenants.models import Tenant

_HEADER: Final = ("CUSTOM DOMAIN", "NAME", "STATUS", "SCHEMA", "TENANT URL")


class Command(BaseCommand):
    help = "Lists the tenants, staff's own included."
    requires_system_checks = ()  # as in accounts.management.administration

    def handle(self, *args: Any, **options: Any) -> None:
        with in_public():
            rows = [_HEADER, *map(_row, Tenant.objects.all())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _row(tenant: Tenant) -> tuple[str, ...]:
    return (
        tenant.custom_domain,
        tenant.name,
        tenant.status,
        tenant.schema_name,
        tenant.tenant_url,
    )
