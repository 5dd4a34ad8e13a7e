"""`manage.py user`: a tenant's provisioned users."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser
from django.db import Error

from accounts.actions.performing import note
from accounts.management.administration import TenantCommand
from scim.importing import users
from scim.importing.users import Line
from scim.provider.requester import Requester
from tenants.current import in_tenant
from tenants.management.kit import Group
from tenants.models import Tenant


class Import(TenantCommand):
    help = (
        "Create users from a file with one SCIM user in JSON a line, by the rules of POST /Users. "
        "Lines that are refused are named on standard output, with the reason; the others stay."
    )
    examples = (
        "manage.py user import acme users.ndjson",
        "manage.py user import acme users.ndjson --start-at 12001",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="One SCIM user (RFC 7643 §4.1) a line.")
        parser.add_argument(
            "--start-at", type=int, default=1, metavar="LINE", help="Pass over the lines before."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        try:
            with options["file"].open("rb") as file:
                total = sum(1 for _ in users.pieces(file, options["start_at"]))
                file.seek(0)
                created, refused = self._create(tenant, file, options["start_at"], total)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read.") from error
        with in_tenant(tenant):
            details = {"created": created, "refused": refused}
            note(self.actor, tenant, "users imported", options["file"].name, details)
        self.note(f"{created:,} users of {tenant.custom_domain} created.")
        if refused:
            raise CommandError(f"{refused:,} lines were refused.")

    def _create(self, tenant: Tenant, file: IO[bytes], start: int, total: int) -> tuple[int, int]:
        """The number of users that were created, and of lines that were refused."""
        requester = Requester(
            tenant_url=tenant.tenant_url,
            request_id=f"import-{uuid4().hex[:16]}",
            name=self.actor.name,
        )
        created = refused = 0
        for piece in self._pieces(file, start, total):
            try:
                failures = users.create(tenant, piece, requester)
            except Error as error:
                at = piece[0].number
                raise CommandError(
                    f"The database failed. {created:,} users are created; go on with --start-at {at}."
                ) from error
            for each in failures:
                kind = f"{each.error.status} {each.error.scim_type or ''}".rstrip()
                self.stdout.write(f"line {each.line.number}: {kind}: {each.error.detail}")
            refused += len(failures)
            created += len(piece) - len(failures)
        return created, refused

    def _pieces(self, file: IO[bytes], start: int, total: int) -> Iterator[list[Line]]:
        return self.progress(users.pieces(file, start), f"Pieces of {users.PIECE} users", total)


class Command(Group):
    help = "The provisioned users of a tenant."
    verbs = {"import": Import}
