"""The two logins at the database: one serves, the other owns what it holds and changes tables.

MIGRATION_DATABASE_URL is the owner's, direct and not through a pooler. Without it the login that serves
is the owner too. Only commands that no request reaches take it (`as_owner` in tenants.management.kit).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, connections


@contextmanager
def as_owner() -> Iterator[None]:
    """Connect as the owner meanwhile, if it has a login of its own; closes the present connection."""
    owner = settings.OWNER_DATABASE
    if owner is None:
        yield
        return
    present = connections.settings[connection.alias]
    former = dict(present)
    connection.close()
    present.update(owner)
    try:
        yield
    finally:
        connection.close()
        present.clear()
        present.update(former)
