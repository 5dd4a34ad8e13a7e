"""Ports for the servers that tests start."""

import os
import random
import socket
from typing import Final

# Below those that systems give to outgoing connections (32768 and up, 49152 and up): any connection
# could take one of these between here and the start of the server that it is meant for.
_RANGE: Final = range(20_000, 32_000)
# A server may start long after its port was drawn, and be stopped for a while: of pytest's processes each
# draws from a part of its own, and nothing twice while there are others.
_PARTS: Final = 8

_drawn: set[int] = set()


def free_port() -> int:
    """A port of this machine that nothing listens on, and that no other server of the tests was given."""
    left = [port for port in _part() if port not in _drawn] or [*_part()]
    for port in random.SystemRandom().sample(left, min(100, len(left))):
        _drawn.add(port)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("None of 100 ports drawn is free.")


def _part() -> range:
    """The ports of this one of pytest's processes, which are named gw0, gw1 and so on."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw") or "0"
    return _RANGE[int(number) % _PARTS :: _PARTS]
