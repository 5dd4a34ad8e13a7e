"""`manage.py user import`: users from a file."""

import os
from argparse import ArgumentTypeError
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from accounts.actions.performing import note
from accounts.management.administration import TenantCommand
from scim.importing import files, processes, users
from scim.importing.users import Done, Run
from scim.provider.tables import UnreadableFileError
from tenants.current import in_public, in_tenant
from tenants.models import Tenant, UserIndexing
from tenants.words import counted

_MOST_PROCESSES: Final = 16


def _number_of_processes(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _MOST_PROCESSES:
        raise ArgumentTypeError(f"must be 1 to {_MOST_PROCESSES}")
    return number


@dataclass(slots=True)
class _Total:
    """The sum of the pieces so far; `failure` is the first."""

    created: int = 0
    refused: int = 0
    passed_over: int = 0
    failure: str = ""


class Import(TenantCommand):
    help = (
        "Create users from a file by the rules of POST /Users: one SCIM user in JSON a line, or a"
        " table (.csv) whose columns are named by the paths of attributes. Lines that are refused are"
        " named on standard output, with the reason; the others stay."
    )
    examples = (
        "manage.py user import acme users.ndjson",
        "manage.py user import acme users.csv",
        "manage.py user import acme users.csv --resume",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "file",
            type=Path,
            help="One SCIM user (RFC 7643 §4.1) a line; or a .csv with columns such as userName,"
            ' externalId, name.familyName and emails[type eq "work"].value.',
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="Pass over what an earlier run of the same file has done, however it ended.",
        )
        parser.add_argument(
            "--processes",
            type=_number_of_processes,
            metavar="N",
            help="Work with so many processes, by default one a processor and at most 4.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        path: Path = options["file"]
        try:
            columns = files.columns(path, users.user_type(tenant))
            pieces = sum(1 for _ in files.pieces(path, columns))
            run = Run(tenant, self.actor.name, files.digest(path), options["resume"])
            count = min(options["processes"] or _processors(), max(pieces, 1))
            results = processes.create(run, files.pieces(path, columns), count)
            shown = self.progress(results, f"Pieces of {files.PIECE} users", pieces)
            self._finish(run, path, self._total(shown))
        except OSError as error:
            raise CommandError(f"{path} cannot be read.") from error
        except UnreadableFileError as error:
            raise CommandError(f"{path}: {error}") from error

    def _total(self, results: Iterable[Done]) -> _Total:
        """The sum of all pieces; refusals are named as they come."""
        total = _Total()
        for done in results:
            for each in done.refused:
                self.stdout.write(f"line {each.number}: {each.said}")
            total.created += done.created
            total.refused += len(done.refused)
            total.passed_over += done.passed_over
            total.failure = total.failure or done.failure
        return total

    def _finish(self, run: Run, path: Path, total: _Total) -> None:
        """Tell of the import, in the audit log too. Raises CommandError unless all were created."""
        with in_tenant(run.tenant):
            details = {"created": total.created, "refused": total.refused}
            note(self.actor, run.tenant, "users imported", path.name, details)
        with in_public():  # the search over all tenants has news
            UserIndexing.objects.filter(tenant=run.tenant).update(looked_at=None)
        if total.passed_over:
            self.note(
                f"{counted(total.passed_over, 'line was', 'lines were')} done by an earlier run."
            )
        self.note(f"{counted(total.created, 'user')} of {run.tenant.custom_domain} created.")
        if total.failure:
            raise CommandError(f"The import ended early ({total.failure}). Go on with --resume.")
        if total.refused:
            raise CommandError(f"{counted(total.refused, 'line was', 'lines were')} refused.")


def _processors() -> int:
    return min(len(os.sched_getaffinity(0)), 4)
