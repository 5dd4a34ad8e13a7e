"""The open connections of a worker: whichever of its threads is free takes the next request by itself.

gunicorn's main thread waits at all connections, gives each request to a thread and takes the connection back
afterwards, three messages between threads for each request; and while it closes a connection whose client
does not hang up, nobody gets a thread. Here the threads wait at all connections, and one that has answered
takes what waits next. The main thread takes new connections, and closes those whose time is over
(decision 0166).

There is one thread more than requests are handled at once: it is left to see whose requests come, and to
answer a probe, whatever all others do.
"""

import errno
import math
import socket
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from config.lanes import PROBES, Lanes, Turn, beginning, is_probe, received
from config.readiness import Readiness

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_READING: Final = 5.0  # seconds that a request may take to be read, once a thread does
_LOOK: Final = struct.pack("@ll", 0, 500_000)  # half a second of them: a timeval
_TAKING: Final = struct.pack("@ll", 10, 0)  # seconds in which a client takes a part of an answer
# Seconds, and bytes, in which a client may read the last answer on a connection, and hang up.
_PARTING: Final = 2.0
_DRAINED: Final = 65_536
_ENDED: Final = Turn("", None, 0.0)


class ClientSocket(socket.socket):
    """The socket of a client that has a time for its request, and for each part of the answer.

    gunicorn would wait for ever.
    """

    until = math.inf  # by the steady clock

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.setblocking(True)
        with suppress(OSError):  # macOS refuses it for a client that is gone
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LOOK)
            self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TAKING)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The bytes that have come. Raises ConnectionResetError, as if the client were gone, for those that are late.

        What has come in time may be read at any time.
        """
        while True:
            is_late = time.monotonic() >= self.until
            try:
                return super().recv(size, flags or (socket.MSG_DONTWAIT if is_late else 0))
            except BlockingIOError:
                if flags:
                    raise
                if is_late:
                    late = "The request did not come in time."
                    raise ConnectionResetError(errno.ECONNRESET, late) from None

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        """Send all of it. Raises ConnectionResetError for a client that takes nothing any more."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            reason = "The client takes nothing any more."
            raise ConnectionResetError(errno.ECONNRESET, reason) from None


