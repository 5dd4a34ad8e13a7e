"""A way to PostgreSQL that can end at the worst moment: right behind the answer to a COMMIT."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from config import database

# What PostgreSQL says, to a session that an operator has ended, as soon as it reads the next message.
SAID: Final = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_SOCKET: Final = f".s.PGSQL.{database.PORT}"
_HEAD: Final = 5  # bytes: a letter, and the length of the rest with its own four bytes


class Way:
    """A folder with a socket, whose connections lead to another one."""

    def __init__(self, folder: Path, to: str) -> None:
        self.folder = folder
        # Once set, the next COMMIT is the last that is answered.
        self.last_words: bytes | None = None
        self._to = to

    def lead(self, client: socket.socket) -> None:
        """Hand on what both sides say until either ends."""
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(f"{self._to}/{_SOCKET}")
            back = threading.Thread(target=_hand_on, args=(client, server), daemon=True)
            back.start()
            with suppress(OSError), closing(server.makefile("rb")) as said:
                while head := said.read(_HEAD):
                    body = said.read(int.from_bytes(head[1:]) - _HEAD + 1)
                    words = self.last_words if head[:1] == b"C" and body == b"COMMIT\0" else None
                    if words is not None:  # said once whoever waits for the answer goes on
                        self.last_words = None
                    client.sendall(head + body)
                    if words is not None:
                        client.sendall(words)
                        break
            for each in (client, server):  # wakes the thread
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def error(fields: bytes) -> bytes:
    """The message of an error of those fields."""
    return b"E" + (len(fields) + 4).to_bytes(4) + fields


@contextmanager
def leading(to: str) -> Iterator[Way]:
    """A way to the PostgreSQL with that folder of sockets."""
    with (
        tempfile.TemporaryDirectory(prefix="way-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        way = Way(Path(folder), to)
        listener.bind(f"{folder}/{_SOCKET}")
        listener.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=way.lead, args=[client], daemon=True).start()

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield way
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()
