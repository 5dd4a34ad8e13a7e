"""`manage.py audit`: the audit logs."""

from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit
from accounts.management.administration import AdministrativeCommand, get_tenant
from tenants.current import in_tenant
from tenants.management.kit import Group
from tenants.models import Tenant


class Verify(AdministrativeCommand):
    help = "Verify the hash chain of a tenant's audit log, or of all."
    examples = ("manage.py audit verify acme", "manage.py audit verify --all")
    alias = "verify_audit"

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
        said = partial(self.progress, what=f"Entries of {tenant.custom_domain}")
        with in_tenant(tenant):
            first_broken = audit.verify_chain(said)
        verdict = "intact" if first_broken is None else f"broken at entry {first_broken}"
        self.stdout.write(f"{tenant.custom_domain}: {verdict}")
        return first_broken is None


class Command(Group):
    help = "The audit logs."
    verbs = {"verify": Verify}
