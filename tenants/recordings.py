"""Migrations as SQL: what Django does to the first schema is done to all others in one statement.

To find out what a migration has to do takes Django several times as long as doing it takes PostgreSQL,
and the answer is the same for every schema that lacks the same migrations: all are compiled to SQL,
and none reads rows in Python (tests/tenants/test_citus_rules.py). So Django migrates a schema that is
rolled back, its statements are kept in memory, and the schemas get them in a DO block: one message and one
statement (decision 0046). No schema that is served waits for Python while its tables are locked
(decision 0093). Where Citus has distributed the schema each statement goes on its own, since a table that
is made inside a block would stay on the coordinator (decision 0090). A recording is folded: what a later
migration adds to a table or drops is not done in two steps (tenants.folding).
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Final

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django_tenants.utils import schema_context
from psycopg import sql

from tenants import clock, folding, placement
from tenants.backend.base import PUBLIC

Name = tuple[str, str]  # the app's label and the migration's own name

TABLE: Final = "django_migrations"
_BLOCK: Final = sql.SQL("DO {}")
_BODY: Final = sql.SQL(
    "DECLARE each text; BEGIN FOREACH each IN ARRAY ARRAY[{}] LOOP EXECUTE each; END LOOP; END"
)
_NOTES: Final = sql.SQL(
    "INSERT INTO {table} (app, name, applied) SELECT app, name, {moment}"
    " FROM unnest({apps}::text[], {names}::text[]) WITH ORDINALITY AS m (app, name, n) ORDER BY n"
)
# Stands for the time in texts that are composed once; it holds nothing that any quoting changes.
_MOMENT: Final = "<moment>"
_READS: Final = ("SELECT", "SET ", "SAVEPOINT", "RELEASE", "ROLLBACK")
# Django's beginning of a text that changes a table afterwards.
_CONSTRAINTS: Final = "SET CONSTRAINTS"
_NOTE: Final = 'INSERT INTO "django_migrations"'  # which holds the time


@dataclass(frozen=True, slots=True)
class Lacking:
    """The migrations that a schema lacks; it may even lack the table that names those it has."""

    migrations: frozenset[Name]
    has_table: bool = True


@dataclass(frozen=True, slots=True)
class _Recording:
    """The statements that bring a schema up to date, and the migrations in the order of their turns."""

    statements: tuple[str, ...] = ()
    migrations: tuple[Name, ...] = ()

    def then(self, other: "_Recording") -> "_Recording":
        """Both, one after the other; their migrations are noted in the order of one plan."""
        both = {*self.migrations, *other.migrations}
        return _Recording(
            self.statements + other.statements, tuple(filter(both.__contains__, _plan()))
        )

    def folded(self, *, in_empty_schema: bool) -> "_Recording":
        """The same in fewer statements."""
        statements = folding.folded(self.statements, in_empty_schema=in_empty_schema)
        return _Recording(statements, self.migrations)


_recordings: Final[dict[Lacking, _Recording]] = {}


@cache
def known() -> frozenset[Name]:
    """Every migration of the program."""
    return frozenset(MigrationLoader(None).disk_migrations)


@cache
def digest() -> bytes:
    """The digest of the names of all migrations, in their order."""
    return sha256(" ".join(".".join(name) for name in sorted(known())).encode()).digest()


@cache
def _plan() -> tuple[Name, ...]:
    """All migrations in the order in which Django applies them to an empty schema."""
    graph = MigrationLoader(None).graph
    plan = (step for leaf in graph.leaf_nodes() for step in graph.forwards_plan(leaf))
    return tuple(dict.fromkeys(plan))


def apply(lacking: Lacking, *, one_by_one: bool = False) -> None:
    """Apply what the schema lacks that the connection is directed to (tenants.schemas.alone).

    `one_by_one` is for a schema that Citus has distributed.
    Raises InconsistentMigrationHistory for a schema that lacks a migration on which one depends that it has.
    """
    prepare(lacking)
    with connection.cursor() as cursor:
        if not one_by_one:
            cursor.execute(block(lacking))
            return
        for statement in _with_note(_recordings[lacking]):
            cursor.execute(_now(statement))


def is_prepared(lacking: Lacking) -> bool:
    """True if it is known what such a schema lacks."""
    return lacking in _recordings


def prepare(lacking: Lacking) -> None:
    """Find out what the schema lacks that the connection is directed to; its tables are only read.

    The first time in a process Django migrates a schema that is rolled back, and so shows what a new one lacks,
    too. Needs a transaction. Raises InconsistentMigrationHistory.
    """
    if lacking in _recordings:
        return
    if lacking.has_table:
        MigrationLoader(connection).check_consistent_history(connection)
    with _scratch():
        before = _record(known() - lacking.migrations) if lacking.has_table else _Recording()
        changes = _record(lacking.migrations)
    whole = before.then(changes)
    if len(whole.migrations) == len(known()):
        _recordings.setdefault(_complete(), whole.folded(in_empty_schema=True))
    _recordings.setdefault(lacking, changes.folded(in_empty_schema=False))


def block(lacking: Lacking) -> str:
    """The one statement that applies what such a schema lacks, and notes it as of now. Needs `is_prepared`."""
    return _now(_block(_recordings[lacking]))


def complete() -> tuple[str, ...]:
    """The statements that make all tables of a tenant, and note the migrations, in an empty schema.

    Needs a transaction.
    """
    prepare(_complete())
    return tuple(map(_now, _with_note(_recordings[_complete()])))


def _complete() -> Lacking:
    """The lack of an empty schema: every migration, and the table of them."""
    return Lacking(known(), has_table=False)


@contextmanager
def _scratch() -> Iterator[None]:
    """A schema of its own that is gone afterwards."""
    name = f"t_scratch_{secrets.token_hex(4)}"
    with transaction.atomic():
        with schema_context(PUBLIC), connection.cursor() as cursor:
            cursor.execute(placement.MAKE_PLAIN)
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        with schema_context(name):
            connection.set_schema(name, include_public=False)  # type: ignore[attr-defined]  # tenants.backend
            yield
        transaction.set_rollback(True)


def _record(migrations: frozenset[Name]) -> _Recording:
    """Have Django apply the migrations to the schema, and keep what it executed but for questions and notes."""
    with _executed() as statements:
        MigrationRecorder(connection).ensure_schema()
        executor = MigrationExecutor(connection)
        targets = executor.loader.graph.leaf_nodes()
        whole: list[tuple[Migration, bool]] = executor.migration_plan(targets)
        # A backup of an older program is put into tables as they were then (tenants.backup).
        plan = [step for step in whole if (step[0].app_label, step[0].name) in migrations]
        executor.migrate(targets, plan)
    names = tuple((each.app_label, each.name) for each, _ in plan)
    return _Recording(tuple(filter(is_change, statements)), names)


def is_change(text: str) -> bool:
    """True if the statement is one of a migration, not a question, a note or a step of the transaction."""
    if text.startswith(_CONSTRAINTS):
        return ";" in text
    return not text.startswith((*_READS, _NOTE))


@contextmanager
def _executed() -> Iterator[list[str]]:
    """The statements that are executed inside, with their parameters in them."""
    executed: list[str] = []

    def keep(execute: Any, statement: Any, params: Any, many: Any, context: Any) -> Any:
        text = context["cursor"].mogrify(statement, params) if params else str(statement)
        executed.append(text.strip())
        return execute(statement, params, many, context)

    with connection.execute_wrapper(keep):
        yield executed


@cache
def _block(recording: _Recording) -> str:
    """The one statement that does to a schema what was done to the first one; to compose it takes 5 ms."""
    executed = sql.SQL(", ").join(map(sql.Literal, _with_note(recording)))
    body = _BODY.format(executed).as_string(connection.connection)
    return _BLOCK.format(sql.Literal(body)).as_string(connection.connection)


def _with_note(recording: _Recording) -> tuple[str, ...]:
    """The statements, and one that notes the migrations as of a moment to be filled in (`_now`)."""
    apps, names = zip(*recording.migrations, strict=True)
    note = _NOTES.format(
        table=sql.Identifier(TABLE),
        moment=sql.SQL("{}::timestamptz").format(_MOMENT),
        apps=sql.Literal(list(apps)),
        names=sql.Literal(list(names)),
    )
    return (*recording.statements, note.as_string(connection.connection))


def _now(text: str) -> str:
    """The text with the time in it."""
    return text.replace(_MOMENT, clock.now().isoformat())
