"""What a process counts in memory, written by a thread of it every few seconds and when it ends."""

import threading
from typing import Final

from django.db import connection

from accounts import uses
from tenants import traffic

SECONDS: Final = traffic.FLUSH_SECONDS + 1


class Flusher:
    """The thread that writes what no request writes; its database connection is not kept."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, when the thread has ended the round that it is in."""
        self._stopping.set()
        self._thread.join()
        flush()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            flush()


def flush() -> None:
    """Write everything that was counted, and close the connection."""
    traffic.flush()
    uses.flush()
    connection.close()
