"""Django's command line with the commands that are ours.

Libraries bring commands that write around the audit log, empty tables or know nothing of tenants. They
are in no help, and calling one says which command to use instead.

The verb of a group (`token mint`) goes on answering to the name that it had before there were groups.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from textwrap import fill
from typing import Final

from django.core.management import (
    BaseCommand,
    ManagementUtility,
    get_commands,
    load_command_class,
)

from tenants.management.kit import Group, HouseCommand

_NO_FIXTURES: Final = "Back a database up with pg_dump and restore it with pg_restore."
_EVERY_TENANT: Final = "Commands of ours know the tenants: `manage.py help` lists them, and those that take one name it."
# By name: the sentence that a person reads instead.
REFUSED: Final = {
    # django.contrib.auth: accounts are made and changed by audited actions.
    "changepassword": "Use `manage.py account set-password <tenant> <e-mail>`.",
    "createsuperuser": "Use `manage.py account create-staff <e-mail>`.",
    # django_tenants: tenants are made, suspended and named by audited actions.
    "all_tenants_command": _EVERY_TENANT,
    "tenant_command": _EVERY_TENANT,
    "clone_tenant": "Use `manage.py tenant create`: a tenant's data belong to one tenant.",
    "create_domain": "Use `manage.py tenant add-host <tenant> <host name>`.",
    "create_missing_schemas": "Use `manage.py tenant create`, which makes row and schema together.",
    "create_tenant_superuser": "Use `manage.py account create <tenant> <e-mail> --role admin`.",
    "delete_domain": "Use `manage.py tenant remove-host <tenant> <host name>`.",
    "delete_tenant": "Use `manage.py tenant suspend <tenant>`: its data stay, and nobody is served.",
    "migrate_schemas": "Use `manage.py migrate`.",
    "rename_schema": "A tenant keeps its schema; for another host name use `manage.py tenant add-host`.",
    # Rows around every action, constraint of history and log.
    "dumpdata": _NO_FIXTURES,
    "flush": "Nothing here empties a database. For a new one, use PostgreSQL's dropdb and createdb.",
    "loaddata": _NO_FIXTURES,
    "remove_stale_contenttypes": "Migrations keep the content types.",
    "sqlflush": "Nothing here empties a database. For a new one, use PostgreSQL's dropdb and createdb.",
    "sqlsequencereset": "Sequences are PostgreSQL's own: nothing resets them.",
    "createcachetable": "Nothing is cached in the database.",
    "diffsettings": "It would print every secret: use `manage.py settings`.",
    # Jobs of make, gunicorn and whitenoise here.
    "collectstatic": "Not needed: static files are served from where they are.",
    "collectstatic_schemas": "Not needed: static files are served from where they are.",
    "generateschema": "Use `make docs`, which writes docs/openapi.yaml.",
    "runserver": "Use `make run`, or `gunicorn config.wsgi -c config/gunicorn.py`.",
    "test": "Use `make test`.",
    "testserver": "Use `make run`.",
}


OURS: Final = frozenset({"accounts", "config", "scim", "tenants"})


def is_ours(name: str) -> bool:
    """True if an app of ours brings a command of that name."""
    return get_commands().get(name, "").partition(".")[0] in OURS


def groups() -> Iterator[tuple[str, Group]]:
    """The commands that have verbs, with their names; loads one at a time."""
    for name, app in sorted(get_commands().items(), key=itemgetter(1, 0)):
        if is_ours(name) and isinstance(group := load_command_class(app, name), Group):
            yield name, group


def former_names() -> Iterator[tuple[str, type[HouseCommand]]]:
    """The names that verbs had before there were groups, with the verb."""
    for _, group in groups():
        yield from ((verb.alias, verb) for verb in group.verbs.values() if verb.alias)


class CommandLine(ManagementUtility):
    """`manage.py`, without those commands."""

    def execute(self) -> None:
        """Run the command; `help token mint` is `token mint --help`."""
        if self.argv[1:2] == ["help"] and len(self.argv) > 3:
            self.argv = [self.argv[0], *self.argv[2:], "--help"]
        super().execute()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """The command. Raises SystemExit with a sentence for one that is refused."""
        if subcommand in REFUSED:
            raise SystemExit(f"{subcommand} is no command here. {REFUSED[subcommand]}")
        if not is_ours(subcommand):
            for name, verb in former_names():
                if name == subcommand:
                    return verb()
        return super().fetch_command(subcommand)

    def main_help_text(self, commands_only: bool = False) -> str:  # noqa: FBT001, FBT002  # Django's signature
        """The names of the commands, below those of the apps that bring them, with their verbs."""
        apps: dict[str, list[str]] = defaultdict(list)
        former = sorted(name for name, _ in former_names())
        for name, app in sorted(get_commands().items()):
            if name not in REFUSED and name not in former:
                apps[app.removesuffix(".core").rpartition(".")[2]].append(name)
        if commands_only:
            return "\n".join(sorted(chain.from_iterable(apps.values())))
        verbs = {name: ", ".join(group.verbs) for name, group in groups()}
        lines = [f"Type '{self.prog_name} help <command>' for help on one of these.", ""]
        for app, names in sorted(apps.items()):
            shown = [f"    {name:<8} {verbs.get(name, '')}".rstrip() for name in names]
            lines += [f"[{app}]", *shown, ""]
        if self.settings_exception is not None:
            lines.append(
                f"Only Django's own are listed, for want of settings: {self.settings_exception}"
            )
        else:
            lines.append(fill(f"Former names go on working: {', '.join(former)}.", 100))
        return "\n".join(lines).rstrip()
