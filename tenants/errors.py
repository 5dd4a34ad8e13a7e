"""What cannot be done to tenants and their names, and what the database asks to do again."""

from typing import Final

from django.db import DatabaseError

# Of transactions that could not go on beside each other PostgreSQL ends one: deadlock_detected and
# serialization_failure. It has changed nothing and may succeed when it begins again.
_CONFLICTS: Final = frozenset({"40P01", "40001"})
_CANCELED: Final = "57014"


class TenantRefused(ValueError):
    """A tenant or name cannot be had as asked; the message is a sentence for whoever asked."""


def is_conflict(error: Exception) -> bool:
    """True if PostgreSQL ended the transaction in favor of another one."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    return getattr(cause, "sqlstate", None) in _CONFLICTS


def is_overtime(error: Exception) -> bool:
    """True if PostgreSQL ended a statement because it took longer than statement_timeout.

    An operator who cancels a statement has the same SQLSTATE, so the message decides; on a server
    with messages in another language than English both are an outage.
    """
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    if getattr(cause, "sqlstate", None) != _CANCELED:
        return False
    return "statement timeout" in (cause.diag.message_primary or "")  # type: ignore[union-attr]  # psycopg's
