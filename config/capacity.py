"""The number of connections that serving opens, and the room that PostgreSQL has for them.

Each thread of each worker process keeps one (decision 0008), and the process opens one now and then
for what its background threads write (config.flushing). Beyond the room PostgreSQL refuses, now
and then and to whoever comes last, so what is too much is refused before anything is served.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

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