class Connections:
    """Of one worker, in the process that it has. Safe for threads.

    A connection is gunicorn's; it waits for a request, for a turn, or has a thread, or it parts: nothing more
    is sent on it, and what the client still sends is passed over, so that it can read the answer.
    """

    def __init__(self, worker: Any) -> None:
        # The number of connections of the worker is changed under it, too.
        self.lock = threading.RLock()
        self._worker = worker
        self._lanes = Lanes(worker.cfg.threads)
        self._readiness = Readiness()
        # By descriptor.
        self._idle: dict[int, Any] = {}
        self._parting: dict[int, Any] = {}
        self._patient = 0  # threads that wait for a lane's next turn, too
        self._has_ended = False

    @property
    def idle(self) -> Mapping[int, Any]:
        """Those that wait for a request."""
        return self._idle

    def add(self, conn: Any) -> None:
        """Wait for the first request on a new connection."""
        conn.data_ready = True  # for gunicorn, once it has a thread
        conn.sock = ClientSocket(fileno=conn.sock.detach())
        self._wait_on(conn)

    def serve(self) -> None:
        """Take requests that have come, and answer them, until the worker ends; each thread does."""
        try:
            turn = self._next()
            while turn is not _ENDED:
                turn = self._answered(turn) or self._next()
        except BaseException:
            self._worker.log.exception("A thread of a worker has failed; the worker ends.")
            self._worker.handle_exit(None, None)
            raise

    def close_late(self, *, idle: bool = False) -> None:
        """Close the connections whose time is over, and all on which no request has come if those are `idle`.

        One whose request has come, but was seen by no thread yet, has time until one is free.
        """
        now = time.monotonic()
        with self.lock:
            for conn in [each for each in self._parting.values() if each.timeout <= now]:
                del self._parting[conn.number]
                self._close(conn)
            for conn in [each for each in self._idle.values() if idle or each.timeout <= now]:
                if not idle and beginning(conn.sock):
                    conn.timeout = now + STOP_KEEPALIVE_LINGER
                else:
                    del self._idle[conn.number]
                    self._close(conn)

    def shorten(self, deadline: float) -> None:
        """Wait for requests no longer than until then."""
        with self.lock:
            for conn in self._idle.values():
                conn.timeout = min(conn.timeout, deadline)

    def seconds(self) -> float:
        """Until the time of a connection is over; infinite while all have threads."""
        with self.lock:
            waiting = [*self._idle.values(), *self._parting.values()]
        until = min((conn.timeout for conn in waiting), default=math.inf)
        return max(until - time.monotonic(), 0.0)

    def end(self) -> None:
        """Let the threads end, each when it has answered."""
        self._has_ended = True
        self._readiness.ring(self._worker.cfg.threads + 1)

    def _next(self) -> Turn:
        """The next request, which is waited for."""
        while not self._has_ended:
            number = self._news()
            turn = self._taken() if number is None else self._come(number)
            if turn is not None:
                return turn
        return _ENDED

    def _news(self) -> int | None:
        """The connection on which something has come; None when it is time to look at what waits."""
        with self.lock:
            patience = self._lanes.patience(time.monotonic())
            self._patient += patience is not None
        number = self._readiness.wait(patience)
        if patience is not None:
            with self.lock:
                self._patient -= 1
        return number

    def _taken(self) -> Turn | None:
        """The turn that this thread gets; another thread is woken if it has to mind the time of the next one."""
        with self.lock:
            now = time.monotonic()
            turn = self._lanes.take(now)
            if turn is not None and not self._patient and self._lanes.patience(now) is not None:
                self._readiness.ring()
        return turn

    def _come(self, number: int) -> Turn | None:
        """The turn that this thread gets, when something has come on the connection with that descriptor."""
        with self.lock:
            conn = self._idle.pop(number, None)
            parting = self._parting.pop(number, None) if conn is None else None
        if parting is not None:
            self._pass_over(parting)
        if conn is None:
            return None
        head = beginning(conn.sock)
        if head is None:  # what came was for one that had its descriptor before
            self._wait_on(conn)
            return None
        if not head:
            self._close(conn)
            return None
        return self._entered(conn, head)

    def _entered(self, conn: Any, head: bytes) -> Turn | None:
        """Have the connection's request, which begins so, enter its lane; and the turn that this thread gets."""
        conn.asked_at = time.monotonic()
        lane = PROBES if is_probe(head) else self._worker.wsgi.lane_of(head)
        with self.lock:
            self._lanes.add(lane, conn)
            return self._taken()

    def _answered(self, turn: Turn) -> Turn | None:
        """Answer a request, and take the next one if one waits."""
        conn = turn.connection
        stays = self._handled(conn)
        read_ahead = conn.parser.unreader.buf.getvalue() if stays else b""
        with self.lock:
            self._lanes.done(turn)
            if not read_ahead:
                following = self._taken()
        if read_ahead:  # of the next request, with the one before
            return self._entered(conn, read_ahead)
        if stays:
            self._wait_on(conn)
        else:
            self._part(conn)
        return following

    def _handled(self, conn: Any) -> bool:
        """Answer a request; True if the connection stays. An error ends it, and nothing else."""
        conn.sock.until = time.monotonic() + _READING
        try:
            return bool(self._worker.handle(conn))
        except Exception:
            self._worker.log.exception("A connection has failed.")
            return False

    def _wait_on(self, conn: Any) -> None:
        """Wait for a request on the connection."""
        self._wait(conn, self._idle, self._worker.cfg.keepalive)
        if not self._worker.alive:  # asked last: it may have ended since, and shortened what waited
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)

    def _wait(self, conn: Any, waiting: dict[int, Any], seconds: float) -> None:
        conn.number = number = conn.sock.fileno()
        conn.timeout = time.monotonic() + seconds
        with self.lock:
            waiting[number] = conn
        with suppress(OSError):  # a worker that ends has closed it
            self._readiness.ask(number)

    def _part(self, conn: Any) -> None:
        """Say that nothing more is sent, and close it when the client has hung up."""
        conn.passed_over = 0
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone
            self._close(conn)
        else:
            self._wait(conn, self._parting, _PARTING)

    def _pass_over(self, conn: Any) -> None:
        """Take what a client sends on a connection that parts."""
        piece = received(conn.sock)
        conn.passed_over += len(piece or b"")
        if piece == b"" or conn.passed_over > _DRAINED:
            self._close(conn)
        else:
            self._wait(conn, self._parting, conn.timeout - time.monotonic())

    def _close(self, conn: Any) -> None:
        with self.lock:
            was_full = self._worker.nr_conns >= self._worker.worker_connections
            self._worker.nr_conns -= 1
            conn.close()
        if was_full or not self._worker.alive:  # the main thread waits for this
            self._worker.wake()
