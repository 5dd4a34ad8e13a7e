"""Bodies of one shape: the first ones are read by the rules, the others as they were.

Clients send bodies of few shapes: the same names, and texts that no rule looks at. What becomes of such a
body is known but for these texts, which end up in the same places. So a body is read with marks in place
of its texts, once, and the texts of those that follow are put where the marks went.

A text is free if no rule looks at it: it stands at an attribute of type string that is no label such as
`type`, it neither is blank nor may be JSON, and is not too long. Every other value is a part of the shape.
Texts in an array of several values must differ, since equal ones may become one. What does not keep to
this is read by the rules, and so is whatever they refuse.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from scim.protocol.differences import Change
from scim.protocol.errors import ScimError
from scim.protocol.schema import Attribute, ResourceType, Schema, Type
from scim.protocol.text import MAX_STRING
from tenants.lettercase import fold

MOST: Final = 256  # shapes that are remembered
MAX_PARTS: Final = 200  # members and elements of a body of which a shape is made
MAX_FIXED: Final = 2_000  # characters of its names and of the texts that are a part of it

_PLAIN: Final = re.compile(r"[A-Za-z$][\w$-]*")  # the name of an attribute, without path and filter
_FREE: Final = re.compile(rf"[^\s\[{{\x00\ud800-\udfff][^\x00\ud800-\udfff]{{0,{MAX_STRING - 1}}}")
_LONG: Final = 128  # characters, not all of ASCII: the comparison key of more might be too long
_ASKED: Final = frozenset({"type", "schemas"})  # what stands there decides how others are read
_CONSTANT: Final = (bool, type(None))
_UNKNOWN: Final = object()

T = TypeVar("T")
_Texts = Sequence[str]
_Filler = Callable[[_Texts], Any]


class _ShapelessError(Exception):
    """A body that says nothing about others."""


@dataclass(slots=True)
class _Places:
    """The numbers of the texts of a shape, in the order of the body."""

    free: list[int] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)  # what they say is a part of the shape
    arrays: list[range] = field(default_factory=list)  # of several values

    def allow(self, texts: _Texts) -> bool:
        """True if no rule looks at the free texts."""
        if not all(_FREE.fullmatch(texts[number]) for number in self.free):
            return False
        if not "".join(texts).isascii() and not all(_is_short(texts[n]) for n in self.free):
            return False
        return all(len({fold(texts[n]) for n in array}) == len(array) for array in self.arrays)


def _is_short(text: str) -> bool:
    return len(text) <= _LONG or text.isascii()


class ByShape(Generic[T]):
    """Reads bodies that describe a resource of a type: gives what `read` gives, and asks it rarely.

    What `read` gives depends on the body alone, is made of dictionaries, lists, tuples, Changes and values
    of JSON, and is changed by nobody. It may raise ScimErrors.
    """

    def __init__(self, resource_type: ResourceType, read: Callable[[Any], T]) -> None:
        self._type = resource_type
        self._read = read
        self._places: dict[Any, Any] = {}
        self._fillers: dict[Any, Any] = {}
        self._met: set[int] = set()

    def __call__(self, body: Any) -> T:
        """The result of the reading. Raises what it raises."""
        texts: list[str] = []
        try:
            filler = self._filler(_shape(body, texts), body, texts)
        except _ShapelessError:
            filler = None
        if filler is None:
            return self._read(body)
        made: T = filler(texts)
        return made

    def _filler(self, shape: Any, body: Any, texts: _Texts) -> _Filler | None:
        """The filler for bodies like this one; None if it has to be read."""
        places = self._places.get(shape, _UNKNOWN)
        if places is _UNKNOWN:
            places = _places(self._type, body)
            _remember(self._places, shape, places)
        if places is None or not places.allow(texts):
            return None
        whole = (shape, *[texts[number] for number in places.fixed])
        filler = self._fillers.get(whole, _UNKNOWN)
        if filler is _UNKNOWN:
            if not self._is_worth_it(whole):
                return None
            filler = self._made(body, texts, places)
            _remember(self._fillers, whole, filler)
        found: _Filler | None = filler
        return found

    def _is_worth_it(self, whole: tuple[Any, ...]) -> bool:
        """True if the like was met before, and what is fixed in it is short enough to be kept."""
        if sum(map(len, whole[1:])) > MAX_FIXED:
            return False
        digest = hash(whole)
        if digest in self._met:
            return True
        if len(self._met) >= MOST:
            self._met.clear()
        self._met.add(digest)
        return False

    def _made(self, body: Any, texts: _Texts, places: _Places) -> _Filler | None:
        """A filler for bodies of this shape; None if the rules say nothing about others."""
        marks = _Marks(places.free)
        try:
            filler = marks.filler(self._read(marks.put(body)))
        except (_ShapelessError, ScimError):
            return None
        return filler if filler(texts) == self._read(body) else None


def _remember(known: dict[Any, Any], shape: Any, value: Any) -> None:
    if len(known) >= MOST:
        known.clear()
    known[shape] = value


def _shape(value: Any, texts: list[str]) -> Any:
    """The names and constants of a value; its texts are added to `texts`. Raises _ShapelessError."""
    kind = value.__class__
    if kind is str:
        texts.append(value)
        return str
    if kind is dict:
        return (tuple(value), *[_shape(item, texts) for item in value.values()])
    if kind is list:
        return (list, *[_shape(item, texts) for item in value])
    if kind in _CONSTANT:
        return value
    raise _ShapelessError


def _places(resource_type: ResourceType, body: Any) -> _Places | None:
    """The places of the texts in a body, None if no text is free. Raises _ShapelessError for a large one."""
    walk = _Walk(resource_type)
    walk.resource(body)
    return walk.places if walk.is_plain else None


@dataclass(slots=True)
class _Walk:
    """Finds the places of texts, in the order of `_shape`. Raises _ShapelessError for a large body."""

    resource_type: ResourceType
    places: _Places = field(default_factory=_Places)
    is_plain: bool = True
    _texts: int = 0
    _parts: int = 0
    _characters: int = 0

    def resource(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise _ShapelessError
        self._members(body, None)

    def _members(self, body: Mapping[str, Any], schema: Schema | None) -> None:
        for name, item in body.items():
            self._count(name)
            inner = self.resource_type.find_schema(name) if schema is None else None
            if inner is not None and isinstance(item, dict):
                self._members(item, inner)
                continue
            # Paths and filters may lead to one value by two names; operations are another message.
            if not _PLAIN.fullmatch(name) or name.lower() == "operations":
                self.is_plain = False
            located = self.resource_type.locate(schema.id if schema else None, name)
            self._value(item, located.attribute if located else None)

    def _value(self, item: Any, attribute: Attribute | None) -> None:
        """Note the texts in the value of an attribute; what is at none is left out unseen."""
        if isinstance(item, str):
            is_free = attribute is None or _is_free(attribute)
            (self.places.free if is_free else self.places.fixed).append(self._texts)
            self._texts += 1
        elif isinstance(item, dict):
            if attribute is not None and attribute.type is not Type.COMPLEX:
                self.is_plain = False  # what a simple value is wrapped in (E39)
            for name, part in item.items():
                self._count(name)
                self._value(part, attribute.find(name) if attribute else None)
        elif isinstance(item, list):
            first = self._texts
            for element in item:
                self._count("")
                self._value(element, attribute)
            if len(item) > 1:
                self.places.arrays.append(range(first, self._texts))
        if attribute is not None and attribute.is_secret and not _is_free(attribute):
            self.is_plain = False  # it would be kept with the shape

    def _count(self, name: str) -> None:
        self._parts += 1
        self._characters += len(name)
        if self._parts > MAX_PARTS or self._characters > MAX_FIXED:
            raise _ShapelessError


def _is_free(attribute: Attribute) -> bool:
    return attribute.type is Type.STRING and attribute.name not in _ASKED


class _Marks:
    """Marks in place of the free texts of a body, and what is made of the result that they lead to."""

    def __init__(self, free: Sequence[int]) -> None:
        self._token = f"Mark{secrets.token_hex(8)}"
        self._free = frozenset(free)
        self._fillers: dict[str, _Filler] = {}
        for number in free:
            mark = self._mark(number)
            self._fillers[mark] = itemgetter(number)
            self._fillers[fold(mark)] = _folding(number)

    def _mark(self, number: int) -> str:
        return f"{self._token}N{number}"

    def put(self, body: Any) -> Any:
        """The body with the marks in it."""
        numbers = count()

        def marked(value: Any) -> Any:
            if isinstance(value, str):
                number = next(numbers)
                return self._mark(number) if number in self._free else value
            if isinstance(value, dict):
                return {name: marked(item) for name, item in value.items()}
            return [marked(item) for item in value] if isinstance(value, list) else value

        return marked(body)

    def filler(self, made: Any) -> _Filler:
        """The filler that makes the like of the result of other texts. Raises _ShapelessError."""
        return self._part(made) or (lambda _: made)

    def _part(self, made: Any) -> _Filler | None:
        """The filler of a part of the result, None of one without marks. Raises _ShapelessError."""
        if isinstance(made, str):
            if made not in self._fillers and self._token.lower() in made.lower():
                raise _ShapelessError  # a text that was made of another one
            return self._fillers.get(made)
        if isinstance(made, dict):
            if any(self._part(name) for name in made):
                raise _ShapelessError
            return self._filled(made, made.items())
        if isinstance(made, list):
            return self._filled(made, enumerate(made))
        if isinstance(made, tuple):
            parts = self._filled(list(made), enumerate(made))
            kind: Callable[[Any], Any] = getattr(type(made), "_make", tuple)
            return parts and (lambda texts: kind(parts(texts)))
        if isinstance(made, Change):
            return self._changed(made)
        return None

    def _filled(self, whole: Any, parts: Iterable[tuple[Any, Any]]) -> _Filler | None:
        """The filler of a dictionary or list, whose parts are given with their places."""
        fillers = [(place, filler) for place, part in parts if (filler := self._part(part))]
        if not fillers:
            return None

        def fill(texts: _Texts) -> Any:
            made = whole.copy()
            for place, filler in fillers:
                made[place] = filler(texts)
            return made

        return fill

    def _changed(self, change: Change) -> _Filler | None:
        path, after = change.path, self._part(change.after)
        if change.before is not None or self._part(path):
            raise _ShapelessError
        return after and (lambda texts: Change(path, None, after(texts)))


def _folding(number: int) -> _Filler:
    return lambda texts: fold(texts[number])
