"""Entra's export of users, read as it comes: the portal's CSV, or JSON of Microsoft Graph.

Of JSON all forms are read in which tools save it: pages with `value`, one after the other, an array of users,
or a user a line. Neither form is ever in memory as a whole. A line that is no user does not end the reading.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import chain
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, Final

from scim.protocol.text import MAX_STRING, is_acceptable
from scim.provider.tables import NOT_TEXT, UnreadableFileError, rows, text_of
from scim.reconciliation.attributes import (
    ENABLED,
    NICKNAME,
    OBJECT_ID,
    USER_NAME,
    meaning_of,
    source_of,
)
from tenants.words import counted

MOST_USERS: Final = 250_000  # of a file
MOST_FLAWED: Final = 1_000  # lines
_MOST_OBJECT: Final = 1_048_576  # characters of a user in JSON
_CHUNK: Final = 65_536  # characters
_BLANK: Final = " \t\r\n"
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "1", "enabled"), True),
    **dict.fromkeys(("false", "no", "0", "disabled"), False),
}
_NO_HEADER: Final = (
    "The first line must name the columns, objectId or userPrincipalName among them. Export the users"
    " again, and leave the header where it is."
)
_NO_USERS: Final = "The file has no users."


@dataclass(frozen=True, slots=True)
class EntraUser:
    """A user of the export. `values` are those to compare, by SCIM path; an empty one is none."""

    line: int
    object_id: str = ""
    nickname: str = ""
    is_enabled: bool | None = None  # None: the export does not say
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flawed:
    """A line that is no user, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """An export: its form, and its users in their order."""

    form: str  # CSV or JSON
    users: Iterable[EntraUser | Flawed]


class _FlawedError(ValueError):
    """The sentence about a line that is no user."""


@contextmanager
def reading(file: BinaryIO) -> Iterator[Export]:
    """The export in the file, which stays open. Raises UnreadableFileError, now or with its users."""
    text = text_of(file)
    try:
        form, users_of = ("JSON", _of_json) if _starts_as_json(text) else ("CSV", _of_csv)
        yield Export(form, _checked(users_of(text)))
    finally:
        text.detach()


def _starts_as_json(text: TextIOWrapper) -> bool:
    try:
        start = text.read(_CHUNK).lstrip(_BLANK)
    except UnicodeDecodeError:
        raise UnreadableFileError(NOT_TEXT) from None
    if not start:
        raise UnreadableFileError(_NO_USERS)
    text.seek(0)
    return start[0] in "{["


def _checked(users: Iterable[EntraUser | Flawed]) -> Iterator[EntraUser | Flawed]:
    """The users, of whom there is at least one, each once. Raises UnreadableFileError."""
    lines: dict[str, int] = {}
    flawed: list[Flawed] = []
    for each in users:
        found = each if isinstance(each, Flawed) else _once(each, lines)
        if isinstance(found, Flawed):
            flawed.append(found)
        if len(flawed) > MOST_FLAWED:
            first = flawed[0]
            raise UnreadableFileError(
                f"More than {MOST_FLAWED:,} lines cannot be read. Line {first.line}: {first.reason}"
            )
        if len(lines) > MOST_USERS:
            raise UnreadableFileError(
                f"The file has more than {MOST_USERS:,} users, which is the limit."
            )
        yield found
    if not lines:
        about = f" Line {flawed[0].line}: {flawed[0].reason}" if flawed else ""
        raise UnreadableFileError(f"{_NO_USERS}{about}")


def _once(user: EntraUser, lines: dict[str, int]) -> EntraUser | Flawed:
    key = user.object_id or f"{USER_NAME} {user.values[USER_NAME].lower()}"
    first = lines.setdefault(key, user.line)
    return (
        user if first == user.line else Flawed(user.line, f"The user is on line {first} as well.")
    )


def _of_csv(text: TextIOWrapper) -> Iterator[EntraUser | Flawed]:
    found = rows(text)
    header = next(found, None)
    meanings = [meaning_of(name) for name in header[1]] if header else []
    if not {OBJECT_ID, USER_NAME} & set(meanings):
        raise UnreadableFileError(_NO_HEADER)
    for number, meaning in enumerate(meanings, 1):
        first = meanings.index(meaning) + 1
        if meaning and first != number:
            raise UnreadableFileError(
                f"Columns {first} and {number} of the header both stand for {source_of(meaning)}."
            )
    for line, cells in found:
        if len(cells) > len(meanings):
            reason = f"The line has {counted(len(cells), 'cell')}, the header {counted(len(meanings), 'column')}."
            yield Flawed(line, reason)
        else:
            members = zip(meanings, chain(cells, [""] * (len(meanings) - len(cells))), strict=True)
            yield _user(line, {meaning: cell for meaning, cell in members if meaning})


