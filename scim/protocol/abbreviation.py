"""Bodies and paths in few bytes: the log and the history keep what nearly every request says by a sign.

A name that begins with a colon is no attribute's (RFC 7643 §2.1), so it is free for what stands for more:

- in a body, the letters behind a colon stand for the members that were as Entra usually sends them
  (`_USUAL`), the first, `e`, for the enterprise extension, whose value is then the member's; a colon more
  begins a name that began with one;
- a path of a creation that begins with a colon or a point continues the latest one with such a part, up to
  there: `name.formatted`, `.givenName`. At first a colon continues the enterprise extension.

What was kept before, without abbreviations, is read as it is.
"""

import re
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Any, Final

from scim.protocol import urns

_SIGN: Final = ":"
_EXTENSION: Final = "e"
_USUAL: Final[Mapping[str, tuple[str, Any]]] = {
    "u": ("schemas", [urns.USER, urns.ENTERPRISE_USER]),
    "c": ("schemas", [urns.USER]),
    "g": ("schemas", [urns.GROUP]),
    "p": ("schemas", [urns.PATCH_OP]),
    "m": ("meta", {"resourceType": urns.USER_TYPE}),
    "n": ("meta", {"resourceType": urns.GROUP_TYPE}),
    "r": ("roles", []),
    "a": ("active", True),
}
_ABSENT: Final = object()
_LETTERS: Final = re.compile(f"{_SIGN}(?=.){_EXTENSION}?[{''.join(_USUAL)}]*")
_SEPARATORS: Final = ":."
_SHAPES: Final = 256  # of which the paths are remembered: all users of a tenant have a few
_REMEMBERED: Final = (
    4_000  # characters, at most, of the paths of one: they hold what a client names
)


def abbreviated(body: Any) -> Any:
    """The body of a request as it is kept; anything but an object is kept as it is."""
    if not isinstance(body, dict):
        return body
    kept = body.copy()
    letters = ""
    for letter, (name, value) in _USUAL.items():
        sent = kept.get(name, _ABSENT)
        if sent == value and type(sent) is type(value):  # 1 equals True
            letters += letter
            del kept[name]
    extension = kept.pop(urns.ENTERPRISE_USER, _ABSENT)
    for name in sorted((each for each in kept if each[:1] == _SIGN), key=len, reverse=True):
        kept[_SIGN + name] = kept.pop(name)
    if extension is not _ABSENT:
        kept[_SIGN + _EXTENSION + letters] = extension
    elif letters:
        kept[_SIGN + letters] = None
    return kept


def written_out(kept: Any) -> Any:
    """The body of a request from what was kept of it."""
    if not isinstance(kept, dict):
        return kept
    body = {}
    for name, value in kept.items():
        if not name.startswith(_SIGN):
            body[name] = value
        elif name.startswith(_SIGN * 2):
            body[name[1:]] = value
        elif _LETTERS.fullmatch(name):
            body.update(_meant(name[1:], value))
        else:  # as a client sent it, before there were abbreviations
            body[name] = value
    return body


def _meant(letters: str, extension: Any) -> dict[str, Any]:
    """The members that the letters stand for."""
    usual = letters.removeprefix(_EXTENSION)
    body = {name: copy(value) for name, value in map(_USUAL.__getitem__, usual)}
    return body if usual == letters else {**body, urns.ENTERPRISE_USER: extension}


def shortened(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of a creation as they are kept."""
    return (_shortened if _is_short(paths) else _shortened.__wrapped__)(paths)


def lengthened(kept: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of a creation from what was kept of them."""
    return (_lengthened if _is_short(kept) else _lengthened.__wrapped__)(kept)


def _is_short(paths: tuple[str, ...]) -> bool:
    return sum(map(len, paths)) <= _REMEMBERED


@lru_cache(_SHAPES)
def _shortened(paths: tuple[str, ...]) -> tuple[str, ...]:
    heads = _heads()
    kept = []
    for path in paths:
        sign, head, tail = _parted(path)
        kept.append(sign + tail if sign and heads[sign] == head else path)
        if sign:
            heads[sign] = head
    return tuple(kept)


@lru_cache(_SHAPES)
def _lengthened(kept: tuple[str, ...]) -> tuple[str, ...]:
    paths = []
    heads = _heads()
    for short in kept:
        path = heads[short[0]] + short if short.startswith(tuple(_SEPARATORS)) else short
        sign, head, _ = _parted(path)
        if sign:
            heads[sign] = head
        paths.append(path)
    return tuple(paths)


def _heads() -> dict[str, str]:
    return {":": urns.ENTERPRISE_USER, ".": ""}


def _parted(path: str) -> tuple[str, str, str]:
    """The last separator with what is before and behind it; three empty texts where there is none."""
    at = max(map(path.rfind, _SEPARATORS))
    return (path[at], path[:at], path[at + 1 :]) if at > 0 else ("", "", "")
