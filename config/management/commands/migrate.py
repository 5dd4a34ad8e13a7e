"""`manage.py migrate`: the registry, then every tenant that is behind, one transaction each.

Then the staff tenant, and what an empty installation needs next.
"""

import sys
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import Error

from config.checks import CREATE_STAFF, staff_can_sign_in
from tenants import lifecycle, schemas
from tenants.backend.base import PUBLIC
from tenants.management.kit import HouseCommand

# With one of these every tenant is asked.
_SPECIAL: Final = ("app_label", "fake", "fake_initial", "plan", "prune")


class Command(HouseCommand, migrate.Command):
    help = (
        "Migrate the registry and all tenants. A tenant that fails stays as it was, the others go "
        "on, and the failures are listed at the end."
    )
    requires_system_checks = "__all__"
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
        self._migrate(schema or PUBLIC, options)
        if schema:
            return
        is_special = any(options[name] for name in _SPECIAL)
        tried = [
            self._try(tenant, options) for tenant in self._tenants(options, is_special=is_special)
        ]
        failures = [failure for failure in tried if failure]
        if failures:
            raise CommandError("Not migrated:\n" + "\n".join(failures))
        if is_special or options["check_unapplied"]:
            return
        lifecycle.create_operator_tenant()
        if options["verbosity"] and not staff_can_sign_in():
            self.stdout.write("Next, create the first staff account:")
            self.stdout.write(f"  {CREATE_STAFF}")

    def _tenants(self, options: dict[str, Any], *, is_special: bool) -> list[str]:
        """The schemas to migrate after the registry. Ends the program with 1 for --check."""
        if is_special:
            return schemas.tenants()
        behind = schemas.behind()
        if options["check_unapplied"] and behind:
            sys.exit(1)
        return behind

    def _try(self, schema: str, options: dict[str, Any]) -> str | None:
        """None when the schema was migrated, else what happened."""
        try:
            self._migrate(schema, options)
        except (CommandError, Error) as error:
            return f"  {schema}: {error}".rstrip()
        return None

    def _migrate(self, schema: str, options: dict[str, Any]) -> None:
        verbosity = options["verbosity"]
        if options["plan"] or (verbosity and not options["check_unapplied"]):
            self.stdout.write(self.style.MIGRATE_HEADING(f"Schema {schema}:"))
        if schema != PUBLIC:
            verbosity = max(verbosity - 1, 0)  # else a thousand tenants say the same
        with schemas.alone(schema):
            super().handle(**{**options, "verbosity": verbosity})
