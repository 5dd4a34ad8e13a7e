"""What tests need of the database: its statements, and tenants whose rows are really committed."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tenants import lifecycle
from tenants.current import in_public, in_tenant
from tenants.models import Tenant

_TRANSACTIONAL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is executed inside, but for what only opens, directs and ends transactions."""
    executed: list[str] = []

    def note(execute, sql, params, many, context):
        if not str(sql).lstrip().upper().startswith(_TRANSACTIONAL):
            executed.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield executed


def contents(tenant: Tenant) -> dict[str, list[str]]:
    """Every row of every table of a tenant's schema, as text, by table."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [tenant.schema_name]
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def present_or_created(custom_domain: str, name: str) -> Tenant:
    """The tenant with that custom domain."""
    with in_public():
        present = Tenant.objects.filter(custom_domain=custom_domain).first()
    return present or lifecycle.create_tenant(custom_domain, name)


def drop(tenant: Tenant) -> None:
    """Remove a tenant with its schema."""
    with in_public():
        tenant.delete(force_drop=True)


def cut(victim: Any) -> None:
    """Break the line to PostgreSQL, as a restart of it or of a router does."""
    with socket.socket(fileno=os.dup(victim.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
