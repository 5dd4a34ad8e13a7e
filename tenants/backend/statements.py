"""The hot statements of a connection, prepared when they first come and executed by libpq's own calls (decision 0050).

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import Cursor, OperationalError, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.types.datetime import TimestamptzLoader

from tenants import outages

Parameters = Sequence[Any] | Mapping[str, Any]
Rows = list[tuple[Any, ...]]
Key = tuple[bytes, Any, bytes]  # text, types and path


class Hot(NamedTuple):
    """A hot statement, to be executed once."""

    statement: str
    parameters: Parameters = ()


class Foreseen(NamedTuple):
    """A statement that a request is going to execute, and what goes in its stead with the beginning.

    The rows of that are those of the statement; none may also mean that they were not to be had at once,
    unless the transaction `ends` with it.
    """

    hot: Hot
    ahead: Hot
    ends: bool


def reading(hot: Hot) -> Foreseen:
    """A statement that is all that a transaction is going to execute."""
    return Foreseen(hot, hot, ends=True)


class Command(NamedTuple):
    """A statement as it goes to PostgreSQL, alone or in a message with others (tenants.backend.messages)."""

    key: Key
    name: bytes  # under which it is prepared; b"" goes as text
    is_new: bool  # it is prepared by the message that executes it
    values: Any = None
    formats: Any = None


COMMIT: Final = b"COMMIT"
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_PLACE: Final = re.compile(r"%(?:\((?P<name>\w+)\)s|(?P<positional>s)|%)")
# Statements that stay prepared on a connection, with plans of 20 KB: those of 250 tenants at once.
_MOST: Final = 4000
_ROOM: Final = 100  # of them that make room together


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as PostgreSQL reads it; names of its parameters in order, None if they have none."""

    text: bytes
    names: tuple[str, ...] | None
    count: int


