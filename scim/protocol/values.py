"""Reading JSON, and the value of one attribute in it: types, limits, tolerated spellings.

A document, or a text in one that holds JSON, is read strictly before anything interprets it:
nesting first, then JSON. Names that occur twice in one object, in any letter case, numbers that are
not finite, NUL and lone surrogates are refused once for the whole document.

Values follow RFC 7643 §2.3 to §2.5. Strings are kept as they are sent: no format, no canonical value
is asked for (E9). Unassigned are null, "", [] and {} (E8). A refusal names the attribute and the
kind of thing that was sent, never the thing itself: it may be long, personal or secret.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from scim.protocol.comparison import comparable_value, date_time_key, key
from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.schema import Attribute, Mutability, Type
from scim.protocol.text import (
    MAX_DIGITS,
    MAX_STRING,
    Real,
    is_acceptable,
    read_number,
    shown,
    spelled,
)

MAX_DEPTH: Final = 32
MAX_NAMES: Final = 10_000  # object members in one document

# Objects have few shapes: the names of those that were met and are in order, in documents so short
# that they cannot fill the memory.
_SHORT: Final = 16_384  # characters
_MAX_DISTINCT: Final = 256
_distinct: Final[set[tuple[str, ...]]] = set()

# A bracket, and what stands before it: strings, whose closing quote is optional so that an unfinished
# one is part of one match, and all else. Nothing is tried twice, so time stays linear, and a match is short
# enough for other threads to get their turn.
_TO_A_BRACKET: Final = re.compile(
    r'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?){0,64}+([\[\]{}]?)', re.DOTALL
)


# Limits: characters of a value by type; bytes of a string's comparison key, which must fit into a
# B-tree of PostgreSQL; bits of a number.
MAX_REFERENCE: Final = 2_048
MAX_BINARY: Final = 65_536
MAX_KEY_BYTES: Final = 2_048
MAX_NUMBER_BITS: Final = 63

# Notes of one request: enough to see what happens, too few to fill the log.
MAX_NOTES: Final = 20

# Sub-attributes that only label a value: alone they say nothing.
_LABELS: Final = frozenset({"type", "primary"})

# Types that may stand for an id in place of an object; names that may stand beside a plain value.
_PLAIN: Final = (str, int)
_BESIDE_A_VALUE: Final = frozenset({"value", "$ref", "type", "primary", "display"})

_NUMBERS: Final = (int, float, Real)

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_BOOLEANS: Final = {"true": True, "false": False}
_KINDS: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class _Unreadable(Exception):
    """A document that is not read; `said` goes on a sentence about it."""

    def __init__(self, said: str, reason: str = "body.unreadable") -> None:
        super().__init__(said)
        self.said = said
        self.reason = reason


def read_document(text: str, max_names: int = MAX_NAMES, of: str = "body") -> Any:
    """The JSON document in the text. Raises InvalidSyntax, whose detail speaks of the `of`.

    The door for all JSON from outside: depth, members and digits are bounded, a name stands once in an
    object in any letter case, numbers are finite, and text is what the database takes.
    """
    try:
        _check_depth(text)
        return _Reader(max_names, is_short=len(text) <= _SHORT).decode(text)
    except json.JSONDecodeError as error:
        detail = f"The {of} is not JSON: line {error.lineno}, column {error.colno}."
        raise InvalidSyntax("body.unreadable", detail) from None
    except _Unreadable as error:
        raise InvalidSyntax(error.reason, f"The {of} {error.said}") from None


def _check_depth(text: str) -> None:
    """Raise _Unreadable if values nest too deep for the JSON parser's recursion."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _TO_A_BRACKET.finditer(text):
        if not (bracket := found[1]):
            continue
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise _Unreadable(f"nests more than {MAX_DEPTH} levels.")


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
            parse_int=_bounded_integer,
            parse_constant=_refuse_constant,
        )
        if "\\u" in text or not is_acceptable(text):
            _check_text(document)
        return document

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._names += len(pairs)
        if self._names > self._max_names:
            raise _Unreadable(f"has more than {self._max_names} members.")
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


def _doubled(names: Iterable[str]) -> _Unreadable:
    """The refusal that says which member is there twice."""
    seen: dict[str, str] = {}
    for name in names:
        former = seen.setdefault(name.lower(), name)
        if former != name:
            return _Unreadable(
                f"names one member twice, as {shown(former)} and {shown(name)}: letter case does not"
                " count.",
                "body.ambiguous",
            )
    return _Unreadable("repeats a member of one object.", "body.ambiguous")


