"""The session of a thread: one of its own, or one of its process for a transaction.

A command, a migration and a test keep what they have opened. The threads of a serving process share
their sessions (tenants.backend.sessions): to Django the connection is closed between two transactions.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from django.db.backends.signals import connection_created
from django_tenants.postgresql_backend import base
from psycopg import sql
from psycopg.pq import ConnStatus

from tenants import deadlines
from tenants.backend.sessions import ROOM_SECONDS, Session, Sessions
from tenants.backend.statements import Statements

PUBLIC: Final = "public"
# Schemas that a connection visits before it is replaced: 0.27 MB of memory each (decision 0008).
MOST_SCHEMAS: Final = 500
_SETTINGS: Final = {"timezone": "UTC"}  # of each session
# A plan for the values of one execution is never worth being made anew each time: hot statements find their
# rows by an index whatever they are (decision 0132). Citus 14 has no plan for all values.
_PLANS: Final = (
    b"; SELECT set_config('plan_cache_mode', 'force_generic_plan', false)"
    b" WHERE to_regproc('citus_schema_distribute') IS NULL"
)


class ConnectingWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants ships no types
    """A connection that is opened, or taken from the process, when it is needed."""

    statements: Statements
    _line: deadlines.Line  # of the present connection
    _session: Session | None = None  # the present connection, if others may have it afterwards
    is_pooled: bool = False  # of the present connection, as are the next
    _visited: set[str]  # schemas, by the present connection
    _limits: tuple[bytes, ...] = ()  # the statements that limit a transaction

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visited = set()
        self._named: list[Any] = []  # cursors of the server
        self.autocommit = True  # as it will be when there is a connection

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A new connection, with the time limits of `LIMITS` and statements prepared as `POOLER` says.

        The session behind a pooler belongs to everybody: the limits go with each transaction instead,
        and what one server has prepared another does not know (decision 0080).
        """
        deadlines.check_time_to_connect()
        session = super().get_new_connection(conn_params)
        self._visited = set()
        self._line = deadlines.Line(session)
        deadlines.note_line(self._line)
        prepares, session.prepare_threshold = session.prepare_threshold is not None, None
        self.statements = Statements(session, prepares=prepares)
        limits = self.settings_dict.get("LIMITS", {})
        self.is_pooled = self.settings_dict.get("POOLER") == "transaction" or self._has_strange_id(
            session
        )
        if self.is_pooled:
            self.statements.prepares = False
            self._limits = _set_limits(limits, "LOCAL")
        else:
            self._limits = ()
            set_all = _set_limits({**_SETTINGS, **limits}, "SESSION")
            self.statements.send(b"; ".join(set_all) + _PLANS)
            if (sessions := self._sessions) is not None:
                self._session = Session(
                    session, self.statements, self._line, self._limits, self._visited
                )
                self._session.schema = self.schema_name
                sessions.add(self._session)
        return session

    @property
    def _sessions(self) -> Sessions | None:
        """Those of the process (config.database), of which a transaction takes one; None: it has its own."""
        sessions: Sessions | None = self.settings_dict.get("SESSIONS")
        return sessions

    def connect(self) -> None:
        """Take a session of the process, or open one. Within a block this goes on with its transaction."""
        sessions = self._sessions
        if sessions is None:
            super().connect()
            return
        deadlines.check_not_cut()
        if not self.in_atomic_block:  # as Django does it
            for each in (self.savepoint_ids, self.atomic_blocks, self.run_on_commit):
                each.clear()
            self.needs_rollback = self.closed_in_transaction = self.errors_occurred = False
            self.autocommit = True
        schema = "" if self.schema_name == PUBLIC else self.schema_name
        session = sessions.take(schema)
        if session is None:
            try:
                self._open()
            except psycopg.OperationalError as error:  # PostgreSQL has no room for another one, say
                has_waited = isinstance(error, psycopg.errors.ConnectionTimeout)
                session = sessions.take_any(schema, 0.0 if has_waited else ROOM_SECONDS)
                if session is None:
                    raise
        if session is not None:
            self._adopt(session)

    def _open(self) -> None:
        autocommit, self.autocommit = self.autocommit, True
        try:
            self.connection = self.get_new_connection(self.get_connection_params())
            self._set_autocommit(True)
            self.init_connection_state()
            connection_created.send(sender=type(self), connection=self)
        finally:
            self.autocommit = autocommit
        self._set_autocommit(autocommit)

    def _adopt(self, session: Session) -> None:
        self._session = session
        self.connection, self.statements = session.connection, session.statements
        self._line, self._limits, self._visited = session.line, session.limits, session.visited
        deadlines.note_line(self._line)
        self._set_autocommit(self.autocommit)

    def give_back(self) -> None:
        """Let other threads have the session, whose transaction has ended. Needs nothing that is late.

        A connection that has visited MOST_SCHEMAS is closed: its PostgreSQL process remembers the tables
        of each and forgets none. Behind a pooler that is the pooler's affair (`server_lifetime`). And one
        of more than the process keeps is closed.
        """
        session, sessions = self._session, self._sessions
        if self.connection is None:
            return
        is_full = len(self._visited) >= MOST_SCHEMAS and not self.is_pooled
        are_many = sessions is not None and sessions.are_many
        is_open = self.connection.pgconn.status == ConnStatus.OK
        is_kept = is_open if session is None else session.is_sound and not are_many
        if is_full or not is_kept:
            # Not Django's close(), which is an end of the block and of what waits for its commit.
            self._close()
            self.connection = None
            return
        if session is None or sessions is None:
            return
        for cursor in self._named:
            cursor.close()  # it has ended with its transaction; closed later, it would send a statement
        self._named.clear()
        deadlines.note_line(None)
        self._session = self.connection = None
        del self.statements, self._line
        sessions.give_back(session)

    def _replace(self) -> None:
        """Have another connection for one that has ended; a block goes on with its transaction.

        Where none is to be had the one that has ended stays, so that nobody takes that for a commit.
        """
        sessions, ended, autocommit = self._sessions, self.connection, self.autocommit
        if sessions is not None and self._session is not None:
            sessions.discard(self._session)
        with self.wrap_database_errors:
            if sessions is None:
                self._open()
            else:
                self.connect()
        self.autocommit = autocommit
        self._set_autocommit(autocommit)
        self._named.clear()
        self.errors_occurred = False
        ended.close()

    def _replace_all(self) -> None:
        """Replace a connection of which only an error told that it has ended: idle ones may have, too."""
        if (sessions := self._sessions) is not None:
            sessions.close_idle()
        self._replace()

    def create_cursor(self, name: str | None = None) -> Any:
        """Django's; one of the server is closed before others have the session."""
        cursor = super().create_cursor(name)
        if name and self._session is not None:
            self._named = [each for each in self._named if not each.closed] + [cursor]
        return cursor

    def _has_strange_id(self, session: Any) -> bool:
        """True if the session's process id is not that of its PostgreSQL process: a pooler makes its own."""
        asked = self.statements.send(b"SELECT pg_backend_pid()")
        return bool(int(asked.get_value(0, 0)) != session.info.backend_pid)

    def chunked_cursor(self) -> Any:
        """Django's; no cursor of the server is kept beyond a transaction where others have the session then."""
        if (self.is_pooled or self._sessions is not None) and self.get_autocommit():
            return self.cursor()
        return super().chunked_cursor()

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001  # the signature is Django's
        """Note how psycopg shall treat what follows; its property takes a lock and looks at its state.

        It is asked for before BEGIN and after COMMIT or ROLLBACK, which are sent here.
        """
        self.connection._autocommit = autocommit  # noqa: SLF001  # the property's own

    def _close(self) -> None:
        del self._line
        self._named.clear()
        deadlines.note_line(None)
        session, self._session = self._session, None
        if session is not None:
            sessions: Sessions = self.settings_dict["SESSIONS"]
            sessions.discard(session)
            if session.connection.pgconn.status == ConnStatus.BAD:
                sessions.close_idle()
        super()._close()


def _set_limits(limits: Mapping[str, str], scope: str) -> tuple[bytes, ...]:
    """The statements that set these for the session, or for the transaction."""
    form = sql.SQL(f"SET {scope} {{}} = {{}}")
    return tuple(
        form.format(sql.Identifier(name), value).as_bytes() for name, value in limits.items()
    )
