"""`manage.py placement`: the nodes of a Citus cluster that hold the tenants' rows."""

from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import Error

from accounts.actions.placing import catch_up, move_tenant
from accounts.management.administration import AdministrativeCommand, TenantCommand
from tenants import placement
from tenants.current import in_public
from tenants.management.kit import Group
from tenants.models import Tenant
from tenants.outages import first_line

ONE_SERVER: Final = "The database is one server, without Citus: it holds every tenant."


class List(AdministrativeCommand):
    help = "List the tenants with the node of the database that holds each, and whether it answers."
    examples = ("manage.py placement list", "manage.py placement list --json")
    columns = {"custom domain": str, "schema": str, "node": str, "answers": str}

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            tenants = list(Tenant.objects.all())
            nodes, places = placement.nodes(), placement.places()
        if not nodes:
            self.note(ONE_SERVER)
        rows = []
        for tenant in tenants:
            node = places.get(tenant.schema_name, placement.COORDINATOR)
            answers = "yes" if nodes.get(node, True) else "no"
            rows.append((tenant.custom_domain, tenant.schema_name, node, answers))
        self.print_list(rows, options)


class Move(TenantCommand):
    help = "Move a tenant to another worker of the cluster, while it is served."
    examples = ("manage.py placement move acme db2.internal:5432",)
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("node", metavar="HOST:PORT", help="The worker.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_public():
            is_one_server = not placement.nodes()
        if is_one_server:
            self.note(f"{ONE_SERVER} Nothing to do.")
            return
        node = options["node"]
        try:
            with self.waiting("Moving the tenant"):
                is_moved = move_tenant(self.actor, tenant, node)
        except Error as error:
            raise CommandError(f"{tenant} was not moved: {first_line(error)}.") from error
        if is_moved:
            self.note(f"{tenant} is on {node}.")
        else:
            self.note(
                f"{tenant} was on {node} already; the rights of its tables are as they must be."
            )


class CatchUp(AdministrativeCommand):
    help = (
        "Have the numbers of all tenants' rows go on behind those that there are: for a coordinator that was"
        " restored to an earlier moment than its workers."
    )
    examples = ("manage.py placement catch-up",)
    as_owner = True

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            tenants = list(Tenant.objects.all())
        reached = self.reachable(tenants)
        advanced = 0
        for tenant in self.progress(reached, "Tenants", len(reached)):
            tables = catch_up(self.actor, tenant)
            advanced += len(tables)
            for table in tables:
                self.note(f"{tenant}: {table} goes on behind its rows.")
        if not advanced:
            self.note("All numbers go on behind the rows that there are: nothing to do.")


class Command(Group):
    help = "The nodes of a Citus cluster that hold the tenants' rows."
    verbs = {"list": List, "move": Move, "catch-up": CatchUp}
