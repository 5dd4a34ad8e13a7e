"""The order in which requests get the threads of a worker: each lane in its turn, and none gets them all.

Requests of one tenant wait in one lane, those to hosts of no tenant, or of none known yet, in another.
The lane is read from the absolute URL or the Host header before a thread is taken, so a tenant that
floods the server, or whose lists are slow, waits behind itself. A probe has a thread of its own, and is
answered whatever all others do (decision 0070); beside another one it takes turns.

A lane has half of the threads at once: more requests of a tenant, all of which compute, only take Python's
lock from each other, and each takes longer (decision 0166). One that lasts for long rather waits for
PostgreSQL, so it leaves its place to another one, as long as a thread is left.
"""

import math
import re
import socket
from collections import OrderedDict, deque
from typing import Any, Final, NamedTuple

NOBODY: Final = ""  # the lane of requests to no tenant
PROBES: Final = "/"  # that of probes
_LONG: Final = 0.1  # seconds
_PIECE: Final = 4096  # bytes of a request that are looked at; the host stands near the beginning
_PROBE: Final = re.compile(rb"(?:GET|HEAD) /(?:livez|readyz)[ ?].*\r\n\r\n", re.DOTALL)
_ABSOLUTE: Final = re.compile(rb"\S+ [a-z][a-z0-9+.-]*://([^/?#\s]*)", re.IGNORECASE)
_HOST: Final = re.compile(rb"\r\nhost:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Turn(NamedTuple):
    """A connection whose request has a thread."""

    lane: str
    connection: Any
    begun: float  # by the steady clock


class Lanes:
    """The connections that wait for a thread, by lane. Not safe for threads; times are of the steady clock.

    One thread more is kept for a probe; further probes take turns with all others.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads + 1
        # Of one lane at once: those that do not last for long, and all.
        self._quick = max(threads // 2, 1)
        self._most = max(threads - 1, 1)
        self._running: dict[str, list[float]] = {}  # when they have begun, the earliest first
        self._waiting: OrderedDict[str, deque[Any]] = OrderedDict()

    def add(self, lane: str, connection: Any) -> None:
        """Put a connection at the end of a lane."""
        self._waiting.setdefault(lane, deque()).append(connection)

    def take(self, now: float) -> Turn | None:
        """The connection that gets a thread next; None while there is none, or no thread."""
        lane = next((lane for lane in self._waiting if self._seconds(lane, now) == 0), None)
        if lane is None:
            return None
        connection = self._waiting[lane].popleft()
        if self._waiting[lane]:
            self._waiting.move_to_end(lane)
        else:
            del self._waiting[lane]
        self._free -= 1
        self._running.setdefault(lane, []).append(now)
        return Turn(lane, connection, now)

    def done(self, turn: Turn) -> None:
        """Give a thread back."""
        self._free += 1
        running = self._running[turn.lane]
        running.remove(turn.begun)
        if not running:
            del self._running[turn.lane]

    def patience(self, now: float) -> float | None:
        """Seconds until a connection gets a thread since others of its lane last for long; None if none does."""
        least = min((self._seconds(lane, now) for lane in self._waiting), default=math.inf)
        return None if least == math.inf else least

    def _seconds(self, lane: str, now: float) -> float:
        """Until the lane may have another thread, if none is given back."""
        running = self._running.get(lane, ())
        kept = lane != PROBES and PROBES not in self._running  # a thread for the first probe
        if self._free <= kept or len(running) >= self._most:
            return math.inf
        if len(running) < self._quick:
            return 0.0
        return max(running[-self._quick] + _LONG - now, 0.0)


def beginning(connection: socket.socket) -> bytes | None:
    """The first bytes that have come on a connection, where they stay; empty at its end, None for nothing yet."""
    return received(connection, socket.MSG_PEEK)


def received(connection: socket.socket, flags: int = 0) -> bytes | None:
    """A piece of what has come on a connection, as `beginning` says it."""
    try:
        return connection.recv(_PIECE, socket.MSG_DONTWAIT | flags)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def is_probe(head: bytes) -> bool:
    """True if a request that begins so is for `/livez` or `/readyz`, and its head has come."""
    return _PROBE.match(head) is not None


def host_in(head: bytes) -> str:
    """The host in the beginning of a request, by which it is served (config.edge.handler); empty without one.

    That of an absolute URL, else the value of the Host header.
    """
    found = _ABSOLUTE.match(head) or _HOST.search(head)
    return found[1].decode("latin-1").strip() if found else ""
