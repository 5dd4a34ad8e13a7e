"""The time and the identifiers that depend on it."""

import secrets
import threading
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_MOST: Final = 0xFFF  # ids of one millisecond that are told apart by their order


def now() -> datetime:
    """The time in UTC, cut to the milliseconds that `meta` shows."""
    moment = _read()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _read() -> datetime:
    """The machine's clock; made-up data have one of their own (tests/support/seed)."""
    return datetime.now(UTC)  # noqa: TID251  # the clock itself


class _Counter:
    """Numbers the ids of one millisecond in this process (RFC 9562 §6.2, method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._count = 0

    def next(self, milliseconds: int) -> int:
        """The place of an id among those of its millisecond, 0 to _MOST."""
        with self._lock:
            is_same = milliseconds == self._milliseconds
            self._count = min(self._count + 1, _MOST) if is_same else 0
            self._milliseconds = milliseconds
            return self._count

    def forget(self) -> None:
        """Restart the count, as a new process does."""
        with self._lock:
            self._milliseconds = self._count = 0


_counter: Final = _Counter()


def forget() -> None:
    """Restart the numbers of ids: a clock that a test stopped may stop there again."""
    _counter.forget()


def new_id(moment: datetime) -> UUID:
    """A UUID that sorts by `moment`, then by when it was made here; 62 bits of it are random.

    Version 7, RFC 9562 §5.7.
    """
    milliseconds = int(moment.timestamp() * 1000)
    place = _counter.next(milliseconds)
    random = secrets.randbits(62)
    return UUID(int=milliseconds << 80 | _VERSION_7 | place << 64 | _VARIANT | random)


def first_id_at(moment: datetime) -> UUID:
    """The smallest version 7 UUID of that millisecond: rows sort by it as they sort by time.

    Of a moment before 1970 the smallest of all.
    """
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)
