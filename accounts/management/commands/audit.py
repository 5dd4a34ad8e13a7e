"""`manage.py audit`: the audit logs."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import audit, audit_heads
from accounts.management.administration import AdministrativeCommand, get_tenant
from tenants import schemas
from tenants.current import in_tenant
from tenants.management.kit import Group
from tenants.models import Tenant


class Verify(AdministrativeCommand):
    help = "Verify the hash chain of a tenant's audit log, or of all, and that its noted heads are there."
    examples = ("manage.py audit verify acme", "manage.py audit verify --all --json")
    alias = "verify_audit"
    columns = {"tenant": str, "intact": str, "first broken": str, "missing": str}  # of --json

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("custom_domain", nargs="?", metavar="tenant")
        which.add_argument("--all", action="store_true", help="Every tenant, staff included.")
        parser.add_argument(
            "--heads",
            type=Path,
            metavar="FILE",
            help="What `audit heads --json` printed once: newer entries that are gone are found.",
        )

    def perform(self, options: dict[str, Any]) -> None:
        named = options["custom_domain"]
        heads = [audit_heads.noted(), _exported(options["heads"])]
        verdicts = []
        found = schemas.reachable([get_tenant(named)] if named else Tenant.objects.all())
        for tenant in found.tenants:
            domain, first_broken = tenant.custom_domain, self._first_broken(tenant)
            told = [head for each in heads for head in each.get(tenant.pk, [])]
            missing = audit_heads.first_missing(tenant, told)
            gone = missing.entry_id if missing else None
            verdicts.append((domain, first_broken is None and not missing, first_broken, gone))
            if not options["json"]:
                self.stdout.write(f"{domain}: {_verdict(first_broken, gone)}")
        if options["json"]:
            self.print_list(verdicts, options)
        broken = [domain for domain, is_intact, *_ in verdicts if not is_intact]
        if broken:
            raise CommandError(f"Tampered audit logs: {', '.join(broken)}.")
        if found.silent:
            unseen = ", ".join(tenant.custom_domain for tenant in found.silent)
            raise CommandError(
                f"Not verified, their node of the database does not answer: {unseen}."
            )

    def _first_broken(self, tenant: Tenant) -> int | None:
        with in_tenant(tenant):
            return audit.verify_chain(
                partial(self.progress, what=f"Entries of {tenant.custom_domain}")
            )


class Heads(AdministrativeCommand):
    help = (
        "List the newest entry of each tenant's audit log: kept elsewhere, it shows with `audit verify"
        " --heads` that entries were removed."
    )
    examples = ("manage.py audit heads --json",)
    columns = {"tenant": str, "id": str, "entry": str, "hash": str}

    def perform(self, options: dict[str, Any]) -> None:
        tenants = self.reachable(Tenant.objects.all())
        found = ((tenant, audit_heads.head_of(tenant)) for tenant in tenants)
        rows = [
            (tenant.custom_domain, head.tenant_id, head.entry_id, head.hash.hex())
            for tenant, head in found
            if head
        ]
        self.print_list(rows, options)


def _exported(path: Path | None) -> audit_heads.Heads:
    if path is None:
        return {}
    try:
        return audit_heads.read_export(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not what `audit heads --json` prints.") from error


def _verdict(first_broken: int | None, missing: int | None) -> str:
    if first_broken is not None:
        return f"broken at entry {first_broken}"
    return f"entry {missing} is missing, which was the newest once" if missing else "intact"


class Command(Group):
    help = "The audit logs."
    verbs = {"verify": Verify, "heads": Heads}
