"""Errors that PostgreSQL really raises: which of them mean that the same request may succeed later."""

import psycopg
import pytest
from django import db
from django.db import connection, transaction

from tenants.current import in_tenant
from tenants.outages import (
    OUTAGES,
    is_conflict,
    is_disconnection,
    is_outage,
    is_overtime,
    is_timeout,
)
from tests.support.waiting import wait_until

# One or more of each row of the table, with Django's name for the class that psycopg files it under.
AWAY = {
    "08000": db.OperationalError,
    "08006": db.OperationalError,
    "08P01": db.OperationalError,
    "25006": db.InternalError,
    "25P03": db.InternalError,
    "25P04": db.InternalError,
    "40001": db.OperationalError,
    "40P01": db.OperationalError,
    "53000": db.OperationalError,
    "53100": db.OperationalError,
    "53200": db.OperationalError,
    "53300": db.OperationalError,
    "55006": db.OperationalError,
    "55P03": db.OperationalError,
    "57014": db.OperationalError,
    "57P01": db.OperationalError,
    "57P02": db.OperationalError,
    "57P03": db.OperationalError,
    "57P04": db.OperationalError,
    "57P05": db.OperationalError,
    "57P99": db.OperationalError,  # of a PostgreSQL that is newer than psycopg
    "58000": db.OperationalError,
    "58030": db.OperationalError,
}
# Errors that repeating does not help: the request, the program or the data are wrong.
NEVER = ("22P02", "23505", "23503", "25P02", "42501", "42P01", "54001", "XX000", "XX001")
ENDED = ("08", "25P03", "25P04", "57P")

RAISE = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"


def raised(code):
    """The error that Django raises for that SQLSTATE of PostgreSQL's."""
    with pytest.raises(db.Error) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RAISE.format(code=code))
    return caught.value


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "kind"), AWAY.items())
def test_each_row_of_the_table_is_an_outage_whatever_psycopg_files_it_under(code, kind):
    error = raised(code)

    assert (type(error), is_outage(error)) == (kind, True)
    assert is_outage(error.__cause__)
    assert is_disconnection(error) is code.startswith(ENDED)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "message",
    [
        "server closed the connection unexpectedly",
        "failure on connection marked as essential: 127.0.0.1:20131",
        "could not receive data from server: Connection timed out",
        "SSL SYSCALL error: EOF detected",
    ],
)
def test_a_node_that_citus_loses_within_a_command_is_an_outage(message):
    error = raised(f"XX000', MESSAGE = '{message}")

    assert (type(error), is_outage(error)) == (db.InternalError, True)
    assert not is_disconnection(error)


@pytest.mark.django_db
@pytest.mark.parametrize("code", NEVER)
def test_an_error_that_repeating_does_not_help_is_none(code):
    error = raised(code)

    assert (is_outage(error), is_disconnection(error)) == (False, False)


@pytest.mark.django_db
@pytest.mark.parametrize("code", [*AWAY, *NEVER])
def test_conflicts_and_timeouts_are_told_apart(code):
    error = raised(code)

    assert is_conflict(error) is (code in {"40001", "40P01"})
    assert is_timeout(error) is (code in {"57014", "55P03"})
    assert not is_overtime(error)  # canceled, but not for its time


@pytest.mark.django_db
def test_a_statement_that_takes_too_long_is_overtime():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1ms'")
        with pytest.raises(db.OperationalError) as caught, transaction.atomic():
            cursor.execute("SELECT pg_sleep(60)")
        transaction.set_rollback(True)

    assert is_overtime(caught.value)
    assert is_overtime(caught.value.__cause__)


def test_each_row_of_the_table_has_an_example_here():
    assert [row for row in OUTAGES if not any(code.startswith(row) for code in AWAY)] == []


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("consuming input failed: server closed the connection"),
        psycopg.InterfaceError("the connection is closed"),
        db.OperationalError("connection failed"),
        db.InterfaceError("connection already closed"),
    ],
)
def test_an_error_of_the_driver_alone_is_an_outage(error):
    """A connection that cannot be made has no SQLSTATE: nobody was there to say one."""
    assert is_outage(error)
    assert is_disconnection(error)


@pytest.mark.parametrize(
    "error",
    [psycopg.Error(), psycopg.DataError(), db.DatabaseError(), db.IntegrityError(), KeyError("x")],
)
def test_another_error_without_a_state_is_none(error):
    assert not is_outage(error)


@pytest.mark.django_db
def test_an_error_caused_by_an_outage_is_an_outage():
    """Django refuses the next statement of whoever caught the error and went on."""
    connection.rollback_exc = db.IntegrityError("of a former transaction, and still there")
    with pytest.raises(transaction.TransactionManagementError) as caught, transaction.atomic():
        go_on_after("53100")

    assert is_outage(caught.value)


def test_a_connection_that_waited_too_long_in_a_transaction_is_an_outage(real_tenants):
    """SQLSTATE 25P03, as it comes when PostgreSQL or the worker was frozen for a while.

    Or without one: the system may throw away what PostgreSQL said before it hung up.
    """
    with pytest.raises(db.Error) as caught, in_tenant(real_tenants[0]):
        wait_too_long()

    assert caught.value.__cause__.sqlstate in {"25P03", None}
    assert is_outage(caught.value)
    assert is_disconnection(caught.value)


def go_on_after(code):
    with connection.cursor() as cursor:
        try:
            with transaction.atomic(savepoint=False):
                cursor.execute(RAISE.format(code=code))
        except db.Error:
            cursor.execute("SELECT 1")


def wait_too_long():
    """Have PostgreSQL end the connection within the open transaction, then go on with it."""
    parameters = connection.get_connection_params()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
        wait_until(lambda: not serves(backend, parameters), "PostgreSQL ended the connection")
        cursor.execute("SELECT 1")


def serves(backend, parameters):
    """True if that process of PostgreSQL is there, asked over another connection."""
    parameters = {k: v for k, v in parameters.items() if k not in {"cursor_factory", "context"}}
    with psycopg.connect(**parameters) as other:
        found = other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend])
        return found.fetchone() is not None