def _of_json(text: TextIOWrapper) -> Iterator[EntraUser | Flawed]:
    for line, value in _Json(text).values():
        if isinstance(value, dict):
            members = ((meaning_of(name), each) for name, each in value.items())
            yield _user(line, {meaning: each for meaning, each in members if meaning})
        else:
            yield Flawed(line, "It is no JSON object of a user.")


def _user(line: int, given: Mapping[str, Any]) -> EntraUser | Flawed:
    try:
        values = {meaning: _text(meaning, value) for meaning, value in given.items()}
        object_id, nickname = values.pop(OBJECT_ID, ""), values.pop(NICKNAME, "")
        enabled = _boolean(values.pop(ENABLED, ""))
    except _FlawedError as error:
        return Flawed(line, str(error))
    if not (object_id or values.get(USER_NAME)):
        return Flawed(line, "It has neither objectId nor userPrincipalName.")
    return EntraUser(line, object_id, nickname, enabled, values)


def _text(meaning: str, value: Any) -> str:
    """The value as text without surrounding blanks; of several, such as phones, the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        raise _FlawedError(f"{source_of(meaning)} is an object.")
    text = "" if value is None else str(value).strip()
    if len(text) > MAX_STRING or not is_acceptable(text):
        raise _FlawedError(
            f"{source_of(meaning)} is longer than {MAX_STRING:,} characters, or no text."
        )
    return text


def _boolean(text: str) -> bool | None:
    if text and text.lower() not in _BOOLEANS:
        raise _FlawedError(f"{source_of(ENABLED)} is neither True nor False.")
    return _BOOLEANS.get(text.lower())


class _Json:
    """Users in JSON, one decoded at a time, from a text of which only a piece is held."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._decoder = JSONDecoder()
        self._held = ""
        self._at = 0
        self._lines = 1  # the number of the line with which what is held begins
        self._has_ended = False

    @property
    def _line(self) -> int:
        return self._lines + self._held.count("\n", 0, self._at)

    def values(self) -> Iterator[tuple[int, Any]]:
        """The users, each with its line. Raises UnreadableFileError."""
        while mark := self._next():
            if mark == "[":
                yield from self._array()
            elif mark == "{":
                yield from self._object()
            else:
                raise self._flaw()

    def _array(self) -> Iterator[tuple[int, Any]]:
        self._take("[")
        if self._next() == "]":
            self._take("]")
            return
        while True:
            self._next()
            yield self._line, self._value()
            if self._take(",]") == "]":
                return

    def _object(self) -> Iterator[tuple[int, Any]]:
        """The users of a page, or, of an object without `value`, itself."""
        line, own, is_page = self._line, {}, False
        self._take("{")
        if self._next() == "}":
            self._take("}")
            return
        while True:
            self._next()
            name = self._value()
            self._take(":")
            if name == "value" and self._next() == "[":
                is_page = True
                yield from self._array()
            else:
                self._next()
                own[str(name)] = self._value()
            if self._take(",}") == "}":
                break
        if not is_page:
            yield line, own

    def _next(self) -> str:
        """The next character that is not blank, which stays there; "" at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._held):
                self._forget()
                return self._held[self._at]
            if not self._more():
                return ""

    def _take(self, marks: str) -> str:
        """Pass over the next mark, which has to be one of these; return it."""
        mark = self._next()
        if not mark or mark not in marks:
            raise self._flaw()
        self._at += 1
        return mark

    def _value(self) -> Any:
        """The value that begins here; one that may go on behind what is held is read again."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._held, self._at)
            except (JSONDecodeError, RecursionError):
                end = len(self._held)
            else:
                if end < len(self._held) or self._has_ended:
                    self._at = end
                    return value
            if end - self._at > _MOST_OBJECT or not self._more():
                raise self._flaw()

    def _forget(self) -> None:
        """Let go of what has been read, once that is worth a copy."""
        if self._at >= _CHUNK // 4:
            self._lines = self._line
            self._held, self._at = self._held[self._at :], 0

    def _more(self) -> bool:
        """Hold a further piece; False at the end of the text."""
        try:
            piece = "" if self._has_ended else self._text.read(_CHUNK)
        except UnicodeDecodeError:
            raise UnreadableFileError(NOT_TEXT) from None
        self._has_ended = not piece
        self._held += piece
        return bool(piece)

    def _flaw(self) -> UnreadableFileError:
        return UnreadableFileError(f"The file is no JSON of users from line {self._line} on.")
