"""What tests need of the database: its statements, and tenants whose rows are really committed."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tenants import lifecycle
from tenants.current import in_public
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