def _finite(literal: str) -> float:
    number = Real.read(literal)
    if not math.isfinite(number) or len(literal) > MAX_DIGITS:
        raise _Unreadable("has a number that is out of range.")
    return number


def _bounded_integer(literal: str) -> int:
    if len(literal) > MAX_DIGITS:
        raise _Unreadable("has a number that is out of range.")
    return int(literal)


def _refuse_constant(_name: str) -> Any:
    raise _Unreadable("has a number that is not finite.")


def _check_text(value: Any) -> None:
    """Raise _Unreadable for text that JSON can carry and the database cannot."""
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, str) and not is_acceptable(value):
        raise _Unreadable("has a NUL character or half of a surrogate pair in a string.")


class Notes:
    """Collects what was tolerated in a request, for the provisioning log; names and never values."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        """Keep the text, once, if it is among the first MAX_NOTES."""
        if len(self._texts) < MAX_NOTES:
            self._texts[text] = None

    def ignore(self, reason: str, name: str) -> None:
        """Note that an attribute was ignored: `reason` is such as "unknown"."""
        self.add(f"Ignored {reason} attribute {shown(name)}.")

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._texts)


def is_nothing(raw: Any) -> bool:
    """True for the spellings of "unassigned" (RFC 7643 §2.5)."""
    # E8: Entra and Microsoft's acceptance suite clear attributes with "" and null.
    return not raw and not isinstance(raw, bool | int | float)


def read_value(attribute: Attribute, raw: Any, at: str) -> Any:
    """The value of a single-valued simple attribute, None for unassigned.

    `at` is the attribute's full path, for messages. Raises InvalidValue.
    """
    try:
        return _read(attribute, raw)
    except _UnfitError as unfit:
        raise InvalidValue(unfit.reason, f"{at} {unfit}.") from None


def _read(attribute: Attribute, raw: Any) -> Any:
    kind = raw.__class__
    if kind is list or kind is dict:
        raw = _unwrapped(raw)
    return None if raw is None or raw == "" else _READERS[attribute.type](attribute, raw)


def _unwrapped(raw: Any) -> Any:
    """The plain value in an array of one, or in an object that says nothing else; else what is sent.

    E39: Microsoft's connector of 2018 and the SCIM-SDK client send [{"$ref": null, "value": "X"}] and
    ["X"] for single values; Entra sends [{"value": "1"}] for an array of strings.
    """
    found = raw
    if isinstance(found, list) and len(found) <= 1:
        found = found[0] if found else None
    if isinstance(found, dict):
        named = {name.lower(): item for name, item in found.items()}
        found = named.get("value", raw) if named.keys() <= _BESIDE_A_VALUE else raw
    return raw if isinstance(found, list | dict) else found


def read_parts(
    attribute: Attribute, raw: Mapping[str, Any], at: str, notes: Notes
) -> dict[str, Any]:
    """The sub-attributes that an object names, by canonical name; None for those it clears.

    Unknown, read-only and secret ones are ignored and noted. Raises InvalidValue.
    """
    parts: dict[str, Any] = {}
    for name, item in raw.items():
        sub = attribute.find(name)
        if sub is None:
            notes.ignore("unknown", f"{at}.{name}")
        elif sub.mutability is Mutability.READ_ONLY:
            notes.ignore("read-only", f"{at}.{sub.name}")
        elif sub.is_secret:
            notes.ignore("write-only", f"{at}.{sub.name}")
        else:
            try:
                parts[sub.name] = _read(sub, item)
            except _UnfitError as unfit:
                raise InvalidValue(unfit.reason, f"{at}.{sub.name} {unfit}.") from None
    is_bare = bool(parts.get("$ref")) and not parts.get("value")
    if is_bare and (value := attribute.find("value")) and not value.is_secret:
        # E4: a reference without an id means the resource that its last segment names.
        identifier = parts["$ref"].rstrip("/").rpartition("/")[2]
        parts["value"] = read_value(value, identifier, f"{at}.value")
    if attribute.multi_valued and (described := _described(parts.get("value"))):
        notes.add(f"Took the text of {at}.value for the JSON that it is.")
        parts.update(read_parts(attribute, described, at, notes))
    return parts


def _described(text: Any) -> dict[str, Any] | None:
    """The role that Entra describes by JSON in the text of a `value`, None if the text is none.

    E16: AppRoleAssignmentsComplex sends {"id", "value", "displayName"}; the id is Entra's own.
    """
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    names = {"value": "value", "displayName": "display"}
    return {names[n]: item for n, item in found.items() if n in names} if "value" in found else None


def read_complex(attribute: Attribute, raw: Any, at: str, notes: Notes) -> dict[str, Any] | None:
    """The parts of one complex value as read_parts gives them, None if all of it is unassigned.

    Raises InvalidValue.
    """
    raw = read_json(raw, at)
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]  # E4: Entra sends the one manager in an array.
    if is_nothing(raw):
        return None
    if raw.__class__ in _PLAIN and attribute.find("value"):
        raw = {"value": raw}  # E4: Entra sends the manager as a bare id.
    if not isinstance(raw, dict):
        raise InvalidValue("value.unfit", f"{at} must be an object; the request has {_kind(raw)}.")
    return read_parts(attribute, raw, at, notes)


def read_values(attribute: Attribute, raw: Any, at: str, notes: Notes) -> list[Any]:
    """The values of a multi-valued attribute, settled; empty for unassigned.

    Raises InvalidValue.
    """
    if is_nothing(raw):
        return []
    if isinstance(raw, str):
        raw = _listed(attribute, raw, at)
    if not isinstance(raw, list):
        # E20: one value where the RFC has an array of values.
        notes.add(f"Took the one value of {at} for an array.")
        raw = [raw]
    check_count(attribute, len(raw), at)
    values = (_read_element(attribute, item, at, notes) for item in raw if not is_nothing(item))
    return settle(attribute, values, at)


def read_json(raw: Any, at: str) -> Any:
    """The value, or the object or array that its text holds. Raises InvalidSyntax, InvalidValue.

    E40: scim-for-keycloak and SCIM-SDK send JSON in a text where an object or an array belongs.
    """
    if raw.__class__ is not str or not raw.lstrip().startswith(("{", "[")):
        return raw
    try:
        return read_document(raw)
    except InvalidSyntax as error:
        raise InvalidValue(
            "value.unfit", f"{at} is a text that begins like JSON and is none. {error}"
        ) from None


def _listed(attribute: Attribute, text: str, at: str) -> Any:
    """The value or values that a text stands for, in place of an array."""
    if attribute.type is not Type.COMPLEX:
        return _array_in(text)
    found = read_json(text, at)
    if isinstance(found, dict) and attribute.find("displayName") is None:
        # E16: a role has displayName where the RFC has display.
        found = {"display" if n == "displayName" else n: item for n, item in found.items()}
    return found


def _array_in(text: str) -> Any:
    """The array that a text holds, else the text: a plain string may begin with a bracket."""
    try:
        found = read_document(text) if text.lstrip().startswith("[") else text
    except InvalidSyntax:
        return text
    return found


def _read_element(attribute: Attribute, raw: Any, at: str, notes: Notes) -> Any:
    if attribute.type is not Type.COMPLEX:
        return read_value(attribute, raw, at)
    if not isinstance(raw, dict):
        raw = _as_object(attribute, raw, at, notes)
    parts = read_parts(attribute, raw, at, notes)
    return {name: part for name, part in parts.items() if part is not None}


def _as_object(attribute: Attribute, raw: Any, at: str, notes: Notes) -> dict[str, Any]:
    """The object that a value of another kind stands for. Raises InvalidValue."""
    if attribute.find("value") is None or isinstance(raw, list):
        raise InvalidValue(
            "value.unfit", f"{at} must be an array of objects; the request has {_kind(raw)} in it."
        )
    # E20: the plain value where the RFC has an object with a `value`.
    notes.add(f"Took a plain value of {at} for its value.")
    return {"value": raw}


def settle(attribute: Attribute, values: Iterable[Any], at: str) -> list[Any]:
    """The values as they are stored: each once, none that is only a label, at most one primary.

    Of values with the same `type` and `value` (RFC 7643 §2.4) the later completes the earlier.
    Raises InvalidValue.
    """
    if attribute.type is not Type.COMPLEX:
        kept = list({key(attribute, value): value for value in values}.values())
    else:
        kept = [value for value in values if not value.keys() <= _LABELS]
        if len(kept) > 1:
            kept = _each_once(attribute, kept)
            if sum(value.get("primary") is True for value in kept) > 1:
                raise InvalidValue(
                    "value.two-primaries", f"{at} has more than one value whose primary is true."
                )
    check_count(attribute, len(kept), at)
    return kept


def _each_once(attribute: Attribute, values: Iterable[Any]) -> list[Any]:
    merged: dict[Any, Any] = {}
    for value in values:
        identity = frozenset(identify(comparable_value(attribute, value)).items())
        merged[identity] = {**merged[identity], **value} if identity in merged else value
    return list(merged.values())


def identify(comparable: Mapping[str, Any]) -> dict[str, Any]:
    """The comparison keys that identify a complex value: `value` and `type`, else all."""
    if "value" not in comparable:
        return dict(comparable)
    return {name: comparable[name] for name in ("value", "type") if name in comparable}


def check_count(attribute: Attribute, count: int, at: str) -> None:
    """Raise InvalidValue if a multi-valued attribute may not hold so many values."""
    if count > attribute.max_values:
        raise InvalidValue("value.too-large", f"{at} has more than {attribute.max_values} values.")


class _UnfitError(Exception):
    """A value that does not fit its attribute; the text goes on after the attribute's name."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def _kind(raw: Any) -> str:
    return _KINDS.get(type(raw), "another kind of value")


