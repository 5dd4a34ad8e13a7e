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
    examples = ("manage.py audit verify acme", "manage.py audit verify --all --json")
    alias = "verify_audit"
    columns = {"tenant": str, "intact": str, "first broken": str}  # of --json

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("custom_domain", nargs="?", metavar="tenant")
        which.add_argument("--all", action="store_true", help="Every tenant, staff included.")

    def perform(self, options: dict[str, Any]) -> None:
        named = options["custom_domain"]
        verdicts = []
        for tenant in [get_tenant(named)] if named else Tenant.objects.all():
            domain, first_broken = tenant.custom_domain, self._first_broken(tenant)
            verdicts.append((domain, first_broken is None, first_broken))
            if not options["json"]:
                found = f"broken at entry {first_broken}" if first_broken else "intact"
                self.stdout.write(f"{domain}: {found}")
        if options["json"]:
            self.print_list(verdicts, options)
        broken = [domain for domain, is_intact, _ in verdicts if not is_intact]
        if broken:
            raise CommandError(f"Tampered audit logs: {', '.join(broken)}.")

    def _first_broken(self, tenant: Tenant) -> int | None:
        with in_tenant(tenant):
            return audit.verify_chain(
                partial(self.progress, what=f"Entries of {tenant.custom_domain}")
            )


class Command(Group):
    help = "The audit logs."
    verbs = {"verify": Verify}