class Statements:
    """The statements of one connection, each prepared when it first comes on a search path.

    PostgreSQL plans anew what it executes on another path than the last time, so each tenant has its own
    (decision 0163). A path is named by the command that puts it in force, b"" is the session's.
    Nothing `prepares` on a connection that may reach another session each time. Needs the thread that the
    connection belongs to.
    """

    def __init__(self, session: psycopg.Connection[Any], *, prepares: bool) -> None:
        self.prepares = prepares
        self._session = session
        self._answers = select.poll()
        self._answers.register(session.pgconn.socket, select.POLLIN)
        context = Cursor(session)
        # Django's own is written in Python; the session is in UTC (config.database).
        context.adapters.register_loader("timestamptz", TimestamptzLoader)
        self._values: Any = Transformer(context)
        self._names: OrderedDict[Key, bytes] = OrderedDict()  # of what is prepared, the latest last
        self._made = 0
        self._is_outdated = False  # what PostgreSQL has prepared

    def execute(self, hot: Hot, path: bytes) -> Rows:
        """The rows of one statement, on the path that is in force. Raises psycopg's errors."""
        command, session = self.command(hot, path), self._session.pgconn
        if command.is_new:
            [rows] = self.send_all([command])
            return rows
        if command.name:
            result = session.exec_prepared(command.name, command.values, command.formats)
        else:
            text, types, _ = command.key
            result = session.exec_params(text, command.values, types, command.formats)
        return self.rows(self._checked(result))

    def command(self, hot: Hot, path: bytes) -> Command:
        """The statement for that path. Raises psycopg's errors for a value that cannot be written."""
        text = _translated(hot.statement)
        values = self._dumped(_in_order(text, hot.parameters))
        named = self._named((text.text, self._values.types, path))
        return Command(*named, values, self._values.formats)

    def plain(self, text: bytes) -> Command:
        """A command without values that no path changes, such as COMMIT."""
        return Command(*self._named((text, (), b"")))

    def send(self, commands: bytes) -> Any:
        """The result of the last of the commands, which go in one message and have no parameters."""
        return self._checked(self._session.pgconn.exec_(commands))

    def send_all(self, commands: Sequence[Command]) -> list[Rows]:
        """The rows of each of the commands, which go in one message, libpq's pipeline. Raises psycopg's errors.

        After an error PostgreSQL passes over what follows it in the message, COMMIT included.
        """
        session = self._session.pgconn
        answers: list[list[Any]] = []
        try:
            session.enter_pipeline_mode()
            for each in commands:
                self._put(each)
            session.pipeline_sync()
            if session.flush():  # it is large
                self._session.wait(generators.send(session))
            answers.extend([self._awaited() for _ in range(1 + each.is_new)] for each in commands)
            self._awaited()  # the end of the message
            session.exit_pipeline_mode()
        except BaseException as error:
            found = self._committed(commands, answers) if isinstance(error, psycopg.Error) else None
            session.finish()  # nobody would know what its next answer belongs to
            if found is not None:
                return found
            for results in answers:  # PostgreSQL may have said why it ends the connection
                list(map(self._checked, results))
            raise
        for each, (first, *_) in zip(commands, answers, strict=True):
            if each.is_new and first.status in _DONE:
                self._names[each.key] = each.name
        return [self.rows([*map(self._checked, results)][-1]) for results in answers]

    def _committed(
        self, commands: Sequence[Command], answers: Sequence[Sequence[Any]]
    ) -> list[Rows] | None:
        """The rows of a message whose COMMIT was answered before its connection ended; None of another one.

        PostgreSQL ends a session that it was told to end while it commits as soon as it has: what it would
        have said next is only that the message is over.
        """
        if len(answers) < len(commands) or answers[-1][-1].command_status != COMMIT:
            return None
        return [self.rows(results[-1]) for results in answers]

    def _put(self, command: Command) -> None:
        """Add a command to the message, behind what prepares it."""
        session, (text, types, _) = self._session.pgconn, command.key
        if command.is_new:
            session.send_prepare(command.name, text, types)
        if command.name:
            session.send_query_prepared(command.name, command.values, command.formats)
        else:
            session.send_query_params(text, command.values, types, command.formats)

    def _awaited(self) -> Any:
        """The next result of a message, without Python's lock while it is waited for."""
        session = self._session.pgconn
        while session.is_busy():
            self._answers.poll()
            session.consume_input()
        result = session.get_result()
        session.get_result()  # None: its command has no further one
        return result

    def rows(self, result: Any) -> Rows:
        """The rows of an answer."""
        if not result.ntuples:
            return []
        self._values.set_pgresult(result)
        rows: Rows = self._values.load_rows(0, result.ntuples, tuple)
        self._values.set_pgresult(None)  # its memory is not the connection's to keep
        return rows

    def _named(self, key: Key) -> tuple[Key, bytes, bool]:
        """The key, the name under which it is prepared, and whether that is still to be done."""
        if not self.prepares:
            return key, b"", False
        name = self._names.get(key)
        if name is not None:
            self._names.move_to_end(key)
            return key, name, False
        self._make_room()
        self._made += 1
        return key, b"hot_%d" % self._made, True

    def _make_room(self) -> None:
        """Remove what is not known any more, or has not come for long: its plans take memory."""
        if self._is_outdated:
            self.send(b"DEALLOCATE ALL")
            self._is_outdated = False
        elif len(self._names) >= _MOST:
            oldest = list(islice(self._names, _ROOM))
            self.send(b"; ".join(b"DEALLOCATE " + self._names[each] for each in oldest))
            for each in oldest:
                del self._names[each]

    def _dumped(self, values: Sequence[Any]) -> Any:
        return self._values.dump_sequence(values, [PyFormat.AUTO] * len(values))

    def _checked(self, result: Any) -> Any:
        """The result. Raises its error, after which what is outdated is prepared anew."""
        if result.status in _DONE:
            return result
        state = result.error_field(DiagnosticField.SQLSTATE)
        if not state:  # libpq's own: it may take the connection for open where only sending failed
            reason = result.get_error_message()
            self._session.pgconn.finish()
            raise OperationalError(reason)
        if state.decode() in outages.OUTDATED:
            self._names.clear()
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
