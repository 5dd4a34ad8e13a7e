"""Django's command line with the commands that are ours.

Libraries bring commands that write around the audit log, empty tables or know nothing of tenants. They
are in no help, and who calls one reads which command does it here.
"""

from collections import defaultdict
from itertools import chain
from typing import Final

from django.core.management import BaseCommand, ManagementUtility, get_commands

_NO_FIXTURES: Final = "Back a database up with pg_dump and restore it with pg_restore."
_EVERY_TENANT: Final = "Commands of ours know the tenants: `manage.py help` lists them, and those that take one name it."
# By name: the sentence that a person reads instead.
REFUSED: Final = {
    # django.contrib.auth: accounts are made and changed by audited acts.
    "changepassword": "Use `manage.py set_password <tenant> <e-mail>`.",
    "createsuperuser": "Use `manage.py create_staff <e-mail>`.",
    # django_tenants: tenants are made, suspended and named by audited acts.
    "all_tenants_command": _EVERY_TENANT,
    "tenant_command": _EVERY_TENANT,
    "clone_tenant": "Use `manage.py create_tenant`: a tenant's data belong to one tenant.",
    "create_domain": "Use `manage.py add_host <tenant> <host name>`.",
    "create_missing_schemas": "Use `manage.py create_tenant`, which makes row and schema together.",
    "create_tenant_superuser": "Use `manage.py create_account <tenant> <e-mail> --role admin`.",
    "delete_domain": "Use `manage.py remove_host <tenant> <host name>`.",
    "delete_tenant": "Use `manage.py suspend_tenant <tenant>`: its data stay, and nobody is served.",
    "migrate_schemas": "Use `manage.py migrate`.",
    "rename_schema": "A tenant keeps its schema; for another host name use `manage.py add_host`.",
    # Rows around every act, constraint of history and log.
    "dumpdata": _NO_FIXTURES,
    "flush": "Nothing here empties a database. For a new one, use PostgreSQL's dropdb and createdb.",
    "loaddata": _NO_FIXTURES,
    "remove_stale_contenttypes": "Migrations keep the content types.",
    "sqlflush": "Nothing here empties a database. For a new one, use PostgreSQL's dropdb and createdb.",
    "sqlsequencereset": "Sequences are PostgreSQL's own: nothing resets them.",
    "createcachetable": "Nothing is cached in the database.",
    "diffsettings": "It would print every secret: README.md says what each setting is.",
    # What make, gunicorn and whitenoise do here.
    "collectstatic": "Not needed: static files are served from where they are.",
    "collectstatic_schemas": "Not needed: static files are served from where they are.",
    "generateschema": "Use `make docs`, which writes docs/openapi.yaml.",
    "runserver": "Use `make run`, or `gunicorn config.wsgi -c config/gunicorn.py`.",
    "test": "Use `make test`.",
    "testserver": "Use `make run`.",
}


class CommandLine(ManagementUtility):
    """`manage.py`, without those commands."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """The command. Raises SystemExit with a sentence for one that is refused."""
        if subcommand in REFUSED:
            raise SystemExit(f"{subcommand} is no command here. {REFUSED[subcommand]}")
        return super().fetch_command(subcommand)

    def main_help_text(self, commands_only: bool = False) -> str:  # noqa: FBT001, FBT002  # Django's signature
        """The names of the commands, below those of the apps that bring them."""
        apps: dict[str, list[str]] = defaultdict(list)
        for name, app in sorted(get_commands().items()):
            if name not in REFUSED:
                apps[app.removesuffix(".core").rpartition(".")[2]].append(name)
        if commands_only:
            return "\n".join(sorted(chain.from_iterable(apps.values())))
        lines = [f"Type '{self.prog_name} help <command>' for help on one of these.", ""]
        for app, names in sorted(apps.items()):
            lines += [f"[{app}]", *(f"    {name}" for name in names), ""]
        if self.settings_exception is not None:
            lines.append(
                f"Only Django's own are listed, for want of settings: {self.settings_exception}"
            )
        return "\n".join(lines).rstrip()
