"""The database for tests: its statements, and tenants whose rows are really committed."""

import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from config.database import ROLE, SERVING, socket_dir
from tenants import lifecycle, logins, roles
from tenants.backend.base import PUBLIC
from tenants.current import in_public, in_tenant
from tenants.models import Tenant

# Unique attributes of a tenant's own schemas have indexes, which are made outside of transactions: a
# test's rollback leaves them (decision 0024). They are no part of what migrations make.
_NO_EXTENSION = r"NOT LIKE 'scim\_extension\_%%'"
# What the driver sends, as libpq traces it.
_LINE = re.compile(
    r"\tF\t\d+\t(Query|Parse|Bind|Sync)(.*?)(?=^\d{4}-\d\d-\d\d |\Z)", re.DOTALL | re.MULTILINE
)
_STRUCTURE = (
    (
        "SELECT table_name, column_name, data_type, column_default, is_nullable, is_identity,"
        " character_maximum_length FROM information_schema.columns WHERE table_schema = %s"
        " ORDER BY 1, ordinal_position"
    ),
    (
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = %s::regnamespace ORDER BY 2, 1"
    ),
    (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s"
        f" AND indexname {_NO_EXTENSION} ORDER BY 1"
    ),
    (
        "SELECT relname, relkind, relacl, reloptions FROM pg_class"
        " WHERE relnamespace = %s::regnamespace"
        f" AND relname {_NO_EXTENSION} ORDER BY 1"
    ),
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = %s::regnamespace ORDER BY 1",
    "SELECT app, name FROM django_migrations WHERE %s <> '' ORDER BY id",
)
_TRANSACTIONAL = (
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET ",
    "SELECT CURRENT_USER",
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is executed inside, but for what only opens, directs and ends transactions."""
    executed: list[str] = []

    def note(execute, sql, params, many, context):
        parts = filter(str.strip, str(sql).split(";"))
        if not all(each.lstrip().upper().startswith(_TRANSACTIONAL) for each in parts):
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


def let_owner_serve(data_dir: Path) -> None:
    """Let the owner's login of an embedded server act as the one that serves: for tests alone."""
    host = socket_dir(data_dir)
    with psycopg.connect(host=host, user="postgres", dbname="postgres") as superuser:
        superuser.execute("SELECT pg_advisory_xact_lock(1)")  # pytest's processes come here at once
        superuser.execute(f"GRANT {SERVING} TO {ROLE}")


@contextmanager
def most_connections(number: int) -> Iterator[None]:
    """Have the database refuse more connections than that meanwhile."""
    settings_dict = connection.settings_dict
    limit = f'ALTER DATABASE "{settings_dict["NAME"]}" CONNECTION LIMIT'
    where = {"host": settings_dict["HOST"], "dbname": "postgres", "autocommit": True}
    with psycopg.connect(user="postgres", **where) as superuser:
        superuser.execute(f"{limit} {number}")
        try:
            yield
        finally:
            superuser.execute(f"{limit} -1")


@contextmanager
def two_logins() -> Iterator[None]:
    """Have one connection stand for both logins: the product takes the role for the login."""
    if not _has_serving_login():
        yield
        return
    with patch.object(roles, "is_served", _is_served), patch.object(logins, "as_owner", owned):
        with in_public(), transaction.atomic():
            roles.grant(SERVING, PUBLIC)
            roles.install(SERVING)
        yield


@contextmanager
def served() -> Iterator[None]:
    """Act with the rights of the login that serves until the transaction ends, or nothing without one."""
    if _has_serving_login():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {SERVING}")
    yield


@contextmanager
def owned() -> Iterator[None]:
    """Act with the owner's rights meanwhile, as a command does that changes tables."""
    if not _is_served():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        try:
            yield
        finally:
            with suppress(DatabaseError):  # of a transaction that failed: its rollback does it
                cursor.execute(f"SET LOCAL ROLE {SERVING}")


def _has_serving_login() -> bool:
    """True on the embedded server, whose owner tests let act as the login that serves."""
    return not settings.DATABASE_URL


def _is_served() -> bool:
    """True if the login that serves is acted as."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return bool(cursor.fetchone() == (SERVING,))


def present_or_created(custom_domain: str, name: str) -> Tenant:
    """The tenant with that custom domain."""
    with in_public():
        present: Tenant | None = Tenant.objects.filter(custom_domain=custom_domain).first()
    return present or lifecycle.create_tenant(custom_domain, name)


def structure(tenant: Tenant) -> list[tuple[str, ...]]:
    """Columns, constraints, indexes, privileges, sequences and applied migrations of a schema."""
    with in_tenant(tenant), connection.cursor() as cursor:
        found: list[tuple[str, ...]] = []
        for question in _STRUCTURE:
            cursor.execute(question, [tenant.schema_name])
            rows = [tuple(map(str, row)) for row in cursor.fetchall()]
            found += [
                tuple(text.replace(tenant.schema_name, "schema") for text in row) for row in rows
            ]
    return found


def drop(tenant: Tenant) -> None:
    """Remove a tenant with its schema."""
    with in_public():
        tenant.delete(force_drop=True)


@contextmanager
def audit_log_kept(tenant: Tenant) -> Iterator[None]:
    """Afterwards the tenant's audit log holds what it held before, whatever was committed meanwhile.

    Nothing may be deleted there, not even by the owner, who takes the privilege for a moment.
    """
    log = f'"{tenant.schema_name}".accounts_auditentry'
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {log}")
        (newest,) = cursor.fetchone()
    try:
        yield
    finally:
        with in_public(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"GRANT DELETE ON {log} TO CURRENT_USER")
            cursor.execute(f"DELETE FROM {log} WHERE id > %s", [newest])
            cursor.execute(f"REVOKE DELETE ON {log} FROM CURRENT_USER")


def beside() -> "psycopg.Connection[Any]":
    """Another connection to the database of this thread, by the driver alone; each statement commits."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context"):  # Django's
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


