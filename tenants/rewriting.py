"""The right to change and remove rows of append-only tables, for the length of one transaction.

Nobody has it otherwise, the owner of the tables included (decision 0005). Here the owner gives it to
itself and takes it back before the transaction ends, so that no other transaction ever sees it. A role
that serves requests and owns nothing cannot.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import sql

_IS_OWNER = """
SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'public.tenants_tenant'::regclass
"""


def is_permitted() -> bool:
    """True if the connection's role is the owner of the tables, or a member of it."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_OWNER)
        return bool(cursor.fetchone()[0])


@contextmanager
def rewriting(*tables: str) -> Iterator[None]:
    """Let the current tenant's tables be changed inside; a savepoint, in a transaction of the caller's.

    Of two callers in one tenant the second one waits or fails: hold a lock that keeps them apart.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, tables))
    with transaction.atomic():
        _execute(sql.SQL("GRANT UPDATE, DELETE ON {} TO CURRENT_USER").format(names))
        yield
        _execute(sql.SQL("REVOKE UPDATE, DELETE ON {} FROM CURRENT_USER").format(names))


def _execute(statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
