"""Samples of where a running process is: every half millisecond the function that runs is noted.

A profiler that is told of each call makes small functions look dear; wrapped borders have to be named
and go when the code moves. A sample costs a few microseconds whatever the code is. It stands for the time
since the one before: elapsed, so that waiting for PostgreSQL counts, and of the processor, which is the
same on a busy machine.
"""

import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

SECONDS: Final = 0.000_47  # no divisor of anything that runs by the clock
_PACKAGES: Final = ("config", "tenants", "accounts", "scim")
# Of libraries, by the beginning of the file's name in its folder; the first that fits counts.
_LIBRARIES: Final = (
    ("psycopg", "psycopg, and waiting for PostgreSQL"),
    ("django/db/", "django.db: cursors, transactions"),
    ("django/utils/connection.py", "django.db: cursors, transactions"),
    ("django/middleware/", "middleware of Django and libraries"),
    ("django/contrib/", "middleware of Django and libraries"),
    ("django/utils/deprecation.py", "middleware of Django and libraries"),
    ("csp/", "middleware of Django and libraries"),
    ("whitenoise/", "middleware of Django and libraries"),
    ("rest_framework/", "Django REST framework"),
    ("django/", "django: handler, request, URLs, response"),
    ("json/", "json"),
    ("orjson/", "json"),
    ("logging/", "logging"),
)
_HARNESS: Final = "tests/support/bench/"
T = TypeVar("T")


class Sampler:
    """Counts the places in which the main thread is while it is watched."""

    def __init__(self, root: Path, name: "Callable[[str, str, str], str]") -> None:
        # Samples and nanoseconds of the processor, by place.
        self.places: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._last = 0
        self._root = f"{root}/"
        self._name = name
        self._labels: dict[str, tuple[str, str] | None] = {}  # by file name
        signal.signal(signal.SIGALRM, self._note)

    def watch(self, call: Callable[[], T]) -> T:
        """The result of the call."""
        self._last = time.thread_time_ns()
        signal.setitimer(signal.ITIMER_REAL, SECONDS, SECONDS)
        try:
            return call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _note(self, _signal: int, frame: FrameType | None) -> None:
        """Count for the innermost function that has a label: others work for their caller."""
        now = time.thread_time_ns()
        spent, self._last = now - self._last, now
        while frame is not None:
            code = frame.f_code
            if code.co_filename not in self._labels:
                self._labels[code.co_filename] = label(code.co_filename, self._root)
            found = self._labels[code.co_filename]
            if found:
                place = self.places[self._name(*found, code.co_qualname)]
                place[0] += 1
                place[1] += spent
                return
            frame = frame.f_back


def label(file: str, root: str) -> tuple[str, str] | None:
    """The layer of a file and its short name; None for one that counts for its caller.

    A layer of the product is a folder, two deep at most.
    """
    own = file.removeprefix(root)
    if own != file and own.startswith(tuple(f"{each}/" for each in _PACKAGES)):
        return ".".join(own.split("/")[:-1][:2]), own
    if own.startswith(_HARNESS):
        return None
    _, is_library, rest = file.rpartition("/site-packages/")
    rest = rest if is_library else file.removeprefix(f"{sys.base_prefix}/lib/").partition("/")[2]
    layer = next((layer for start, layer in _LIBRARIES if rest.startswith(start)), None)
    return None if layer is None else (layer, rest)


# The names of samples, by how much is asked for: of layer, file and function.
DETAILS: Final[dict[str, Callable[[str, str, str], str]]] = {
    "layer": lambda layer, _file, _function: layer,
    "file": lambda _layer, file, _function: file,
    "function": lambda _layer, file, function: f"{file} {function}",
}
