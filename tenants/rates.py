"""Limits on how often something happens, counted by all processes of a server together.

A bucket is one number, the time at which it will be empty again (the generic cell rate algorithm): each
event moves it on by the time that one event takes at the rate, and it may lie ahead of now by the time
that a burst takes. A bucket that is empty is as good as none, so its place is taken for another one.

Places are in memory that a master shares with the workers it forks, in sets of eight; a lock of the
kernel is held around a change, which a process that is killed gives back. It is never waited for: a count
is left out instead, as is one in a set whose places are all in use. So a limit is never lower than it
says, and higher by no more than those (decision 0071).
"""

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from tempfile import TemporaryFile
from typing import Final
from uuid import UUID

from django.conf import settings

BURST: Final = 200  # requests of a tenant at once
_KEY: Final = 16  # bytes
_PLACE: Final = struct.Struct(f"{_KEY}sd")
_WAYS: Final = 8
_SET: Final = _PLACE.size * _WAYS
_SETS: Final = 8_192  # 1.5 MB
_TRIES: Final = 50  # to get a lock, some microseconds each


@dataclass(frozen=True, slots=True)
class Rate:
    """So many events a second in the long run, and so many at once; no rate is no limit."""

    per_second: float
    burst: int

    @property
    def step(self) -> float:
        """The seconds that an event takes."""
        return 1 / self.per_second if self.per_second else 0.0

    @property
    def reach(self) -> float:
        """The seconds that a bucket may lie ahead of now."""
        return self.burst * self.step


FAILURES: Final = Rate(per_second=20, burst=500)  # of authentication, at a tenant from one address


class Buckets:
    """The buckets of a process and of those that it forks."""

    def __init__(self, sets: int = _SETS) -> None:
        self._sets = sets
        self._memory = mmap.mmap(-1, sets * _SET)
        with TemporaryFile() as file:
            self._file = os.dup(file.fileno())  # for its locks, as long as the process
        self._threads = threading.Lock()

    def wait(self, key: bytes, rate: Rate, now: float | None = None) -> int:
        """The seconds until the next event has room, whole; 0 if it has. Counts nothing."""
        if not rate.per_second:
            return 0
        start = self._start(key)
        place = self._find(start, key)
        if place is None:
            return 0
        empty_at: float = _PLACE.unpack_from(self._memory, place)[1]
        at = time.monotonic() if now is None else now
        return max(ceil(empty_at + rate.step - rate.reach - at), 0)

    def count(self, key: bytes, rate: Rate, now: float | None = None) -> None:
        """Count an event, whether or not it has room."""
        if not rate.per_second:
            return
        start = self._start(key)
        at = time.monotonic() if now is None else now
        with self._threads, self._locked(start) as is_locked:
            if is_locked:
                self._move(start, key, rate.step, at)

    def forget(self) -> None:
        """Have everything empty, as after a start."""
        self._memory[:] = bytes(len(self._memory))

    def _move(self, start: int, key: bytes, step: float, at: float) -> None:
        place = self._find(start, key)
        if place is not None:
            [_, empty_at] = _PLACE.unpack_from(self._memory, place)
            _PLACE.pack_into(self._memory, place, key, max(empty_at, at) + step)
            return
        places = range(start, start + _SET, _PLACE.size)
        empty_at, place = min((_PLACE.unpack_from(self._memory, each)[1], each) for each in places)
        if empty_at <= at:
            _PLACE.pack_into(self._memory, place, key, at + step)

    def _start(self, key: bytes) -> int:
        return int.from_bytes(key[:4]) % self._sets * _SET

    def _find(self, start: int, key: bytes) -> int | None:
        """The place of the key in its set."""
        found = self._memory.find(key, start, start + _SET)
        while found >= 0 and (found - start) % _PLACE.size:  # across two places
            found = self._memory.find(key, found + 1, start + _SET)
        return found if found >= 0 else None

    @contextmanager
    def _locked(self, start: int) -> Iterator[bool]:
        """The lock of a set among processes; False if others had it all the time."""
        for _ in range(_TRIES):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SET, start)
            except OSError:
                continue
            try:
                yield True
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _SET, start)
            return
        yield False


buckets: Final = Buckets()


def of_tenant() -> Rate:
    """The rate of the requests of one tenant, by the settings."""
    return _of_tenant(settings.TENANT_RATE)


@lru_cache
def _of_tenant(per_second: float) -> Rate:
    return Rate(per_second, BURST)


def seconds_to_wait(tenant: UUID) -> int:
    """The seconds until a tenant may send the next request; mostly 0."""
    return buckets.wait(tenant.bytes, of_tenant())


def note_request(tenant: UUID) -> None:
    """Count a request of a tenant: one with a good credential, so that nobody else uses its limit up."""
    buckets.count(tenant.bytes, of_tenant())


def note_failure(tenant: UUID, address: str | None) -> int:
    """Count a failed authentication; the seconds to wait, uncounted, when there were too many."""
    return take(f"{tenant} {address}", FAILURES)


def take(who: str, rate: Rate) -> int:
    """Count an event of `who`; the seconds to wait, uncounted, when there were too many."""
    key = hashlib.blake2b(who.encode(), digest_size=_KEY).digest()
    seconds = buckets.wait(key, rate)
    if not seconds:
        buckets.count(key, rate)
    return seconds
