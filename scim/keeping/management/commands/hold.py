"""`manage.py hold`: legal holds, under which nothing is pruned or erased."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.management.administration import AdministrativeCommand, TenantCommand
from scim.keeping import retention
from tenants.current import in_public
from tenants.management.kit import Group, minute
from tenants.models import LegalHold, Tenant


class HoldCommand(TenantCommand):
    """A command about the hold on a tenant, or on one of its users."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", type=UUID, metavar="ID", help="One user, by its SCIM id.")


class Set(HoldCommand):
    help = "Put a tenant, or one of its users, under legal hold."
    examples = ('manage.py hold set acme --reason "Case 2026-114"',)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="One line, such as a case number.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        hold = retention.set_hold(self.actor, tenant, options["user"], options["reason"])
        self.note(f"{tenant}: legal hold on {hold}.")


class Lift(HoldCommand):
    help = "Lift the legal hold on a tenant, or on one of its users."
    examples = ("manage.py hold lift acme",)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        retention.lift_hold(self.actor, tenant, options["user"])
        self.note(f"{tenant}: the legal hold is lifted.")


class List(AdministrativeCommand):
    help = "List the legal holds in force."
    examples = ("manage.py hold list", "manage.py hold list --json")
    columns = {"custom domain": str, "user": str, "reason": str, "set": minute, "set by": str}

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            found = LegalHold.objects.filter(lifted_at=None).select_related("tenant")
            rows = [_row(hold) for hold in found.order_by("tenant__custom_domain", "set_at", "pk")]
        self.print_list(rows, options)


def _row(hold: LegalHold) -> tuple[Any, ...]:
    user = hold.user_id or "all"
    return hold.tenant.custom_domain, user, hold.reason, hold.set_at, hold.set_by


class Command(Group):
    help = "Legal holds, under which nothing is pruned or erased."
    verbs = {"set": Set, "lift": Lift, "list": List}