def _unfit(expected: str, raw: Any) -> _UnfitError:
    return _UnfitError("value.unfit", f"must be {expected}; the request has {_kind(raw)}")


def _text(raw: Any, expected: str, limit: int) -> str:
    if not isinstance(raw, str):
        raise _unfit(expected, raw)
    if len(raw) > limit:
        raise _UnfitError("value.too-large", f"is longer than {limit} characters")
    if not is_acceptable(raw):
        raise _UnfitError("value.unfit", "holds NUL or half a surrogate pair")
    return raw


def _string(attribute: Attribute, raw: Any) -> str:
    if raw.__class__ in _NUMBERS:
        raw = spelled(raw)  # E41: personnel systems write employee numbers without quotes
    text = _text(raw, "a string", MAX_STRING)
    if not text.isascii() and len(key(attribute, text).encode()) > MAX_KEY_BYTES:
        raise _UnfitError("value.too-large", f"takes more than {MAX_KEY_BYTES} bytes")
    return text


def _reference(_attribute: Attribute, raw: Any) -> str:
    return _text(raw, "a URI", MAX_REFERENCE)


def _binary(_attribute: Attribute, raw: Any) -> str:
    """Base64 in either alphabet, with or without padding (RFC 7643 §2.3.6)."""
    text = _text(raw, "base64 text", MAX_BINARY)
    digits = len(text.rstrip("="))
    is_padded_well = digits == len(text) or len(text) % 4 == 0
    if not _BASE64.fullmatch(text) or digits % 4 == 1 or not is_padded_well:
        raise _UnfitError("value.unfit", "must be base64 text")
    return text


