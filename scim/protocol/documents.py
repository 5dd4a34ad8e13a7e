"""JSON read strictly, before anything interprets it: a body, or a text in one that holds JSON.

Nesting first, then JSON; names that occur twice in one object, in any letter case, numbers that are
not finite, NUL and lone surrogates are refused once for the whole document.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final

from scim.protocol.errors import InvalidSyntax
from scim.protocol.text import MAX_DIGITS, Real, is_acceptable, shown

MAX_DEPTH: Final = 32
MAX_NAMES: Final = 10_000  # object members in one document

# Objects have few shapes: the names of those that were met and are in order, in documents so short
# that they cannot fill the memory.
_SHORT: Final = 16_384  # characters
_MAX_DISTINCT: Final = 256
_distinct: Final[set[tuple[str, ...]]] = set()

# The closing quote is optional so that an unfinished string is one match: time stays linear.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


def read(text: str, max_names: int = MAX_NAMES) -> Any:
    """The JSON document in the text. Raises InvalidSyntax, whose detail speaks of the body."""
    _check_depth(text)
    try:
        return _Reader(max_names, is_short=len(text) <= _SHORT).decode(text)
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body is not JSON: line {error.lineno}, column {error.colno}."
        ) from None


def _check_depth(text: str) -> None:
    """Raises InvalidSyntax when values nest too deep for the JSON parser's recursion."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidSyntax(f"The body nests more than {MAX_DEPTH} levels.")


class _Reader:
    """Reads one document, counting what is limited for the document as a whole."""

    def __init__(self, max_names: int, *, is_short: bool) -> None:
        self._max_names = max_names
        self._names = 0
        self._is_short = is_short

    def decode(self, text: str) -> Any:
        document = json.loads(
            text,
            object_pairs_hook=self._object,
            parse_float=_finite,
            parse_int=_integer,
            parse_constant=_refuse_constant,
        )
        if "\\u" in text or not is_acceptable(text):
            _check_text(document)
        return document

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._names += len(pairs)
        if self._names > self._max_names:
            raise InvalidSyntax(f"The body has more than {self._max_names} members.")
        made = dict(pairs)
        names = tuple(made)
        if len(names) != len(pairs) or not (names in _distinct or self._are_distinct(names)):
            raise _doubled(name for name, _ in pairs)
        return made

    def _are_distinct(self, names: tuple[str, ...]) -> bool:
        """False if letter case alone tells some apart: which of userName and username is meant?

        Names have no letter case (RFC 7643 §2.1).
        """
        if len({name.lower() for name in names}) != len(names):
            return False
        if self._is_short and len(_distinct) < _MAX_DISTINCT:
            _distinct.add(names)
        return True


def _doubled(names: Iterable[str]) -> InvalidSyntax:
    """The refusal that says which member is there twice."""
    seen: dict[str, str] = {}
    for name in names:
        former = seen.setdefault(name.lower(), name)
        if former != name:
            return InvalidSyntax(
                f"The body names one member twice, as {shown(former)} and {shown(name)}: letter"
                " case does not count."
            )
    return InvalidSyntax("The body repeats a member of one object.")


def _finite(literal: str) -> float:
    number = Real.read(literal)
    if not math.isfinite(number) or len(literal) > MAX_DIGITS:
        raise InvalidSyntax("The body has a number that is out of range.")
    return number


def _integer(literal: str) -> int:
    if len(literal) > MAX_DIGITS:
        raise InvalidSyntax("The body has a number that is out of range.")
    return int(literal)


def _refuse_constant(_name: str) -> Any:
    raise InvalidSyntax("The body has a number that is not finite.")


def _check_text(value: Any) -> None:
    """Raises InvalidSyntax for text that JSON can carry and the database cannot."""
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, str) and not is_acceptable(value):
        raise InvalidSyntax("The body has a NUL character or half of a surrogate pair in a string.")
