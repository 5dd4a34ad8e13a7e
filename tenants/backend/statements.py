"""The hot statements of a connection, prepared once and executed by libpq's own calls (decision 0050).

A cursor of psycopg's asks for each statement anew how values are written and read, and waits in a loop
that Python runs; both cost more than the statement. Here texts are translated once, what reads and
writes values is kept with the connection, and libpq waits, without Python's lock. Meanwhile a signal
is not acted upon; the time of statements is limited where requests are served (config.database).

A statement that PostgreSQL has prepared outlives a ROLLBACK, so a refused request makes nobody plan
anew.
"""

import re
import select
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import Cursor, OperationalError, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.types.datetime import TimestamptzLoader

from tenants import outages

Parameters = Sequence[Any] | Mapping[str, Any]
Rows = list[tuple[Any, ...]]
Key = tuple[bytes, Any, bytes]  # text, types and path


class Hot(NamedTuple):
    """A hot statement, to be executed once."""

    statement: str
    parameters: Parameters = ()


class Command(NamedTuple):
    """A hot statement as a command of a message, which has no parameters (tenants.backend.messages)."""

    text: bytes
    key: Key
    is_prepared: bool


_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_PLACE: Final = re.compile(r"%(?:\((?P<name>\w+)\)s|(?P<positional>s)|%)")
_NUMBER: Final = re.compile(rb"\$(\d+)")
_MOST: Final = 1200  # statements that are known, of which those that come are prepared


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as PostgreSQL reads it; names of its parameters in order, None if they have none."""

    text: bytes
    names: tuple[str, ...] | None
    count: int


class Statements:
    """The statements of one connection, each prepared when it has come often on a search path.

    PostgreSQL plans anew what it executes on another path than the last time, so a tenant that comes
    often has its own; the others share one (decision 0149). A path is named by the command that puts
    it in force, b"" is the session's and the shared ones'.
    `after` is how often, None for a connection that may reach another session each time. Needs the
    thread that the connection belongs to.
    """

    def __init__(self, session: psycopg.Connection[Any], after: int | None) -> None:
        self.after = after
        self._session = session
        self._answers = select.poll()
        self._answers.register(session.pgconn.socket, select.POLLIN)
        context = Cursor(session)
        # Django's own is written in Python; the session is in UTC (config.database).
        context.adapters.register_loader("timestamptz", TimestamptzLoader)
        self._values: Any = Transformer(context)
        # The name of what is prepared, else how often it came; by text and types.
        self._known: OrderedDict[Key, bytes | int] = OrderedDict()
        self._made = 0
        self._is_outdated = False  # what PostgreSQL has prepared

    def execute(self, hot: Hot, path: bytes) -> Rows:
        """The rows of one statement, on the path that is in force. Raises psycopg's errors."""
        text, values, name = self._prepared(hot, path)
        session, formats = self._session.pgconn, self._values.formats
        if name is None:
            types = self._values.types
            result = session.exec_params(text, values, types, formats)
        else:
            result = session.exec_prepared(name, values, formats)
        return self.rows(self._checked(result))

    def execute_to_end(self, hots: Sequence[Hot], path: bytes) -> list[Rows]:
        """The rows of each of the statements, which go in one message with COMMIT. Raises psycopg's errors.

        After an error nothing is committed: PostgreSQL passes over what follows it in the message.
        """
        sends = [self._sending(hot, path) for hot in hots]
        session = self._session.pgconn
        try:
            session.enter_pipeline_mode()
            for send in sends:
                send()
            session.send_query_params(b"COMMIT", None)
            session.pipeline_sync()
            if session.flush():  # it is large
                self._session.wait(generators.send(session))
            answers = [self._awaited(session) for _ in (*sends, b"COMMIT")]
            self._awaited(session)  # the end of the message
            session.exit_pipeline_mode()
        except BaseException:
            session.finish()  # nobody would know what its next answer belongs to
            raise
        return [self.rows(self._checked(result)) for result in answers][:-1]

    def _awaited(self, session: Any) -> Any:
        """The result of the next command of a message, without Python's lock while it is waited for."""
        while session.is_busy():
            self._answers.poll()
            session.consume_input()
        result = session.get_result()
        session.get_result()  # None: it has no further one
        return result

    def _sending(self, hot: Hot, path: bytes) -> Callable[[], None]:
        """The call that sends the statement and does not wait for its answer."""
        text, values, name = self._prepared(hot, path)
        session, types, formats = self._session.pgconn, self._values.types, self._values.formats
        if name is None:
            return partial(session.send_query_params, text, values, types, formats)
        return partial(session.send_query_prepared, name, values, formats)

    def command(self, hot: Hot, path: bytes, *, is_in_force: bool) -> Command:
        """The statement as a command for that path, which may not be in force before its message.

        It names what is prepared; what is not has its values in its text.
        """
        text = _translated(hot.statement)
        values = _in_order(text, hot.parameters)
        self._dumped(values)
        key = text.text, self._values.types, path
        name = self.count(key) if is_in_force else self._name_of(key)
        literals = list(map(self._values.as_literal, values))
        if name is None:
            written = _NUMBER.sub(lambda found: literals[int(found[1]) - 1], text.text)
        else:
            written = b"EXECUTE " + name + (b" (%s)" % b", ".join(literals) if literals else b"")
        return Command(written, key, is_prepared=name is not None)

    def is_due(self, key: Key) -> bool:
        """True if `count` will prepare it."""
        known = self._known.get(key, 0)
        return self.after is not None and isinstance(known, int) and known >= self.after

    def count(self, key: Key, *, prepares: bool = True) -> bytes | None:
        """Count that it has come; the name of what is prepared, perhaps just now: the path is in force."""
        known = self._known.get(key, 0)
        if isinstance(known, int):
            known = self._prepare(key) if prepares and self.is_due(key) else known + 1
        self._keep(key, known)
        if isinstance(known, bytes):
            return known
        return self.count((*key[:2], b""), prepares=prepares) if key[2] else None

    def send(self, commands: bytes) -> Any:
        """The result of the last of the commands, which go in one message and have no parameters."""
        return self._checked(self._session.pgconn.exec_(commands))

    def send_all(self, commands: bytes) -> list[Rows]:
        """The rows of each of the commands, which go in one message and have no parameters."""
        self._session.pgconn.send_query(commands)
        results = self._session.wait(generators.execute(self._session.pgconn))
        return [self.rows(self._checked(result)) for result in results]

    def rows(self, result: Any) -> Rows:
        """The rows of an answer."""
        if not result.ntuples:
            return []
        self._values.set_pgresult(result)
        rows: Rows = self._values.load_rows(0, result.ntuples, tuple)
        self._values.set_pgresult(None)  # its memory is not the connection's to keep
        return rows

    def _prepared(self, hot: Hot, path: bytes) -> tuple[bytes, Any, bytes | None]:
        """Text and values of a statement, and its name if it is prepared, perhaps just now."""
        text = _translated(hot.statement)
        values = self._dumped(_in_order(text, hot.parameters))
        if self.after is None:
            return text.text, values, None
        return text.text, values, self.count((text.text, self._values.types, path))

    def _name_of(self, key: Key) -> bytes | None:
        """The name of what is prepared for the path, else for all."""
        known = self._known.get(key)
        if isinstance(known, bytes):
            self._known.move_to_end(key)
            return known
        shared = self._known.get((*key[:2], b""))
        return shared if isinstance(shared, bytes) else None

    def _keep(self, key: Key, known: bytes | int) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > _MOST:
            self._forget_oldest()

    def _prepare(self, key: Key) -> bytes:
        if self._is_outdated:  # nothing of it is known, and its plans take memory
            self.send(b"DEALLOCATE ALL")
            self._is_outdated = False
        self._made += 1
        name = b"hot_%d" % self._made
        text, types, _ = key
        self._checked(self._session.pgconn.prepare(name, text, types))
        return name

    def _forget_oldest(self) -> None:
        _, name = self._known.popitem(last=False)
        if isinstance(name, bytes):
            self.send(b"DEALLOCATE " + name)

    def _dumped(self, values: Sequence[Any]) -> Any:
        return self._values.dump_sequence(values, [PyFormat.AUTO] * len(values))

    def _checked(self, result: Any) -> Any:
        """The result. Raises its error, after which what is outdated is prepared anew."""
        if result.status in _DONE:
            return result
        state = result.error_field(DiagnosticField.SQLSTATE)
        if not state and self._session.pgconn.status == ConnStatus.BAD:
            raise OperationalError(result.get_error_message())
        if state and state.decode() in outages.OUTDATED:
            self._known.clear()
            self._is_outdated = True
        raise error_from_result(result)


@lru_cache(maxsize=512)
def _translated(statement: str) -> _Text:
    names: dict[str, int] = {}
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        name = found["name"]
        if name is not None:
            return f"${names.setdefault(name, len(names) + 1)}"
        if found["positional"] is None:
            return "%"
        count += 1
        return f"${count}"

    text = _PLACE.sub(place, statement).encode()
    return _Text(text, tuple(names) if names else None, count or len(names))


def _in_order(text: _Text, parameters: Parameters) -> Sequence[Any]:
    """The values of the parameters, those with a name in the order of their places."""
    if isinstance(parameters, Mapping):
        return [parameters[name] for name in text.names or ()]
    if len(parameters) != text.count:
        raise TypeError(f"The statement has {text.count} parameters, not {len(parameters)}.")
    return parameters
