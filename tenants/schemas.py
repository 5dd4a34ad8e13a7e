"""Schemas: making one, migrating one, and telling which are behind.

A schema is migrated in one transaction, whole or not at all, on a search path that holds it alone:
beside `public`, Django would take the registry's table of migrations for the tenant's. Migrations
must therefore be atomic, which also keeps them free of anything that a pooled connection forgets.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Any, Final

from django.db import Error, connection, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django_tenants.utils import schema_context
from psycopg import sql

from tenants import outages, placement, recordings, roles
from tenants.backend.base import PUBLIC
from tenants.current import in_public
from tenants.errors import TenantRefused
from tenants.models import Status, Tenant
from tenants.recordings import TABLE, Lacking

# A migration that waits for a lock makes every request of the tenant wait behind it. Below the second after
# which PostgreSQL ends one of two transactions that wait for each other, so that it never is a request.
LOCK_TIMEOUT: Final = "500ms"
# On Citus the locks are those of the worker.
_LIMIT_WAITING: Final = (
    f"SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"
)
_WITHOUT_DISK: Final = "SET LOCAL synchronous_commit = off"
# So long it is tried again for, with growing pauses in which requests go on.
PATIENCE_SECONDS: Final = 60.0
_PAUSES: Final = (0.1, 2.0)
# Schemas asked in one statement: larger ones plan slower than they save.
CHUNK: Final = 200
SMALL_CHUNK: Final = 50  # of statements with joins

_WITH_TABLE: Final = (
    "SELECT schemaname FROM pg_tables WHERE tablename = %s AND schemaname = ANY(%s)"
)
_WITH_COLUMN: Final = """
SELECT nspname FROM pg_namespace
JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = %s
JOIN pg_attribute ON attrelid = pg_class.oid AND attname = %s
WHERE nspname = ANY(%s)
"""
# What requests read first. Who has these tables waits for the requests under way, and the next ones wait
# there, holding none of the others.
_ENTRANCES: Final = ("accounts_secrettoken", "accounts_accesstoken", "accounts_session")
_LOCKABLE: Final = f"""
SELECT nspname, coalesce((
    SELECT string_agg(
        format('%%I.%%I', nspname, relname), ', ' ORDER BY array_position(%s, relname::text), relname
    ) FROM {placement.TABLES_OF} n.oid AND has_table_privilege(c.oid, 'UPDATE')
), '') FROM pg_namespace n WHERE nspname = ANY(%s)
"""  # noqa: S608  # our own constants
# What is committed next waits for it, and so for all that was committed before.
_WAIT_FOR_DISK: Final = "SELECT 1 FROM public.tenants_tenant LIMIT 1 FOR KEY SHARE"
_APPLIED: Final = "SELECT {schema}, array(SELECT app || '.' || name FROM {table})"
# As recordings.digest. Of most schemas it is enough: the names of a thousand take longer to read than to digest.
_DIGEST: Final = """SELECT {schema}, sha256(convert_to(
    string_agg(app || '.' || name, ' ' ORDER BY app COLLATE "C", name COLLATE "C"), 'UTF8'
)) FROM {table}"""


@dataclass(frozen=True, slots=True)
class Answer:
    """Tenants that are asked for, and those whose node of the database did not answer."""

    tenants: tuple[Tenant, ...] = ()
    silent: tuple[Tenant, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a tenant's schema in `migrate`: the migrations that it lacks, its tables to be locked."""

    schema_name: str
    lacks: Lacking
    tables: str  # quoted, with commas between
    is_placed: bool  # Citus may have distributed it


@dataclass(frozen=True, slots=True)
class Question:
    """A condition on a schema, the newest column that it reads, and its parameters (`where`)."""

    condition: str
    column: tuple[str, str]
    parameters: tuple[Any, ...]


def create(schema_name: str, lacks: Lacking | None = None) -> None:
    """Make a schema with all tables of a tenant, in the caller's transaction.

    With `lacks`, with the tables as they were after those migrations. The database does it by itself where
    `migrate` has left it the means: to find out what there is to do takes a process a second.
    """
    if lacks is None and roles.is_served():
        _refuse_on_citus()
        roles.create_schema(schema_name)
        return
    if lacks is None and roles.can_create():
        roles.create_schema(schema_name)
        return
    with in_public(), placement.new_schema(schema_name), _directed_to(schema_name):
        recordings.apply(lacks or Lacking(recordings.known(), has_table=False))
    if login := roles.serving_login():
        roles.grant(login, schema_name)


def _refuse_on_citus() -> None:
    """Raise TenantRefused where what two logins write cannot be one transaction."""
    with in_public():
        if placement.is_sharded():
            raise TenantRefused(
                "tenant.by-command",
                "With two logins on Citus, tenants are created on the command line:"
                " `manage.py tenant create`.",
            )


