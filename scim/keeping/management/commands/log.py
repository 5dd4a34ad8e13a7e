"""`manage.py log`: how long the log and the history of tenants are kept."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.administration import AdministrativeCommand, TenantCommand, get_tenant
from scim.keeping import pruning, retention
from tenants import rewriting
from tenants.current import in_public
from tenants.management.kit import Group, minute
from tenants.models import Retention, Tenant
from tenants.words import counted


class Prune(AdministrativeCommand):
    as_owner = True
    help = (
        "Remove what is older than the retention of each tenant; stopped, it goes on the next time."
    )
    examples = ("manage.py log prune", "manage.py log prune acme")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenants", nargs="*", help="Custom domains; by default those due.")

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            if not rewriting.is_permitted():
                raise CommandError(
                    "Only the role that owns the tables may prune: name it in MIGRATION_DATABASE_URL."
                )
        named = [get_tenant(name) for name in options["tenants"]]
        for tenant in named:
            pruning.begin(tenant)
        tenants = named or self.reachable(pruning.tenants_with_work())
        for _ in self.progress(_pieces(tenants), "Pieces of the log"):
            pass
        with in_public():
            runs = Retention.objects.filter(tenant__in=tenants).select_related("tenant")
            for run in runs.order_by("tenant__custom_domain"):
                self.stdout.write(f"{run.tenant.custom_domain}: {_told(run)}")


def _pieces(tenants: Iterable[Tenant]) -> Iterator[None]:
    for tenant in tenants:
        while pruning.advance(tenant):
            yield


def _told(run: Retention) -> str:
    """The result in a line."""
    if retention.held_users(run.tenant) is None:
        return "under legal hold, nothing removed."
    removed = [f"{count:,} {name}" for name, count in run.removed.items() if count]
    return f"{', '.join(removed) or 'nothing'} removed."


class Keep(TenantCommand):
    help = "Set how long the log and the history of a tenant are kept."
    examples = ("manage.py log keep acme --changes-months 25 --reads-days 14",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--changes-months", type=int, help="Of changes and their history.")
        parser.add_argument("--reads-days", type=int, help="Of reads, and of the bodies of all.")
        parser.add_argument(
            "--erase-after-days",
            type=int,
            help="Until deleted users are erased; 0: on request only.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_public():
            found = retention.of_tenant(tenant)
        months = options["changes_months"] or found.changes_months
        days = options["reads_days"] or found.reads_days
        given = options["erase_after_days"]
        erased = found.erase_after_days if given is None else given or None
        retention.change_retention(self.actor, tenant, months, days, erased)
        self.note(
            f"{tenant} keeps changes for {counted(months, 'month')}, reads and bodies for"
            f" {counted(days, 'day')}."
        )


class Kept(AdministrativeCommand):
    help = "List how long the logs of tenants are kept, and when they were pruned."
    examples = ("manage.py log kept", "manage.py log kept --json")
    columns = {
        "custom domain": str,
        "changes months": str,
        "reads days": str,
        "pruned": minute,
        "legal holds": str,
    }

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            rows = [_row(tenant) for tenant in Tenant.objects.select_related("retention")]
        self.print_list(rows, options)


def _row(tenant: Tenant) -> tuple[Any, ...]:
    found = retention.of_tenant(tenant)
    held = len(retention.holds(tenant))
    return tenant.custom_domain, found.changes_months, found.reads_days, found.pruned_at, held


class Command(Group):
    help = "How long the log and the history of tenants are kept."
    verbs = {"prune": Prune, "keep": Keep, "kept": Kept}
