"""`manage.py verify_audit acme` or `--all`: is the audit log as it was written?"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.management.administration import AdministrativeCommand, get_tenant
from tenants.current import in_tenant
from tenants.models import Tenant


class Command(AdministrativeCommand):
    help = "Verify the hash chain of a tenant's audit log, or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("custom_domain", nargs="?", metavar="tenant")
        which.add_argument("--all", action="store_true", help="Every tenant, staff included.")

    def perform(self, options: dict[str, Any]) -> None:
        named = options["custom_domain"]
        tenants = [get_tenant(named)] if named else list(Tenant.objects.all())
        broken = [tenant.custom_domain for tenant in tenants if not self._holds(tenant)]
        if broken:
            raise CommandError(f"Tampered audit logs: {', '.join(broken)}.")

    def _holds(self, tenant: Tenant) -> bool:
        with in_tenant(tenant):
            first_broken = audit.verify_chain()
        verdict = "intact" if first_broken is None else f"broken at entry {first_broken}"
        self.stdout.write(f"{tenant.custom_domain}: {verdict}")
        return first_broken is None