def migrate(schema_name: str, lacks: Lacking) -> None:
    """Apply the migrations that a tenant's schema lacks, in the caller's transaction if there is one.

    The login that serves gets its rights on the tables that they made.
    """
    with in_public():
        is_placed = lacks.has_table and placement.is_sharded()
    with alone(schema_name):
        recordings.apply(lacks, one_by_one=is_placed)
    if login := roles.serving_login():
        roles.grant(login, schema_name)


def prepare(behind: Mapping[str, Lacking]) -> None:
    """Find out what the schemas lack; where that fails, it does so again at the schema's turn."""
    for name, lacks in behind.items():
        with suppress(Error, InconsistentMigrationHistory):
            _prepare(name, lacks)


def turns(behind: Mapping[str, Lacking]) -> Iterator[Turn]:
    """A turn for each of those schemas."""
    with in_public():
        is_placed = placement.is_sharded()
    names = list(behind)
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        tables = _lockable(chunk)
        for name in chunk:
            yield Turn(name, behind[name], tables.get(name, ""), is_placed=is_placed)


def migrate_served(turn: Turn) -> None:
    """Apply the migrations that the schema of a tenant lacks that is served meanwhile.

    All of its tables are locked before anything is changed, so that requests are behind it or before it
    and never between. Waits for no disk: PostgreSQL writes commits in their order, so no request that is
    on disk has seen a change that is not, and a change that is lost with the machine is made again by the
    next `migrate` (`wait_for_disk`). Raises django.db.Error and InconsistentMigrationHistory.
    """
    _prepare(turn.schema_name, turn.lacks)

    def at_once() -> None:
        if turn.is_placed:
            with alone(turn.schema_name):
                _lock(turn.tables)
                recordings.apply(turn.lacks, one_by_one=True)
            return
        parts = (_LIMIT_WAITING, _WITHOUT_DISK, _locking(turn.tables), recordings.block(turn.lacks))
        with _directed_to(turn.schema_name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("; ".join(filter(None, parts)))

    patiently(at_once)


def wait_for_disk() -> None:
    """Return when all that is committed is on disk. For the registry's owner, outside of a transaction."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_WAIT_FOR_DISK)


def _prepare(schema_name: str, lacks: Lacking) -> None:
    if not recordings.is_prepared(lacks):
        with alone(schema_name):
            recordings.prepare(lacks)


def patiently(attempt: Callable[[], None]) -> None:
    """Attempt something in a transaction of its own until it gets its locks. Raises django.db.Error."""
    until = monotonic() + PATIENCE_SECONDS
    pause, longest = _PAUSES
    while True:
        try:
            attempt()
        except Error as error:
            is_busy = outages.is_lock_timeout(error) or outages.is_conflict(error)
            if not is_busy or connection.in_atomic_block or monotonic() >= until:
                raise
            sleep(pause)
            pause = min(pause * 2, longest)
        else:
            return


def lock(schema_name: str, mode: str = "ACCESS EXCLUSIVE") -> None:
    """Keep others out of the schema until the transaction ends; which, says the mode of PostgreSQL's locks.

    The append-only logs, which their owner may not lock, stay free: no change is without the others.
    """
    _lock(_lockable([schema_name]).get(schema_name, ""), mode)


def _lock(tables: str, mode: str = "ACCESS EXCLUSIVE") -> None:
    if tables:
        with connection.cursor() as cursor:
            cursor.execute(_locking(tables, mode))


def _locking(tables: str, mode: str = "ACCESS EXCLUSIVE") -> str:
    return f"LOCK TABLE {tables} IN {mode} MODE" if tables else ""


def _lockable(schema_names: list[str]) -> dict[str, str]:
    """The tables of each schema that their owner may lock, quoted, in the order in which they are."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_LOCKABLE, [list(_ENTRANCES), schema_names])
        return dict(cursor.fetchall())


@contextmanager
def alone(schema_name: str) -> Iterator[None]:
    """A transaction, or savepoint, in which that schema is the only one seen."""
    with _directed_to(schema_name), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LIMIT_WAITING)
        yield


@contextmanager
def _directed_to(schema_name: str) -> Iterator[None]:
    """Direct the connection to that schema alone; what is done there is part of the caller's transaction."""
    with schema_context(schema_name):
        connection.set_schema(schema_name, include_public=False)  # type: ignore[attr-defined]  # tenants.backend
        yield


def tenants() -> list[str]:
    """The schemas of all tenants, in the order of their custom domains."""
    with in_public():
        return list(Tenant.objects.values_list("schema_name", flat=True))


def active() -> list[Tenant]:
    """The tenants that are served, staff's own left out."""
    return _active()


