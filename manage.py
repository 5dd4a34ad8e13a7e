#!/usr/bin/env python
"""Django's command line; without DATABASE_URL it has the embedded PostgreSQL run meanwhile."""

import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from psycopg.errors import InsufficientPrivilege, UndefinedTable

from config import commands, database, environment
from tenants.outages import is_outage

# `up` starts the server itself, after it has looked at the port.
_NEEDS_NO_DATABASE: Final = frozenset({"", "help", "version", "findstatic", "settings", "up"})
_ASKS_ONLY: Final = frozenset({"--help", "-h", "--version"})
# What a person can put right by reading the message.
_MISTAKES: Final = (
    database.EmbeddedServerError,
    environment.EnvironmentVariableError,
    ImproperlyConfigured,
)
# Of what the database refuses, what a person can put right.
_ADVICE: Final[dict[type | None, str]] = {
    UndefinedTable: "The database has no tables yet, or old ones: run `manage.py migrate` first.",
    InsufficientPrivilege: "The login lacks a right: run `manage.py migrate`; DATABASE_URL, or MIGRATION_DATABASE_URL if it is set, must own the database.",
}


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # As Ctrl-C does, SIGTERM unwinds, so that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with database_server(sys.argv[1:]):
            commands.CommandLine(sys.argv).execute()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except RuntimeError as error:
        # Python 3.11 wraps what a signal raises while a class is being made.
        if isinstance(error.__cause__, SystemExit | KeyboardInterrupt):
            sys.exit(getattr(error.__cause__, "code", 128 + signal.SIGINT))
        raise
    except _MISTAKES as error:
        sys.exit(str(error))
    except Error as error:
        advice = _ADVICE.get(type(error.__cause__))
        if advice is None and not is_outage(error):
            raise
        sys.exit(advice or f"The database does not answer: {error}".strip())


def database_server(arguments: list[str]) -> AbstractContextManager[None]:
    """Run the embedded PostgreSQL for a command that needs it."""
    command = next(iter(arguments), "")
    needs_none = command in (_NEEDS_NO_DATABASE | commands.REFUSED.keys()) or (
        command == "check" and not any(each.startswith("--database") for each in arguments)
    )
    if needs_none or not _ASKS_ONLY.isdisjoint(arguments):
        return nullcontext()
    if settings.DATABASE_URL:
        return nullcontext()
    from config.server import embedded  # never loaded in production

    return embedded.server_running()


if __name__ == "__main__":
    main()
