"""The time that a request has, whatever PostgreSQL does: its connection is cut from outside.

PostgreSQL ends a statement that takes too long by itself, if it works. Frozen, it ends nothing; the
kernel goes on acknowledging for it, and a thread waits as long as it is frozen. So a thread of the
process looks at the requests that have lasted for MOST_SECONDS: one that has waited for the same
answer since STUCK_SECONDS has its socket shut down. To the thread that waits this is a connection
that broke, an outage like any other (tenants.outages). A request that still gets answers goes on.

Afterwards the request opens no connection any more and takes none of others, nor does one whose time would
not suffice for it.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import OperationalError
from psycopg.pq import ConnStatus, TransactionStatus

MOST_SECONDS: Final = 8.5  # from when a request has come; statements end before (config.database)
STUCK_SECONDS: Final = 1.0
CONNECT_SECONDS: Final = 3  # the most that a new connection takes
_LOOK_SECONDS: Final = 0.2
_OVER: Final = "The time of the request is over: no connection is opened."


class Line:
    """The socket of an open connection, by a descriptor of its own.

    Whoever closes the connection meanwhile, the descriptor means no other socket.
    """

    _socket: socket.socket | None = None

    def __init__(self, session: Any) -> None:
        self.sent = 0  # messages; counted by the thread that sends them
        self._connection = session.pgconn
        self._socket = socket.socket(fileno=os.dup(self._connection.socket))
        self._news = select.poll()
        self._news.register(self._socket, select.POLLIN)

    def __del__(self) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def is_waiting(self) -> bool:
        """True while an answer is outstanding."""
        status: TransactionStatus = self._connection.transaction_status
        return status == TransactionStatus.ACTIVE

    @property
    def has_ended(self) -> bool:
        """True if the server has hung up, as far as the kernel knows. Needs a line on which nothing is awaited.

        A server that says something unasked says that it ends; or, seldom, that a setting was changed.
        """
        return self._connection.status != ConnStatus.OK or bool(self._news.poll(0))

    def cut(self) -> None:
        """Have whoever waits for the server find the connection broken."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Request:
    """A request that a thread handles; times are of the steady clock."""

    until: float
    is_cut: bool = False
    line: Line | None = None  # that it had when it was looked at
    seen: int = -1  # messages sent at that time
    seen_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_requests: Final[dict[int, _Request]] = {}  # by thread
_lines: Final[dict[int, Line]] = {}


@contextmanager
def watched(since: float) -> Iterator[None]:
    """Limit the time of what this thread does, a request that has come at that steady time."""
    thread = threading.get_ident()
    request = _requests[thread] = _Request(since + MOST_SECONDS)
    try:
        yield
    finally:
        with request.lock:  # whoever looks at it has done so
            del _requests[thread]


def present() -> int:
    """The number of requests that threads of this process handle at this moment."""
    return len(_requests)


def is_late() -> bool:
    """True if the time of this thread's request is over."""
    request = _requests.get(threading.get_ident())
    return request is not None and (request.is_cut or time.monotonic() >= request.until)


def check_not_cut() -> None:
    """Raise OperationalError if this thread's request was cut off: it takes no other connection."""
    request = _requests.get(threading.get_ident())
    if request is not None and request.is_cut:
        raise OperationalError(_OVER)


def check_time_to_connect() -> None:
    """Raise OperationalError if this thread's request has no time for another connection."""
    check_not_cut()
    request = _requests.get(threading.get_ident())
    if request is None:
        return
    if request.until + STUCK_SECONDS - time.monotonic() < CONNECT_SECONDS:
        raise OperationalError(_OVER)


def note_line(line: Line | None) -> None:
    """Remember the open connection of this thread; None when it is closed, or another thread's from now on."""
    thread = threading.get_ident()
    if line is not None:
        _lines[thread] = line
        return
    request = _requests.get(thread)
    with request.lock if request else nullcontext():  # whoever cuts it has done so
        _lines.pop(thread, None)


def look(now: float) -> int:
    """Cut the connections of requests that are late and stuck; the number of them."""
    late = [each for each in list(_requests.items()) if now >= each[1].until]
    return sum(_judge(thread, request, now) for thread, request in late)


def _judge(thread: int, request: _Request, now: float) -> bool:
    with request.lock:
        line = _lines.get(thread)
        if request.is_cut or line is None or _requests.get(thread) is not request:
            return False
        if not line.is_waiting or line is not request.line or line.sent != request.seen:
            request.line, request.seen, request.seen_at = line, line.sent, now
            return False
        if now - request.seen_at < STUCK_SECONDS:
            return False
        request.is_cut = True
        line.cut()
        return True


def watch() -> None:
    """Look at the requests of this process from now on, in a thread of its own."""
    threading.Thread(target=_watch, name="deadlines", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        look(time.monotonic())
