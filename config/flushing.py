"""The tallies of a process, written to the database by its threads and when it ends."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import connection

from accounts import uses
from scim.guard import watch
from tenants import traffic

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """Work that is done every few seconds, and once more when the process ends."""

    seconds: float
    each_time: Callable[[], None]
    at_the_end: Callable[[], None]


class Flusher:
    """The thread that does what no request does; its database connection is not kept."""

    def __init__(self, work: Work | None = None) -> None:
        self._work = work or COUNTS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do what is left, when the thread has ended the round that it is in."""
        self._stopping.set()
        self._thread.join()
        self._work.at_the_end()

    def _run(self) -> None:
        while not self._stopping.wait(self._work.seconds):
            try:
                self._work.each_time()
            except Exception:  # the next round is made all the same
                _logger.exception("A round of a background thread failed.")


def flush() -> None:
    """Write everything that was counted, and close the connection."""
    traffic.flush()
    uses.flush()
    connection.close()


def look() -> None:
    """Make the looks of the guard that were put off and are due, and close the connection."""
    if watch.look_at_pending(only_due=True):
        connection.close()


def look_at_all() -> None:
    """Make all looks of the guard that were put off, and close the connection."""
    watch.look_at_pending()
    connection.close()


COUNTS: Final = Work(traffic.FLUSH_SECONDS + 1, flush, flush)
LOOKS: Final = Work(watch.LOOK_EVERY.total_seconds(), look, look_at_all)
