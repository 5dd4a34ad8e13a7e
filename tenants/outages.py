"""Errors that mean that the database is away or busy, so that the same request may succeed later.

The SQLSTATE decides, not psycopg's classes: it files a connection that PostgreSQL ended for waiting
too long in a transaction (25P03) under InternalError, with what only a bug can cause, and a
statement that is too complex (54001) under OperationalError, with outages. One outage has no SQLSTATE of
its own: to Citus a connection to a node that breaks within a command is an internal error.
"""

import re
from collections.abc import Iterator
from typing import Final

import django.db
import psycopg

# How a SQLSTATE begins (PostgreSQL, appendix A); two characters are a whole class.
OUTAGES: Final = {
    "08": "the connection cannot be made, or broke",
    "25006": "this server may only read: another one is taking over",
    "25P03": "the transaction was idle for too long; PostgreSQL ended the connection",
    "25P04": "the transaction took too long; PostgreSQL ended the connection",
    "40": "rolled back in favor of another transaction: a deadlock, say",
    "53": "disk, memory, connections or another resource is exhausted",
    "55006": "somebody else is using the object",
    "55P03": "a lock was not to be had in time",
    "57": "canceled after its time, or the server is shut down, starting or recovering",
    "58": "the operating system failed the server: reading or writing a file, say",
}
_INTERNAL: Final = "XX000"
# The messages of libpq and Citus 14 (remote_transaction.c) about a connection from node to node.
_NODE_LOST: Final = re.compile(
    r"server closed the connection|failure on connection marked as essential|no connection to the server"
    r"|connection not open|could not (?:send|receive) data|SSL (?:SYSCALL|connection)"
)
_ENDING: Final = ("08", "25P03", "25P04", "57P")
# Of transactions that could not go on beside each other PostgreSQL ended this one. It has changed
# nothing, and may succeed when it begins again.
_CONFLICTS: Final = ("40001", "40P01")
# A prepared statement whose columns have changed since, or that somebody removed: it is prepared anew.
OUTDATED: Final = ("0A000", "26000")
_UNDEFINED_TABLE: Final = "42P01"
_CANCELED: Final = "57014"
_DIVISION_BY_ZERO: Final = "22012"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_TIMEOUTS: Final = (_CANCELED, _LOCK_NOT_AVAILABLE)
_STATELESS: Final = (
    # Without a SQLSTATE the error is the driver's own: there was nobody to ask.
    psycopg.OperationalError,
    psycopg.InterfaceError,
    django.db.OperationalError,
    django.db.InterfaceError,
)


class BeginAgainError(django.db.OperationalError):
    """A transaction that was rolled back and has to be done once more, in another way."""


def is_outage(error: BaseException) -> bool:
    """True if the error, or one that it was raised from or on the way of, is in the table."""
    return any(_has(each, *OUTAGES) or _is_of_node(each) for each in _chain(error))


def is_disconnection(error: BaseException) -> bool:
    """True if the connection itself ended, so that the same statement may succeed on a new one."""
    return any(_has(each, *_ENDING) for each in _chain(error))


def is_outdated(error: BaseException) -> bool:
    """True if a prepared statement was refused that will be prepared anew."""
    return _state(error) in OUTDATED


def is_of_no_table(error: BaseException) -> bool:
    """True if a statement named a table that is not there, that of a schema that was removed, say."""
    return _state(error) == _UNDEFINED_TABLE


def is_conflict(error: BaseException) -> bool:
    """True if PostgreSQL ended the transaction in favor of another one, or it is to begin again."""
    return isinstance(error, BeginAgainError) or _state(error) in _CONFLICTS


def is_timeout(error: BaseException) -> bool:
    """True if a statement, or its wait for a lock, took longer than it may."""
    return _state(error) in _TIMEOUTS


def is_division_by_zero(error: BaseException) -> bool:
    """True if a statement divided by zero, as one does that must not be committed."""
    return _state(error) == _DIVISION_BY_ZERO


def is_lock_timeout(error: BaseException) -> bool:
    """True if a lock was not to be had within lock_timeout."""
    return _state(error) == _LOCK_NOT_AVAILABLE


def is_overtime(error: BaseException) -> bool:
    """True if PostgreSQL ended a statement because it took longer than statement_timeout.

    An operator who cancels a statement has the same SQLSTATE, so the message decides; on a server
    with messages in another language than English both are an outage.
    """
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(cause, psycopg.Error) or cause.sqlstate != _CANCELED:
        return False
    return "statement timeout" in (cause.diag.message_primary or "")


def first_line(error: BaseException) -> str:
    """The error in one line: PostgreSQL adds statements below it, which may quote a row."""
    lines = str(error).splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def _has(error: BaseException, *beginnings: str) -> bool:
    state = _state(error)
    if state is None:
        return isinstance(error, _STATELESS)
    return state.startswith(beginnings)


def _is_of_node(error: BaseException) -> bool:
    """True if Citus lost the connection to another node while that executed a command."""
    if not isinstance(error, psycopg.Error) or error.sqlstate != _INTERNAL:
        return False
    return _NODE_LOST.match(error.diag.message_primary or "") is not None


def _state(error: BaseException) -> str | None:
    """The SQLSTATE of an error of psycopg's, or of Django's, which is raised from one."""
    for each in (error, error.__cause__):
        if isinstance(each, psycopg.Error):
            return each.sqlstate
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that it was raised from or while handling.

    Both, since Django names an error as the cause that may be of a former transaction
    (TransactionManagementError of Django 5.2).
    """
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            left.extend(each for each in (one.__context__, one.__cause__) if each is not None)
