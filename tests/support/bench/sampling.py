"""Samples of where a running process is: every few milliseconds the function that runs is noted.

A profiler that is told of each call makes small functions look dear; wrapped borders have to be named
and go when the code moves. A sample costs a few microseconds whatever the code is. Two clocks ring: one goes
by the time that elapses, so that waiting for PostgreSQL counts, and one by what the process has of the
processor, which is the same on a busy machine. Both go on between calls: begun with each one, they
would meet all at the same place.
"""

import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

# No divisor of anything that runs by the clock; Linux rings the processor's clock less often.
SECONDS: Final = 0.000_47
_ELAPSED, _PROCESSOR = 0, 1
_CLOCKS: Final = {  # by signal
    signal.SIGALRM: (signal.ITIMER_REAL, _ELAPSED),
    signal.SIGPROF: (signal.ITIMER_PROF, _PROCESSOR),
}
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
        # Samples by place: of the time that elapsed, of the processor's.
        self.places: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._is_watching = False
        self._root = f"{root}/"
        self._name = name
        self._labels: dict[str, tuple[str, str] | None] = {}  # by file name

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the clocks go."""
        for number, (clock, _) in _CLOCKS.items():
            signal.signal(number, self._note)
            signal.setitimer(clock, SECONDS, SECONDS)
        try:
            yield
        finally:
            for clock, _ in _CLOCKS.values():
                signal.setitimer(clock, 0)

    def watch(self, call: Callable[[], T]) -> T:
        """The result of the call, while the clocks go."""
        self._is_watching = True
        try:
            return call()
        finally:
            self._is_watching = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Count for the innermost function that has a label: others work for their caller."""
        while frame is not None and self._is_watching:
            code = frame.f_code
            if code.co_filename not in self._labels:
                self._labels[code.co_filename] = label(code.co_filename, self._root)
            found = self._labels[code.co_filename]
            if found:
                _, which = _CLOCKS[signal.Signals(number)]
                self.places[self._name(*found, code.co_qualname)][which] += 1
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
