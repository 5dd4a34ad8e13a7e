"""The hash of passwords, and the lane in which they are hashed (decision 0061)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with the parameters that OWASP recommends first: 19 MiB, 2 rounds, 1 lane."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1


class Busy(Exception):
    """There is no place in the lane at this moment."""


class Lane:
    """The places of a process for hashing on behalf of people who are not signed in yet.

    A request without a place is refused at once and waits in no thread, so a flood of wrong passwords
    takes `places` threads at most. An address has one of them, so a flood leaves the others to others.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._taken: set[str] = set()

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """A place meanwhile. Raises Busy."""
        with self._lock:
            if address in self._taken or len(self._taken) >= self._places:
                raise Busy
            self._taken.add(address)
        try:
            yield
        finally:
            with self._lock:
                self._taken.remove(address)


lane: Final = Lane(places=2)  # of the four threads of a worker (config/gunicorn.py)
