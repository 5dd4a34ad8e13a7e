"""The time that a machine takes, told from the time that a program chooses to wait.

Linux counts for each thread the nanoseconds that it ran and those that it was ready to run but got no
processor (proc(5), schedstat). A duration less both is the time in which the program slept or waited for
another; no other load on the machine makes that longer.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.server import children


def family_of(pid: int) -> list[int]:
    """The process and all that it has started, and these in turn."""
    return [pid, *(each for child in children(pid) for each in family_of(child))]


def busy_seconds(pids: Iterable[int]) -> float:
    """The seconds that the threads of the processes ran or waited for a processor, added up."""
    return sum(_nanoseconds(pids)) / 1e9


def _nanoseconds(pids: Iterable[int]) -> Iterator[int]:
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # it has ended
                ran, waited, _ = thread.read_text().split()
                yield int(ran) + int(waited)
