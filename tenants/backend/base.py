"""The database backend: a tenant's rows are reached inside a transaction, or not at all.

django-tenants issues `SET search_path` for the session. A session outlives a request, and behind a
pooler in transaction mode it belongs to everybody: a third of all requests were answered from
another tenant's schema (docs/platform.md). So here the path is always `SET LOCAL`, the first
statement of a transaction, and a statement on a tenant's schema outside of one is refused. It goes
with BEGIN in one message: a round trip less, and 46 µs of processor time (decision 0041).

The state of the path is not guessed from earlier calls: PostgreSQL drops it with the transaction,
and the driver knows whether one is open. Only a rollback to a savepoint, which may revert the path
inside an open transaction, has to be remembered (django-tenants does, in `search_path_set_schemas`).

The path is issued around `execute()`, not when a cursor is opened, so a cursor that is kept while
the tenant changes follows it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from time import perf_counter
from typing import Any, Final, Protocol, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, InterfaceError, connections
from django.db.backends.postgresql.introspection import DatabaseIntrospection, TableInfo
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Model
from psycopg import sql
from psycopg.pq import TransactionStatus

from tenants import outages
from tenants.backend.connecting import PUBLIC as _PUBLIC
from tenants.backend.connecting import ConnectingWrapper
from tenants.backend.messages import Message, Opening
from tenants.backend.statements import COMMIT, Foreseen, Hot, Parameters, Rows

T = TypeVar("T")

PUBLIC: Final = _PUBLIC
# Names of tenants' schemas: neither PostgreSQL's own names nor the registry's.
SCHEMA_NAME: Final = re.compile(r"(?!pg_|(?:public|information_schema)$)[a-z][a-z0-9_]{2,40}")
_CONSTRAINT: Final = re.compile(r'constraint "(\w+?)(?:_\d+)?"')


class HasSchema(Protocol):
    @property
    def schema_name(self) -> str: ...


class OutsideTransactionError(RuntimeError):
    """A statement on a tenant's schema outside a transaction: `transaction.atomic()` is missing.

    Not a DatabaseError: nothing that handles those may mistake it for an outage or a conflict.
    """


class AbortedTransactionError(DatabaseError):
    """A COMMIT that PostgreSQL would answer with a rollback and without an error.

    An error was swallowed outside a savepoint; what was written must not be acknowledged.
    """


# By the index of what depends on a schema: with 1,000 tenants the catalog has 180,000 relations.
_TABLES_ON_PATH: Final = """
SELECT c.relname,
    CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END,
    obj_description(c.oid, 'pg_class')
FROM unnest(current_schemas(false)) AS named (schema)
JOIN pg_namespace n ON n.nspname = named.schema
JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
    AND d.classid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('f', 'm', 'p', 'r', 'v')
