"""What cannot be done to tenants and their names, and what the database asks to do again."""

from typing import Final

from django.db import DatabaseError

# Of transactions that could not go on beside each other PostgreSQL ends one: deadlock_detected and
# serialization_failure. It has changed nothing and may succeed when it begins again.
_CONFLICTS: Final = frozenset({"40P01", "40001"})


class TenantRefused(ValueError):
    """A tenant or name cannot be had as asked; the message is a sentence for whoever asked."""


def is_conflict(error: Exception) -> bool:
    """True if PostgreSQL ended the transaction in favor of another one."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    return getattr(cause, "sqlstate", None) in _CONFLICTS
