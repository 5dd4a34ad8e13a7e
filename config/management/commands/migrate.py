"""`manage.py migrate`: the registry, then every tenant that is behind, one transaction each.

Then the staff tenant, and what an empty installation needs next.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeVar

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import Error, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory

from config.checks import CREATE_STAFF, staff_can_sign_in
from tenants import lifecycle, placement, roles, schemas
from tenants.backend.base import PUBLIC
from tenants.management.kit import HouseCommand
from tenants.outages import first_line
from tenants.recordings import Lacking

# With one of these every tenant is asked.
_SPECIAL: Final = ("app_label", "fake", "fake_initial", "plan", "prune")
_Turn = TypeVar("_Turn")


class NodesAwayError(CommandError):
    """No migration failed, but tenants lie on nodes of the database that do not answer."""


class Command(HouseCommand, migrate.Command):
    help = (
        "Migrate the registry and all tenants. A tenant that fails stays as it was, the others go "
        "on, and the failures are listed at the end."
    )
    requires_system_checks = (Tags.database,)  # the others load every page and endpoint
    as_owner = True
    examples = (
        "manage.py migrate",
        "manage.py migrate --check",
        "manage.py migrate --schema t_acme",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--schema", help="Migrate only that schema.")

    def handle(self, *_: Any, **options: Any) -> None:
        schema = options.pop("schema")
        is_special = any(options[name] for name in _SPECIAL)
        if schema or is_special or schemas.lacking([PUBLIC]):
            self._ask_django(schema or PUBLIC, options)
        elif options["verbosity"] and not options["check_unapplied"]:
            self.stdout.write("Schema public: no migrations to apply.")
        if schema:
            return
        if not options["check_unapplied"] and not options["plan"]:
            self._prepare_creation()
        names = schemas.tenants()
        asked = schemas.answering(names)
        silent = [name for name in names if name not in asked]
        if is_special:
            _report(
                self._failures(asked, lambda each: self._ask_django(each, options), asked), silent
            )
            return
        behind = schemas.lacking(asked)
        if options["check_unapplied"]:
            _report([], silent)
            if behind:
                sys.exit(1)
            return
        failures = self._catch_up(behind, options)
        failures += self._grant(asked)
        self._welcome(options)
        _report(failures, silent)

    def _prepare_creation(self) -> None:
        """Give the login that serves its rights in the registry, and the database the means to create tenants.

        Before the tenants are migrated: whoever creates one meanwhile makes it of this program.
        """
        login = roles.serving_login()
        if login is not None:
            roles.grant(login, PUBLIC)
        if (login is None and placement.is_sharded()) or roles.is_installed(login):
            return
        # What the last tenant lacks, which takes as long to find out, shows what a new one lacks, too.
        schemas.prepare(schemas.lacking(schemas.answering(schemas.tenants()[-1:])))
        with transaction.atomic():
            roles.install(login)

    def _grant(self, names: Collection[str]) -> list[str]:
        """Give the login that serves its rights in the schemas in which they differ; a line for each failure."""
        login = roles.serving_login()
        if login is None:
            return []
        unlike = roles.unlike(login, names)
        return self._failures(unlike, lambda each: roles.grant(login, each), unlike)

    def _welcome(self, options: dict[str, Any]) -> None:
        """Make the staff tenant, and name the step that an empty installation needs next."""
        lifecycle.create_operator_tenant()
        if options["verbosity"] and not staff_can_sign_in():
            self.stdout.write("Next, create the first staff account:")
            self.stdout.write(f"  {CREATE_STAFF}")

    def _catch_up(self, behind: Mapping[str, Lacking], options: dict[str, Any]) -> list[str]:
        """Migrate those schemas, whose tenants are served meanwhile; a line for each that failed."""

        def migrate(turn: schemas.Turn) -> None:
            if options["verbosity"]:
                self.stdout.write(self.style.MIGRATE_HEADING(f"Schema {turn.schema_name}:"))
            schemas.migrate_served(turn)

        schemas.prepare(behind)  # a second or two, which is no tenant's
        failures = self._failures(behind, migrate, schemas.turns(behind))
        if behind:
            schemas.wait_for_disk()
        return failures

    def _failures(
        self, names: Collection[str], migrate: Callable[[_Turn], None], turns: Iterable[_Turn]
    ) -> list[str]:
        """Take the turns, one for each of the schemas; a line for each that failed."""
        failures = []
        for name, turn in self.progress(zip(names, turns, strict=True), "Tenants", len(names)):
            try:
                migrate(turn)
            except (CommandError, Error, InconsistentMigrationHistory) as error:
                failures.append(f"  {name}: {first_line(error)}")
        return failures

    def _ask_django(self, schema: str, options: dict[str, Any]) -> None:
        verbosity = options["verbosity"]
        if options["plan"] or (verbosity and not options["check_unapplied"]):
            self.stdout.write(self.style.MIGRATE_HEADING(f"Schema {schema}:"))
        if schema != PUBLIC:
            verbosity = max(verbosity - 1, 0)  # else a thousand tenants say the same

        def at_once() -> None:
            with schemas.alone(schema):
                migrate.Command.handle(self, **{**options, "verbosity": verbosity})

        schemas.patiently(at_once)


def _report(failures: list[str], silent: Collection[str]) -> None:
    """Raise CommandError that names the schemas that failed, and those whose node does not answer."""
    away = [f"  {name}: its node of the database does not answer" for name in silent]
    if failures or away:
        kind = CommandError if failures else NodesAwayError
        raise kind("Not migrated:\n" + "\n".join([*away, *failures]))