"""


class Introspection(DatabaseIntrospection):
    """Django's, which looks along the search path: that of django-tenants sets the session's.

    Its list of tables reads the catalog of all tenants.
    """

    def get_table_list(self, cursor: Any) -> list[TableInfo]:  # type: ignore[override]  # Django's own
        """Return the tables and views of the schemas on the search path."""
        cursor.execute(_TABLES_ON_PATH)
        return [TableInfo(*row) for row in cursor.fetchall() if row[0] not in self.ignored_tables]


class SchemaEditor(DatabaseSchemaEditor):
    """Django's, without the second index that it adds to each unique text column.

    It serves LIKE where the locale is not C; nothing here looks for beginnings in such a column, and
    each tenant would have ten of them (decision 0078).
    """

    def _create_like_index_sql(self, model: type[Model], field: Any) -> None:
        """No statement."""

    def add_field(self, model: type[Model], field: Any) -> None:
        """Django's, with the check of a new column in a statement of its own.

        Citus takes a constraint under its name alone; this is the name that PostgreSQL gives it.
        """
        check = field.db_parameters(connection=self.connection)["check"]
        with _without_checks(self) if check else nullcontext():
            super().add_field(model, field)
        if check:
            name = f"{model._meta.db_table}_{field.column}_check"  # noqa: SLF001  # Django's way to tell
            self.execute(self._create_check_sql(model, name, check))  # type: ignore[attr-defined]  # Django's


@contextmanager
def _without_checks(editor: SchemaEditor) -> Iterator[None]:
    editor.sql_check_constraint = ""
    try:
        yield
    finally:
        del editor.sql_check_constraint  # back to the class's


class Late:
    """A hot statement that waits for the COMMIT of its transaction."""

    def __init__(self, wrapper: "DatabaseWrapper", hot: Hot, found: Rows | None = None) -> None:
        self.hot = hot
        self.found = found
        self._wrapper = wrapper

    def rows(self) -> Rows:
        """Its rows, for which it is sent if it still waits. Raises RuntimeError after a rollback."""
        if self.found is None:
            self._wrapper.send_late()
        if self.found is None:
            raise RuntimeError(
                "The statement was not executed: its transaction has been rolled back."
            )
        return self.found


class DatabaseWrapper(ConnectingWrapper):
    """A connection whose search path is set per transaction."""

    search_path_set_schemas: bytes | None  # the statement that put the path in force
    run_commit_hooks_on_set_autocommit_on: bool  # Django's own state
    # Whether the transaction only reads, so that a hot statement may end it (execute_hot).
    only_reads: bool = False
    # Whether the transaction may end with the statement that is said to be its last (execute_last).
    ends_with_last: bool = False
    has_ended: bool = False  # with that statement, since its beginning (tenants.current)
    _late: list[Late]  # hot statements that wait for COMMIT
    _late_schema: str = PUBLIC  # in which they do
    # A statement that went ahead, its schema and its rows, until somebody asks for it there.
    _foreseen: tuple[Hot, str, Rows] | None = None
    seconds: float = 0.0  # that statements have taken, on all connections of this thread

    SchemaEditorClass = SchemaEditor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._late = []
        self.introspection = Introspection(self)
        self.execute_wrappers.append(self._execute_on_path)

    def execute_hot(self, hot: Hot) -> Rows:
        """The rows of a statement that PostgreSQL plans once (tenants.backend.statements).

        As a cursor of Django's does, it passes through the wrappers of statements. In a transaction that
        only reads it goes in one message with COMMIT; a further statement begins another one.
        """
        self.validate_no_broken_transaction()
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen[:2] == (hot, self.schema_name):
            rows = foreseen[2]
            return self._heard(lambda: rows, hot) if self._wrappers else rows
        self._ensure_open()
        ends = self.only_reads and len(self.atomic_blocks) == 1 and not self._late
        opening = self._opening()
        if ends or opening.commands:
            [found] = self._send_all([hot], opening, ends=ends)
            if ends:
                self.give_back()
            return found
        return self._wrapped(lambda: self.statements.execute(hot, opening.path), hot)

    def _send_all(self, hots: Sequence[Hot], opening: Opening, *, ends: bool) -> list[Rows]:
        """The rows of hot statements that go in one message, with COMMIT if the transaction ends so."""

        def send() -> list[Rows]:
            message = Message(self.statements, opening)
            for hot in hots:
                message.add(hot)
            if ends:
                message.end()
            return message.send()

        found = self._wrapped(send, hots[0])
        self._note_path(opening)
        return found

    @property
    def may_end(self) -> bool:
        """True if `execute_last` would end the transaction."""
        return self.ends_with_last and not any(self.savepoint_ids)

    def execute_last(self, hot: Hot) -> Rows:
        """The rows of the last statement of a transaction, sent in one message with what is late and COMMIT.

        A further statement begins another transaction. Needs `may_end`.
        """
        self._ensure_usable()
        if self._wrappers or self._late_schema != self.schema_name:
            self.send_late()  # each is heard of, and on its own path
        waiting, self._late = self._late, []
        hots = [*(each.hot for each in waiting), hot]
        *before, rows = self._send_all(hots, self._opening(), ends=True)
        for each, found in zip(waiting, before, strict=True):
            each.found = found
        self.has_ended = True
        self.give_back()
        return rows

    def execute_late(self, hot: Hot) -> Late:
        """A statement that goes with COMMIT, or before a statement of a cursor: hot ones pass it.

        An error of it is that message's. Raises OutsideTransactionError.
        """
        self._ensure_usable()
        if self.autocommit:
            return Late(self, hot, self.execute_hot(hot))
        if self._late_schema != self.schema_name:
            self.send_late()
            self._late_schema = self.schema_name
        late = Late(self, hot)
        self._late.append(late)
        return late

    def send_late(self, *, commits: bool = False) -> None:
        """Send the statements that wait for COMMIT, with it or now, on the path that was theirs."""
        waiting, self._late = self._late, []
        if not waiting or self.connection.pgconn.transaction_status == TransactionStatus.INERROR:
            return
        batches = [[each] for each in waiting] if self._wrappers else [waiting]  # each is heard of
        for batch in batches:
            ends = commits and batch is batches[-1]
            opening = self._opening(self._late_schema)
            found = self._send_all([each.hot for each in batch], opening, ends=ends)
            for each, rows in zip(batch, found, strict=True):
                each.found = rows

    @property
    def _wrappers(self) -> Sequence[Any]:
        """The wrappers of statements beside that which puts the path in force."""
        wrappers: Sequence[Any] = self.execute_wrappers[1:]
        return wrappers

    def _wrapped(self, send: Callable[[], T], hot: Hot | None) -> T:
        """The result of `send`, a call that executes this statement, if one that wrappers hear of."""
        wrappers = self._wrappers
        if hot is None or not wrappers:
            with self.wrap_database_errors:
                return self._timed(send)
        return self._heard(partial(self._timed, send), hot)

    def _heard(self, send: Callable[[], T], hot: Hot) -> T:
        """The result of `send`, of which the wrappers hear."""
        found: list[T] = []

        def execute(*_: Any) -> None:
            with self.wrap_database_errors:
                found.append(send())

        executing: Callable[..., Any] = execute
        for wrapper in reversed(self._wrappers):
            executing = partial(wrapper, executing)
        executing(*hot, False, {"connection": self, "cursor": None})
        return found[0]

    def set_tenant(self, tenant: HasSchema, include_public: bool = True) -> None:  # noqa: FBT001, FBT002  # the signature is django-tenants'
        """Direct what follows to the schema of `tenant`, then public; sends nothing.

        Content types stay cached, unlike in django-tenants: they exist in public only.
        """
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = include_public

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Nothing: opening a cursor sends no statement here."""

    def forget_foreseen(self) -> None:
        """Let nobody have what went ahead and was not asked for."""
        self._foreseen = None

    def _close(self) -> None:
        self._foreseen = None
        self._late.clear()
        super()._close()

    def _execute_on_path(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        cursor = arguments[-1]["cursor"]
        self._check_cursor(cursor)
        if self._late:
            self.send_late()
        self.ensure_path()
        if cursor.cursor.connection is not self.connection:  # it had ended
            cursor.cursor.close()
            cursor.cursor = self.create_cursor(getattr(cursor.cursor, "name", None))
        return self._timed(execute, *arguments)

    def _timed(self, send: Callable[..., T], *arguments: Any) -> T:
        """The result of a call that waits for PostgreSQL, whose time is added up."""
        self._line.sent += 1
        since = perf_counter()
        try:
            return send(*arguments)
        finally:
            self.seconds += perf_counter() - since

    def ensure_path(self) -> bytes:
        """Put the search path in force for the open transaction; the command for it.

        Raises OutsideTransactionError.
        """
        return self._begun(self._send_opening)[0].path

    def _send_opening(self, opening: Opening) -> None:
        if opening.commands:
            self._send(b"; ".join(opening.commands))

    def begin(
        self, question: Hot, first: Hot | None = None, foreseen: Foreseen | None = None
    ) -> tuple[Rows, Rows | None]:
        """Put the search path in force, and ask in the same message. Raises OutsideTransactionError.

        Returned are the rows of the question, which names its schema, and those of `first`, if there is one.

        `foreseen`, which needs a first one, is the statement that is going to be executed. It goes in that
        message too, and `execute_hot` finds its rows here.
        """

        def send(opening: Opening) -> list[Rows]:
            message = Message(self.statements, opening, question)
            if first:
                message.add(first)
                if foreseen and len(self.atomic_blocks) == 1:
                    message.add_ahead(foreseen)
            return message.send()

        self._ensure_open()
        _, (answer, *others) = self._begun(
            lambda opening: self._wrapped(partial(send, opening), first)
        )
        if foreseen and len(others) > 1 and (others[1] or foreseen.ends):
            self._foreseen = (foreseen.hot, self.schema_name, others[1])
            if foreseen.ends:
                self.give_back()
        return answer, others[0] if first else None

    def ask(self, hot: Hot) -> Rows:
        """The rows of a statement that only reads, and names its schema; in a transaction or outside of one."""
        self._ensure_usable()

        def send(opening: Opening) -> list[Rows]:
            return Message(self.statements, opening, hot).send()

        _, [rows] = self._begun(lambda opening: self._wrapped(partial(send, opening), hot))
        return rows

    def _begun(self, send: Callable[[Opening], T]) -> tuple[Opening, T]:
        """The opening, and the answer to its message, in which there is nothing that must not be sent twice.

        It is, on a new connection, if that has ended since its last transaction and nobody could tell; and,
        outside of a transaction, if a plan was outdated.
        """
        opening = self._opening()
        may_have_ended = self._is_idle and self._line.sent > 0
        try:
            found = send(opening)
        except Error as error:
            if may_have_ended and outages.is_disconnection(error):
                self._replace_all()
            elif not (self.autocommit and outages.is_outdated(error)):
                raise
            opening = self._opening()
            found = send(opening)
        self._note_path(opening)
        return opening, found

    @property
    def _is_idle(self) -> bool:
        """True outside of a transaction."""
        return bool(self.connection.pgconn.transaction_status == TransactionStatus.IDLE)

    def _ensure_living(self) -> None:
        """Replace a connection that has ended since its last transaction."""
        while self._line.sent and self._line.has_ended:
            self._replace()

    def _opening(self, schema_name: str = "") -> Opening:
        """The opening of a transaction, or what is left of it to do. Raises OutsideTransactionError.

        psycopg would send BEGIN in a message of its own.
        """
        if self.autocommit:
            self._check_public()
            if self._is_idle:
                self._ensure_living()
            return Opening((), b"")
        status = self.connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR:
            return Opening((), b"")  # only a rollback is possible, and it may restore another path
        schema_name = schema_name or self.schema_name
        path = _set_path(schema_name, self.include_public_schema)
        if status != TransactionStatus.IDLE and self.search_path_set_schemas == path:
            return Opening((), path)
        self.search_path_set_schemas = None  # not known until these are sent (_note_path)
        if status == TransactionStatus.IDLE:
            self._ensure_living()
        self._visited.add(schema_name)
        begin = (b"BEGIN", *self._limits) if status == TransactionStatus.IDLE else ()
        return Opening((*begin, path), path)

    def _note_path(self, opening: Opening) -> None:
        """Remember that the path of the opening, which was sent, is in force."""
        if opening.commands:
            self.search_path_set_schemas = opening.path

    def set_autocommit(self, autocommit: bool, *_: Any, **__: Any) -> None:  # noqa: FBT001  # the signature is Django's
        """Begin or end what is one transaction, as Django does it in 20 calls more.

        It begins on a session that has been in its schema, if there is one.
        """
        self.validate_no_atomic_block()
        if not autocommit and self.schema_name not in self._visited:
            self.give_back()
        if self.connection is not None or not autocommit:
            self._ensure_open()
            self._set_autocommit(autocommit)
        self.autocommit = autocommit
        if not autocommit:
            return
        self.give_back()
        if self.run_commit_hooks_on_set_autocommit_on:
            self.run_and_clear_commit_hooks()
            self.run_commit_hooks_on_set_autocommit_on = False

    def get_autocommit(self) -> bool:
        """Django's; outside of a block True without a connection, as it will be with the next one."""
        return bool(self.autocommit) or (self.connection is None and not self.in_atomic_block)

    def _ensure_usable(self) -> None:
        """Connect, if nobody has. Raises TransactionManagementError if only a rollback is possible."""
        self._ensure_open()
        self.validate_no_broken_transaction()

    def _ensure_open(self) -> None:
        """Connect, if nobody has: the method for it asks each time whether a coroutine calls."""
        if self.connection is None:
            self.ensure_connection()

    def _send(self, commands: bytes) -> Any:
        """The result of the last of the commands, which go in one message."""
        with self.wrap_database_errors:
            return self._timed(self.statements.send, commands)

    def _check_cursor(self, cursor: Any) -> None:
        """Raise InterfaceError if another thread may have the session of the cursor by now."""
        if cursor.cursor.connection is not self.connection:
            raise InterfaceError("The connection of the cursor was given back. Open a new cursor.")

    def _check_public(self) -> None:
        if self.schema_name != PUBLIC:
            raise OutsideTransactionError(
                f"A statement on the schema {self.schema_name!r} needs a transaction: "
                "use tenants.current.in_tenant() or transaction.atomic()."
            )

    def _commit(self) -> None:
        if self.connection is None:
            return
        status = self.connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR:
            raise AbortedTransactionError("The transaction failed earlier and cannot be committed.")
        if self._late:
            self.send_late(commits=True)
        elif status != TransactionStatus.IDLE:
            self._send(COMMIT)

    def _rollback(self) -> None:
        self._late.clear()
        super()._rollback()


@lru_cache(maxsize=1024)
def _set_path(schema_name: str, include_public: bool) -> bytes:  # noqa: FBT001  # cached by position
    """The statement that sets the path. Raises ValueError for what is no tenant's schema name."""
    schemas = [schema_name]
    if schema_name != PUBLIC:
        if not SCHEMA_NAME.fullmatch(schema_name):
            raise ValueError(f"{schema_name!r} cannot be the schema of a tenant.")
        if include_public:
            schemas.append(PUBLIC)
    path = sql.SQL(", ").join(map(sql.Identifier, schemas))
    return sql.SQL("SET LOCAL search_path = {}").format(path).as_bytes()


def execute(statement: str, parameters: Parameters = ()) -> Rows:
    """The rows of one of the statements that each request sends.

    PostgreSQL prepares the statement, for each connection and tenant, so its text must be one of few. Needs a transaction in a tenant. Raises what Django's cursors raise.
    """
    rows: Rows = connections[DEFAULT_DB_ALIAS].execute_hot(Hot(statement, parameters))  # type: ignore[attr-defined]  # ours
    return rows


def ask(statement: str, parameters: Parameters = ()) -> Rows:
    """`execute` for a statement that only reads, and names its schema; in a transaction or outside of one."""
    rows: Rows = connections[DEFAULT_DB_ALIAS].ask(Hot(statement, parameters))  # type: ignore[attr-defined]  # ours
    return rows


def may_end() -> bool:
    """True if the transaction is a request's own and may end with `execute_last`."""
    return bool(connections[DEFAULT_DB_ALIAS].may_end)  # type: ignore[attr-defined]  # ours


def execute_last(statement: str, parameters: Parameters = ()) -> Rows:
    """`execute` in one message with COMMIT: what is returned is committed. Needs `may_end`.

    After an error the transaction can only be rolled back.
    """
    rows: Rows = connections[DEFAULT_DB_ALIAS].execute_last(Hot(statement, parameters))  # type: ignore[attr-defined]  # ours
    return rows


def execute_late(statement: str, parameters: Parameters = ()) -> Late:
    """`execute` in one message with COMMIT: a round trip less.

    For what no hot statement of the transaction reads, and what cannot fail but with the database;
    a cursor finds it done. Raises OutsideTransactionError.
    """
    late: Late = connections[DEFAULT_DB_ALIAS].execute_late(Hot(statement, parameters))  # type: ignore[attr-defined]  # ours
    return late


def all_rows(cursor: Any) -> Rows:
    """The rows of a statement that a cursor has executed, read as those of hot ones are.

    Django's cursors read moments in Python, and rows one by one: a quarter of a page's time.
    """
    rows: Rows = connections[DEFAULT_DB_ALIAS].statements.rows(cursor.cursor.pgresult)  # type: ignore[attr-defined]  # ours
    return rows


def seconds() -> float:
    """The time that the statements of this thread have taken so far, for differences."""
    return float(connections[DEFAULT_DB_ALIAS].seconds)  # type: ignore[attr-defined]  # ours


def violated_constraint(error: DatabaseError) -> str | None:
    """The name of the constraint that PostgreSQL found violated.

    Citus names the constraint of a shard, with its number behind, and in the message alone.
    """
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return None
    named = _CONSTRAINT.search(str(cause))
    return cause.diag.constraint_name or (named[1] if named else None)