def _date_time(_attribute: Attribute, raw: Any) -> str:
    expected = "a dateTime such as 2011-05-13T04:42:34Z"
    text = _text(raw, expected, MAX_STRING)
    try:
        date_time_key(text)
    except ValueError:
        raise _UnfitError("value.unfit", f"must be {expected}") from None
    return text


def _boolean(_attribute: Attribute, raw: Any) -> bool:
    if isinstance(raw, str):
        raw = _BOOLEANS.get(raw.lower(), raw)  # E2: Entra sends "True" and "False".
    if not isinstance(raw, bool):
        raise _unfit("true or false", raw)
    return raw


def _integer(_attribute: Attribute, raw: Any) -> int:
    if isinstance(raw, str):
        raw = _number_in(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise _unfit("an integer", raw)
    if raw.bit_length() > MAX_NUMBER_BITS:
        raise _UnfitError("value.too-large", "is too large")
    return raw


def _number_in(text: str) -> Any:
    """The number that a text spells, or the text, which is refused as what it is."""
    number = read_number(text)  # E38: Entra sends all values as strings
    return text if number is None else number


def _decimal(attribute: Attribute, raw: Any) -> int | float:
    if isinstance(raw, str):
        raw = _number_in(raw)
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise _UnfitError("value.unfit", "must be a finite number")
        return float(raw)  # without its spelling
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise _unfit("a number", raw)
    return _integer(attribute, raw)


_READERS: Final[Mapping[Type, Callable[[Attribute, Any], Any]]] = {
    Type.STRING: _string,
    Type.REFERENCE: _reference,
    Type.BINARY: _binary,
    Type.DATE_TIME: _date_time,
    Type.BOOLEAN: _boolean,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
}
