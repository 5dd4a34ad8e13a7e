"""The sessions of a serving process: a transaction takes the one that knows its schema (decision 0160).

A PostgreSQL process reads the catalog for each schema that it meets for the first time, and prepares the
statements of each: 3 ms of processor time and more, where a request takes one. Were each thread to
keep a session, it would meet each tenant in all of them. So they belong to the process: a transaction
takes an idle one that has been in its schema, and gives it back when its COMMIT is answered.

There are never more of them than threads that had one at the same time. A session comes with everything
that is known about it, and nobody uses what it has given back: named cursors are closed, and a cursor
of a session that the thread has no longer is refused (tenants.backend.base).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Condition
from time import monotonic
from typing import Any, Final
from weakref import WeakSet

from psycopg.pq import ConnStatus, TransactionStatus

from tenants import deadlines
from tenants.backend.statements import Statements

# How long transactions wait, all together and within a minute, for a session that knows their schema: about
# as long as another one takes to get to know it on a busy machine. Then another one does.
PATIENCE_SECONDS: Final = 0.02
# How long each waits behind another schema's where all sessions know many: half of what they hold (connecting).
TURN_SECONDS: Final = 0.05
MANY_SCHEMAS: Final = 250
_MINUTE: Final = 60.0  # seconds
_MOST_WAITS: Final = 10_000  # schemas of which it is known for how long they were waited for
# Schemas are spread over so many sessions, as many as gunicorn has threads, once each knows a few.
SPREAD: Final = 4
FEW_SCHEMAS: Final = 100
# How long a transaction waits for a session of another one where PostgreSQL has no room for a further one.
ROOM_SECONDS: Final = 1.0
# Those that a process keeps: one more for its background threads (config.starting counts on it).
MOST_KEPT: Final = SPREAD + 1


@dataclass(eq=False, slots=True, weakref_slot=True)
class Session:
    """A connection to PostgreSQL, and what is known about it."""

    connection: Any  # psycopg's
    statements: Statements
    line: deadlines.Line
    limits: tuple[bytes, ...]  # the statements that limit a transaction
    visited: set[str] = field(default_factory=set)  # schemas
    schema: str = ""  # of the transaction that it was taken for, "" while it is idle

    @property
    def is_sound(self) -> bool:
        """True if it is open and outside of a transaction, as far as this side knows."""
        session = self.connection.pgconn
        return bool(
            session.status == ConnStatus.OK and session.transaction_status == TransactionStatus.IDLE
        )


class Sessions:
    """The sessions of a process, each of a thread's for a while or idle; safe for threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._idle: list[Session] = []  # the one that was given back last is the last
        self._all: WeakSet[Session] = WeakSet()  # those of threads among them
        self._waiting = 0
        # By schema, from when on and for how long transactions have waited without turns, in seconds.
        self._waits: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Session]:
        """All of them at this moment."""
        with self._changed:
            return iter(list(self._all))

    def take(self, schema: str) -> Session | None:
        """An idle session for a transaction in that schema, in any for ""; None: open one and `add` it.

        One that has been in the schema, for which it waits a moment if another thread has it; else the one that
        has been in the fewest. Those of a minute wait no longer all together, so a tenant that comes all the
        time soon has a session for each thread; behind others each waits, lest sessions that know many be full.
        """
        with self._changed:
            found = self._knowing(schema)
            if found is None and any(schema in each.visited for each in self._all):
                found = self._awaited(schema)
            if found is None:
                found = self._with_fewest()
            if found is not None:
                self._idle.remove(found)
                found.schema = schema
            return found

    def take_any(self, schema: str, seconds: float) -> Session | None:
        """The idle session that was used last, after that many seconds at most if transactions have all there are.

        It is for a transaction in that schema, "" if in none of a tenant's.
        """
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._idle or not self._all, seconds)
            finally:
                self._waiting -= 1
            if not self._idle:
                return None
            found = self._idle.pop()
            found.schema = schema
            return found

    @property
    def are_many(self) -> bool:
        """True if there are more than a process keeps, so that one is closed when its transaction has ended."""
        return len(self._all) > MOST_KEPT

    def add(self, session: Session) -> None:
        """Note a session that a thread has opened, and has."""
        with self._changed:
            self._all.add(session)

    def give_back(self, session: Session) -> None:
        """Let others have it."""
        with self._changed:
            self._idle.append(session)
            session.schema = ""
            if self._waiting:
                self._changed.notify_all()

    def discard(self, session: Session) -> None:
        """Forget one that a thread has closed, or does not give back."""
        with self._changed:
            self._all.discard(session)
            self._changed.notify_all()

    def close_idle(self) -> None:
        """Close those that nobody has: what ended one of them, a restart say, has ended all."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._all.difference_update(idle)
            self._changed.notify_all()
        for each in idle:
            each.connection.close()

    def _knowing(self, schema: str) -> Session | None:
        """The idle session that has been in the schema, and was used last."""
        for each in reversed(self._idle):
            if not schema or schema in each.visited:
                return each
        return None

    def _awaited(self, schema: str) -> Session | None:
        since = monotonic()
        takes_turns = self._know_many and all(each.schema != schema for each in self._all)
        patience = PATIENCE_SECONDS - self._waited(schema, since)[1]
        until = since + (TURN_SECONDS if takes_turns else patience)
        self._waiting += 1
        try:
            while (left := until - monotonic()) > 0:
                self._changed.wait(left)
                if (found := self._knowing(schema)) is not None:
                    return found
        finally:
            self._waiting -= 1
            if not takes_turns:
                self._note_wait(schema, since)
        return None

    @property
    def _know_many(self) -> bool:
        """True if each session that there may be knows many schemas."""
        many = sum(len(each.visited) >= MANY_SCHEMAS for each in self._all)
        return many >= min(len(self._all), SPREAD)

    def _waited(self, schema: str, now: float) -> tuple[float, float]:
        begun, seconds = self._waits.get(schema, (now, 0.0))
        return (begun, seconds) if now - begun < _MINUTE else (now, 0.0)

    def _note_wait(self, schema: str, since: float) -> None:
        if len(self._waits) >= _MOST_WAITS:
            self._waits.clear()
        begun, seconds = self._waited(schema, since)
        self._waits[schema] = begun, seconds + monotonic() - since

    def _with_fewest(self) -> Session | None:
        """The idle session that has been in the fewest schemas; None if a further one is to be opened."""
        least = min(self._idle, key=lambda each: len(each.visited), default=None)
        if least is None or (len(self._all) < SPREAD and len(least.visited) >= FEW_SCHEMAS):
            return None
        return least
