"""Waiting for what other processes and threads do, for as long as a busy machine may take."""

from collections.abc import Callable
from time import monotonic, sleep  # a test may have its own in their place
from typing import Final

WITHIN: Final = 300  # seconds; what takes longer is taken for what never happens


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Return once `happened()`: nothing tells a process what becomes of another, so it is asked."""
    until = monotonic() + WITHIN
    while not happened():
        assert monotonic() < until, f"It took too long until {what}."
        sleep(0.02)
