"""The order in which requests get the threads of a worker: each lane in its turn, and none gets the last.

Requests of one tenant wait in one lane, those to hosts of no tenant, or of none known yet, in another.
The lane is read from the absolute URL or the Host header before a thread is taken, so a tenant that
floods the server, or whose lists are slow, waits behind itself. Probes take no turn: they have a thread
of their own, and are answered whatever all others do (decision 0070).
"""

import re
import socket
from collections import Counter, OrderedDict, deque
from typing import Any, Final

NOBODY: Final = ""  # the lane of requests to no tenant
_PEEKED: Final = 4096  # bytes of a request that are looked at; the host stands near the beginning
_PROBE: Final = re.compile(rb"(?:GET|HEAD) /(?:livez|readyz)[ ?]")
_ABSOLUTE: Final = re.compile(rb"\S+ [a-z][a-z0-9+.-]*://([^/?#\s]*)", re.IGNORECASE)
_HOST: Final = re.compile(rb"\r\nhost:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Lanes:
    """The connections that wait for a thread, by lane. Not safe for threads: one has it."""

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._most = max(threads - 1, 1)  # of one lane at once
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Any]] = OrderedDict()

    def add(self, lane: str, connection: Any) -> None:
        """Put a connection at the end of a lane."""
        self._waiting.setdefault(lane, deque()).append(connection)

    def take(self) -> tuple[str, Any] | None:
        """The lane and connection that get a thread next; None while there is none, or no thread."""
        if not self._free:
            return None
        turns = (lane for lane in self._waiting if self._running[lane] < self._most)
        lane = next(turns, None)
        if lane is None:
            return None
        connection = self._waiting[lane].popleft()
        if self._waiting[lane]:
            self._waiting.move_to_end(lane)
        else:
            del self._waiting[lane]
        self._free -= 1
        self._running[lane] += 1
        return lane, connection

    def done(self, lane: str) -> None:
        """Give a thread back."""
        self._free += 1
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]


def beginning(connection: socket.socket) -> bytes:
    """The first bytes that have come on a connection, where they stay; empty for none."""
    try:
        return connection.recv(_PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return b""


def is_probe(head: bytes) -> bool:
    """True if a request that begins so is for `/livez` or `/readyz`."""
    return _PROBE.match(head) is not None


def host_in(head: bytes) -> str:
    """The host in the beginning of a request, by which it is served (config.edge.handler); empty without one.

    That of an absolute URL, else the value of the Host header.
    """
    found = _ABSOLUTE.match(head) or _HOST.search(head)
    return found[1].decode("latin-1").strip() if found else ""
