"""The one door to a tenant's schema outside of a transaction: for building and dropping indexes.

`CREATE INDEX CONCURRENTLY` and its like hold off no writer and therefore cannot be part of a
transaction. The backend refuses statements on a tenant's schema outside of one, because a session's
search path may be another tenant's. Here there is no search path: the statement names the schema,
on a connection of its own that is directed to public and closed afterwards, so nothing of a session
is left to anybody, behind a pooler neither.

PostgreSQL has such a statement wait for every transaction that uses the table, the caller's own
included: whoever calls this must hold no lock on the table that conflicts with the statement's.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection
from psycopg import sql

# In a process that serves requests, whose other statements have ten: below the 45 seconds in which
# the answer must be there. Commands have no limit.
LIMIT: Final = "30s"
_LIMITS: Final = ("statement_timeout", "lock_timeout")


def execute(statement: sql.Composed) -> None:
    """Execute one statement that names its schema. Raises django.db.Error.

    The caller's transaction, which waits meanwhile, is not ended for idling.
    """
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    own = connection.copy()
    own.settings_dict["LIMITS"] = _patient(own.settings_dict.get("LIMITS", {}))
    try:
        with own.cursor() as cursor:
            cursor.execute(statement)
    finally:
        own.close()


def _patient(limits: Mapping[str, str]) -> dict[str, str]:
    """The time limits of the process, with those raised that would end the statement."""
    return {name: LIMIT if name in _LIMITS else value for name, value in limits.items()}
