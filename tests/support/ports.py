"""Ports for the servers that tests start."""

import random
import socket
from typing import Final

# Below those that systems give to outgoing connections (32768 and up, 49152 and up): any connection
# could take one of these between here and the start of the server that it is meant for.
_RANGE: Final = range(20_000, 32_000)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    for port in random.SystemRandom().sample(_RANGE, 100):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("None of 100 ports drawn is free.")
