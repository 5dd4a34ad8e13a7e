"""Equal reads are logged together, so that polling does not flood the provisioning log.

The first of a kind is logged at once: support sees a Test Connection when it happens. Those that
follow are counted in this process and logged with the first one that comes after the window. When
a worker process ends, its last window of reads is not logged; writes and refusals always are.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 60.0  # seconds
MAX_KINDS: Final = 10_000


@dataclass(slots=True)
class _Tally:
    """The number of events since the last one that was logged, and the time of that."""

    logged_at: float
    waiting: int = 0


class Summaries:
    """Counts what happens often, by kind; safe for threads. `at` is seconds of a steady clock."""

    def __init__(self, window: float = WINDOW, max_kinds: int = MAX_KINDS) -> None:
        self._window = window
        self._max_kinds = max_kinds
        self._tallies: OrderedDict[Hashable, _Tally] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, kind: Hashable, at: float) -> int:
        """The number of this kind to log now, this one included; 0 while the window lasts."""
        with self._lock:
            tally = self._tallies.get(kind)
            if tally is not None and at - tally.logged_at < self._window:
                tally.waiting += 1
                return 0
            count = 1 if tally is None else tally.waiting + 1
            self._tallies[kind] = _Tally(at)
            self._tallies.move_to_end(kind)
            if len(self._tallies) > self._max_kinds:
                self._tallies.popitem(last=False)
            return count
