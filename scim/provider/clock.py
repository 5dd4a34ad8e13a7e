"""The time and the identifiers that depend on it."""

import secrets
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62


def now() -> datetime:
    """The time in UTC, cut to the milliseconds that `meta` shows."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id(moment: datetime) -> UUID:
    """A random UUID that sorts by `moment` (version 7, RFC 9562 §5.7)."""
    milliseconds = int(moment.timestamp() * 1000)
    random = secrets.randbits(74)
    high, low = random >> 62, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | _VERSION_7 | high << 64 | _VARIANT | low)
