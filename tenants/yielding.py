"""Turns of a request that computes for long, which lets the others of its process go first (decision 0150).

One thread of a process runs Python at a time, and keeps its lock for 5 ms while others wait for it. A
request waits for the lock at each of its steps, so beside one that computes it took 25 ms in place of 4.
"""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from tenants import deadlines

TURN_SECONDS: Final = 0.0005  # that a thread keeps Python's lock while others wait for it
MOST_SECONDS: Final = 1.0  # that what is done in one `computing` waits for others, in all
_GLANCE_SECONDS: Final = 0.0005

_T = TypeVar("_T")


@dataclass(slots=True)
class _Work:
    """The work of a thread; times are of the steady clock, in seconds."""

    since: float
    waited: float = 0.0

    def may_wait(self) -> bool:
        """True while it has waited for less than it has worked."""
        worked = time.monotonic() - self.since - self.waited
        return self.waited < min(worked, MOST_SECONDS)


_lock: Final = threading.Lock()
_computing: Final[dict[int, _Work]] = {}  # by thread
_usual: Final[list[float]] = []  # Python's own turn, while it is not in force


@contextmanager
def computing() -> Iterator[None]:
    """Change threads often while this one's request computes, and have `in_turns` wait for others."""
    thread = threading.get_ident()
    with _lock:
        if not _computing:
            _usual.append(sys.getswitchinterval())
            sys.setswitchinterval(TURN_SECONDS)
        former = _computing.get(thread)
        _computing[thread] = former or _Work(time.monotonic())
    try:
        yield
    finally:
        with _lock:
            if former is None:
                del _computing[thread]
            if not _computing:
                sys.setswitchinterval(_usual.pop())


def in_turns(items: Iterable[_T]) -> Iterator[_T]:
    """The items, one by one; in a request that is `computing`, others go first before each.

    It waits as long as there are requests that do not compute, but for no longer than it has worked.
    """
    work = _computing.get(threading.get_ident())
    for item in items:
        if work is not None:
            _give_way(work)
        yield item


def _give_way(work: _Work) -> None:
    while deadlines.present() > len(_computing) and work.may_wait():
        began = time.monotonic()
        time.sleep(_GLANCE_SECONDS)
        work.waited += time.monotonic() - began
