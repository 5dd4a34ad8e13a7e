#!/usr/bin/env python
"""Django's command line; without DATABASE_URL it has the embedded PostgreSQL run meanwhile."""

import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from django.core.management import execute_from_command_line

from config import embedded, environment

_NEEDS_NO_DATABASE: Final = frozenset({"help", "version", "--help", "-h", "--version"})


def main() -> None:
    """Runs the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # As Ctrl-C does, SIGTERM unwinds, so that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with database_server(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (embedded.EmbeddedServerError, environment.EnvironmentVariableError) as error:
        sys.exit(f"{error}")


def database_server(arguments: list[str]) -> AbstractContextManager[None]:
    """Keeps the embedded PostgreSQL running for a command that needs it."""
    if environment.database_url() or not arguments or arguments[0] in _NEEDS_NO_DATABASE:
        return nullcontext()
    return embedded.running(environment.data_dir())


if __name__ == "__main__":
    main()
