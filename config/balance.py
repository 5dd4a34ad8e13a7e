"""The connections that each worker has open, counted in memory which all of them share.

Linux wakes every worker for a new connection, and mostly the same one is the first to take it. Proxies and
clients keep their connections, so it would have seven of eight for as long as they last, and one processor
would do the work of two (decision 0140).
"""

import mmap
from heapq import heappop, heappush
from typing import Final

_CELLS: Final = 4096  # a memory page of numbers for each 512 workers, those that end included
_BYTES: Final = 8  # of a number
_NOBODY: Final = -1  # in place of a count: the worker takes no connections


class OpenConnections:
    """The counts of a server's workers. The master makes it, and their counters, before it forks them."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, _CELLS * _BYTES)).cast("q")
        self._free = list(range(1, _CELLS))  # the first one holds the number of the last one in use

    def counter(self) -> "Counter":
        """The counter of a worker that is to come. Raises IndexError if there are thousands already."""
        cell = heappop(self._free)
        self._counts[0] = max(self._counts[0], cell)
        return Counter(self, cell)

    def release(self, cell: int) -> None:
        """Keep the cell for another worker."""
        heappush(self._free, cell)

    def put(self, cell: int, count: int) -> None:
        """Tell all workers a count."""
        self._counts[cell] = count

    def least(self) -> int:
        """The count of the worker that has the fewest; of no worker 0."""
        counts = self._counts[1 : self._counts[0] + 1]
        return min((each for each in counts if each != _NOBODY), default=0)


class Counter:
    """The count of one worker, which that worker alone changes."""

    def __init__(self, everybodys: OpenConnections, cell: int) -> None:
        self._everybodys = everybodys
        self._cell = cell
        self.withdraw()

    def put(self, count: int) -> None:
        """Tell the other workers how many connections are open."""
        self._everybodys.put(self._cell, count)

    def withdraw(self) -> None:
        """Tell them that no connection is taken here any more."""
        self._everybodys.put(self._cell, _NOBODY)

    def release(self) -> None:
        """Give the cell back, once the worker has ended."""
        self.withdraw()
        self._everybodys.release(self._cell)

    def is_above_least(self, count: int) -> bool:
        """True if another worker has fewer connections open than that."""
        return count > self._everybodys.least()