def cut(victim: Any) -> None:
    """Break the line to PostgreSQL, as a restart of it or of a router does."""
    with socket.socket(fileno=os.dup(victim.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def sent(function: Callable[[], object]) -> list[str]:
    """The messages that the driver sends to PostgreSQL while the function runs.

    Each is what it executes: prepared statements by their texts, values of parameters left out.
    """
    messages = _messages(_traced(function))
    return ["; ".join(text for text, _ in message) for message in messages]


def prepared(function: Callable[[], object]) -> list[str]:
    """The prepared statements that PostgreSQL executes while the function runs, by their texts."""
    messages = _messages(_traced(function))
    return [text for message in messages for text, is_prepared in message if is_prepared]


def _messages(trace: str) -> Iterator[list[tuple[str, bool]]]:
    """The texts that each message executes, and whether they were prepared before."""
    texts = _prepared_texts()
    message: list[tuple[str, bool]] = []
    for kind, told in _LINE.findall(trace):
        if kind == "Query":
            yield [(told.strip()[1:-1], False)]
        elif kind == "Parse":
            [(name, texts[name])] = re.findall(r'"(.*?)" "(.*)"', told, re.DOTALL)
        elif kind == "Bind":
            name = told.split('"')[3]
            message.append((texts[name], bool(name)))
        elif message:  # Sync
            yield message
            message = []


def _prepared_texts() -> dict[str, str]:
    """The texts of the connection's prepared statements, by their names."""
    found = connection.connection.pgconn.exec_(
        b"SELECT name, statement FROM pg_prepared_statements"
    )
    return {
        found.get_value(row, 0).decode(): found.get_value(row, 1).decode()
        for row in range(found.ntuples)
    }


def round_trips(function: Callable[[], object]) -> int:
    """The number of times that the driver waits for PostgreSQL while the function runs, as on a server.

    Nobody hears of the statements meanwhile: what does has each go on its own.
    """
    hearing = connection.execute_wrappers
    connection.execute_wrappers = hearing[:1]  # the backend's own
    try:
        return len(re.findall(r"\tReadyForQuery\t", _traced(function)))
    finally:
        connection.execute_wrappers = hearing


def _traced(function: Callable[[], object]) -> str:
    """The messages between the driver and PostgreSQL while the function runs, as libpq tells them."""
    connection.ensure_connection()
    with tempfile.TemporaryFile() as trace:
        connection.connection.pgconn.trace(trace.fileno())
        try:
            function()
        finally:
            connection.connection.pgconn.untrace()
        trace.seek(0)
        return trace.read().decode()