def sending() -> list[Tenant]:
    """Those of them from which events are sent."""
    return _active(sends_events=True)


def with_identity_due(now: datetime) -> list[Tenant]:
    """Those of them whose identity provider's documents are to be read now."""
    return _active(identity_due_at__lte=now)


def _active(**conditions: Any) -> list[Tenant]:
    with in_public():
        return list(Tenant.objects.filter(status=Status.ACTIVE, is_operator=False, **conditions))


def where(
    condition: str, column: tuple[str, str], parameters: Sequence[Any], among: Sequence[Tenant]
) -> Answer:
    """Those of the tenants for whom the condition holds; none is entered.

    `condition` is a SELECT of our own in which `{schema}` is the tenant's schema. `column` is the
    newest that it reads, with its table: schemas that do not have it yet are passed over, so that one
    that is behind holds up no other. One statement for many tenants; where a node of the database is
    down, one more for those on the others.
    """
    question = Question(condition, column, tuple(parameters))
    found: list[Tenant] = []
    silent: list[Tenant] = []
    with in_public():
        for chunk in _chunks(among):
            names = [each.schema_name for each in chunk]
            holding, unanswered = _asked(question, names)
            found += [tenant for tenant in chunk if tenant.schema_name in holding]
            silent += [tenant for tenant in chunk if tenant.schema_name in unanswered]
    return Answer(tuple(found), tuple(silent))


def _asked(question: Question, names: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The schemas for which the condition holds, and those that could not be asked."""
    try:
        with transaction.atomic():
            return _holding(question, names), frozenset()
    except Error as error:
        if not outages.is_outage(error):
            raise
        silent = placement.silent(names)
        if not silent:
            raise
    return _holding(question, [each for each in names if each not in silent]), silent


def _holding(question: Question, schema_names: list[str]) -> frozenset[str]:
    condition = question.condition
    with connection.cursor() as cursor:
        cursor.execute(_WITH_COLUMN, [*question.column, schema_names])
        parts = [
            sql.SQL("SELECT {} WHERE EXISTS ({})").format(
                sql.Literal(schema), sql.SQL(condition).format(schema=sql.Identifier(schema))
            )
            for (schema,) in cursor.fetchall()
        ]
        if not parts:
            return frozenset()
        cursor.execute(sql.SQL(" UNION ALL ").join(parts), list(question.parameters) * len(parts))
        return frozenset(schema for (schema,) in cursor.fetchall())


def _chunks(among: Sequence[Tenant]) -> Iterator[Sequence[Tenant]]:
    for start in range(0, len(among), SMALL_CHUNK):
        yield among[start : start + SMALL_CHUNK]


def lacking(schema_names: Sequence[str]) -> dict[str, Lacking]:
    """The migrations that schemas lack, for those that lack any; a fraction of a second for a thousand."""
    known = recordings.known()
    found: dict[str, Lacking] = {}
    for start in range(0, len(schema_names), CHUNK):
        chunk = schema_names[start : start + CHUNK]
        digests = dict(_each(_DIGEST, chunk))
        unlike = [name for name in chunk if digests.get(name) != recordings.digest()]
        applied = dict(_each(_APPLIED, unlike)) if unlike else {}
        for name in unlike:
            missing = known - {tuple(each.split(".")) for each in applied.get(name, ())}
            if missing:
                found[name] = Lacking(missing, has_table=name in applied)
    return found


def behind() -> list[str]:
    """The schemas of tenants that lack a migration, but for those on a node that does not answer."""
    return list(lacking(answering(tenants())))


def answering(schema_names: Sequence[str]) -> list[str]:
    """Those of the schemas whose node of the database answers."""
    with in_public():
        silent = placement.silent(schema_names)
    return [name for name in schema_names if name not in silent]


def reachable(among: Iterable[Tenant]) -> Answer:
    """The tenants, apart from those whose node of the database does not answer."""
    asked = list(among)
    known = frozenset(answering([each.schema_name for each in asked]))
    return Answer(
        tuple(each for each in asked if each.schema_name in known),
        tuple(each for each in asked if each.schema_name not in known),
    )


def all_behind() -> list[str]:
    """`behind()`, or the registry alone while that lacks a migration itself."""
    return [PUBLIC] if lacking([PUBLIC]) else behind()


def _each(question: str, schema_names: Sequence[str]) -> list[tuple[str, Any]]:
    """The answer of the table of migrations of each schema; without those that have none. Two statements."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_WITH_TABLE, [TABLE, list(schema_names)])
        parts = [
            sql.SQL(question).format(schema=schema, table=sql.Identifier(schema, TABLE))
            for (schema,) in cursor.fetchall()
        ]
        if not parts:
            return []
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        found: list[tuple[str, Any]] = cursor.fetchall()
    return found
