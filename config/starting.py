"""The checks before gunicorn's master serves: a start that cannot work ends with one line.

The workers would meet the same later, each with a traceback, and again after each restart. Then the
master loads the application, which the workers that it forks have at once (decision 0072).

Connections are counted too. Each worker process keeps one for each of its threads, and one more for what
its background threads write (decision 0160, config.flushing). Beyond its room PostgreSQL refuses, now and
then and to whoever comes last, so too many are refused here.
"""

import gc
import logging
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from config.environment import EnvironmentVariableError

BACKGROUND: Final = 1  # of each process
# Kept free for the delivery worker, timers, migrations and commands, probes and a person at a prompt.
OTHERS: Final = 10
_UNLIMITED: Final = -1  # PostgreSQL's word for a role or database without a limit of its own

# The last of the reserved ones came with PostgreSQL 16.
_ASK: Final = """
SELECT pg_backend_pid(), rolconnlimit, datconnlimit,
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0)
FROM pg_roles CROSS JOIN pg_database
WHERE rolname = current_user AND datname = current_database()
"""

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """The worker processes and threads that serve."""

    processes: int
    threads: int  # of each process

    @property
    def connections(self) -> int:
        """The number of connections that PostgreSQL has to allow."""
        return self.processes * self._of_process + OTHERS

    @property
    def _of_process(self) -> int:
        return self.threads + BACKGROUND

    def why_too_many(self, room: int) -> str:
        """A sentence with the remedy when the room does not suffice, else empty."""
        if self.connections <= room:
            return ""
        most = (room - OTHERS) // self._of_process
        remedy = f"Set WEB_CONCURRENCY to {most} at most, or raise" if most > 0 else "Raise"
        return (
            f"PostgreSQL allows {room} connections, and {self.connections} are needed: "
            f"{self._of_process} for each of {self.processes} worker processes, and {OTHERS} for everything "
            f"else. {remedy} max_connections."
        )


def room() -> int | None:
    """The number of connections our role may open; None behind a pooler, which shares few.

    For a connection that is directed to the registry. Raises what the database raises.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK)
        process, *limits = cursor.fetchone()
    session: Any = connection.connection
    if session.info.backend_pid != process:  # a pooler answers with a process id of its own making
        return None
    allowed: int = min(limit for limit in limits if limit != _UNLIMITED)
    return allowed


def look(serving: Serving, address: str = "") -> None:
    """Read the settings and ask the database; with an address, log how it is going to be served.

    Raises SystemExit; the reason has been printed.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        django.setup()
        problem = _ask_database(serving, address)
    except (EnvironmentVariableError, ImproperlyConfigured) as mistake:
        problem = str(mistake)
    if problem:
        print(problem, file=sys.stderr, flush=True)  # noqa: T201  # for the person who starts it
        sys.exit(1)


def load() -> None:
    """Load the application; what is loaded now is shared by all workers, and never looked through
    for garbage.
    """
    import_module("config.wsgi")  # needs Django's settings
    gc.collect()
    gc.freeze()


def _ask_database(serving: Serving, address: str) -> str:
    """The reason why serving cannot begin; empty also while a server may yet start."""
    try:
        allowed = room()
    except OperationalError as error:
        if not settings.DATABASE_URL:
            return (
                f"DATABASE_URL is not set, and the embedded PostgreSQL of {settings.DATA_DIR} does "
                "not run: set it, or start with `manage.py up`."
            )
        extra = {"error": type(error).__name__, "reason": str(error).strip()}  # libpq's, no secret
        _logger.warning("The database does not answer yet: requests wait for it.", extra=extra)
        return ""
    finally:
        connection.close()
    problem = "" if allowed is None else serving.why_too_many(allowed)
    if address and not problem:
        _logger.info("Starting.", extra=_described(serving, address, allowed))
    return problem


def _described(serving: Serving, address: str, allowed: int | None) -> dict[str, Any]:
    return {
        "address": address,
        "processes": serving.processes,
        "threads": serving.threads,
        "connections": serving.connections,
        "connections_allowed": allowed,
    }
