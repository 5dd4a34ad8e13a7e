"""Strings, numbers and ids: what is accepted, and how it is spelled in messages."""

import math
import re
from functools import lru_cache
from typing import Final
from uuid import UUID

# The longest string that is stored, in characters (docs/security.md); a certificate may be longer.
MAX_STRING: Final = 1_024

MAX_DIGITS: Final = 64  # of one number

_ID_LENGTH: Final = 36  # characters
_UNACCEPTABLE: Final = re.compile("[\x00\ud800-\udfff]")
_FILTER: Final = re.compile(r"\[.*\]|\[.*", re.DOTALL)
_SHOWN: Final = re.compile(r"[A-Za-z0-9_.:$/ […\]-]{1,100}")


# number of RFC 7159 §6.
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")


class Real(float):
    """A number that is not whole, with its spelling: a string attribute keeps 1.50 as it is."""

    spelling: str

    @classmethod
    def read(cls, spelling: str) -> "Real":
        """The number that JSON spells so."""
        made = cls(spelling)
        made.spelling = spelling
        return made


def read_number(text: str) -> int | float | None:
    """The finite number that a text spells as JSON does (RFC 7159 §6), None if it is none."""
    found = NUMBER.fullmatch(text)
    if found is None or len(text) > MAX_DIGITS:
        return None
    if not found["real"]:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def spelled(value: float) -> str:
    """A number or boolean as JSON spells it, and spelled it where it was read."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.spelling if isinstance(value, Real) else str(value)


def is_acceptable(text: str) -> bool:
    """False for text with NUL or a lone surrogate: JSON can carry it and PostgreSQL cannot."""
    return _UNACCEPTABLE.search(text) is None


def shown(name: str) -> str:
    """A name from a request as messages show it: without its filter, which holds values."""
    name = _FILTER.sub("[…]", name)
    return name if _SHOWN.fullmatch(name) else "with a name that cannot be shown"


def read_id(text: str) -> UUID | None:
    """The id as it is stored; None for anything that was never given out as one.

    Ids are caseExact: another spelling of the same UUID names nothing.
    """
    return _read_id(text) if len(text) == _ID_LENGTH else None  # what is longer is not kept either


@lru_cache(maxsize=1024)
def _read_id(text: str) -> UUID | None:
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None
