"""`manage.py user erase`, `user erasures`: personal data of deleted users."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from accounts.management.administration import AdministrativeCommand, get_tenant
from scim.keeping import erasing
from tenants import rewriting
from tenants.current import in_public
from tenants.management.kit import minute
from tenants.models import Erasure, Tenant


class Erase(AdministrativeCommand):
    help = "Erase the personal data of a deleted user, or plan it; without one do what is due."
    examples = (
        'manage.py user erase acme 0199f6a4-8a5c-7d6e-b0a1-2f6d2c5e9b10 --reason "Request 2026-31"',
        "manage.py user erase",
    )
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", nargs="?", help="The custom domain; by default all.")
        parser.add_argument("id", nargs="?", type=UUID, help="The SCIM id of the user.")
        parser.add_argument("--reason", default="", help="One line, such as a case number.")
        parser.add_argument("--in-days", type=int, default=0, help="Not before so many days.")

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            if not rewriting.is_permitted():
                raise CommandError(
                    "Only the role that owns the tables may erase: name it in MIGRATION_DATABASE_URL."
                )
        named = [get_tenant(options["tenant"])] if options["tenant"] else []
        if options["id"]:
            asked = (options["id"], options["reason"], options["in_days"])
            planned = erasing.plan(self.actor, named[0], *asked)
            self.note(f"Planned after {planned.due_at:%Y-%m-%d %H:%M} UTC.")
        for _ in self.progress(_due(named or self.reachable(erasing.tenants_with_work())), "Users"):
            pass
        if options["id"]:
            planned.refresh_from_db()
            self.stdout.write(str(planned))


def _due(tenants: Iterable[Tenant]) -> Iterator[None]:
    for tenant in tenants:
        while erasing.advance(tenant):
            yield


class Erasures(AdministrativeCommand):
    help = "List the erasures of personal data, planned and done."
    examples = ("manage.py user erasures", "manage.py user erasures --json")
    columns = {
        "custom domain": str,
        "user": str,
        "reason": str,
        "asked by": str,
        "due": minute,
        "ended": minute,
        "outcome": str,
    }

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            found = Erasure.objects.select_related("tenant").order_by("asked_at", "pk")
            rows = [
                (
                    *(each.tenant.custom_domain, each.user_id, each.reason, each.asked_by),
                    *(each.due_at, each.ended_at, each.outcome or "planned"),
                )
                for each in found
            ]
        self.print_list(rows, options)
