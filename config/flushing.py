"""The threads of a process that do what no request does: write its tallies, and what features ask for."""

import logging
import threading
from functools import partial
from typing import Final

from django.db import connection

from accounts import uses
from scim.provider.features import Round, features
from tenants import traffic

_logger: Final = logging.getLogger(__name__)


class Flusher:
    """The thread that does what no request does; its database connection is not kept."""

    def __init__(self, work: Round | None = None) -> None:
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


def flush(*, waits: bool = False) -> None:
    """Write everything that was counted, and close the connection.

    A process that ends waits for those that end with it: it has no further round.
    """
    traffic.flush()
    uses.flush(waits=waits)
    connection.close()


COUNTS: Final = Round(traffic.FLUSH_SECONDS + 1, flush, partial(flush, waits=True))


def rounds() -> list[Round]:
    """The rounds of each worker process; for each of them it has a thread."""
    return [COUNTS, *(each for feature in features() for each in feature.rounds())]
