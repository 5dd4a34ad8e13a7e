"""SCIM JSON in: strict about what could hurt, before anything interprets it (security.md §2).

Size first, then nesting, then JSON; duplicate names, numbers that are not finite, NUL and lone
surrogates are refused once for the whole document.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from scim.api import bodies
from scim.protocol.errors import InvalidSyntax
from scim.protocol.messages import MEDIA_TYPE
from scim.protocol.text import is_acceptable
from scim.provider.capabilities import CAPABILITIES

MAX_DEPTH: Final = 32
MAX_NAMES: Final = 10_000  # object members in one document
MAX_BULK_NAMES: Final = 100_000  # in a BulkRequest, which holds many
MAX_DIGITS: Final = 64  # of one number

# The closing quote is optional so that an unfinished string is one match: time stays linear.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")


class ScimParser(BaseParser):
    media_type = MEDIA_TYPE
    max_names = MAX_NAMES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        return parse(bodies.read(stream, request.META, CAPABILITIES.max_body), self.max_names)


class BulkParser(ScimParser):
    max_names = MAX_BULK_NAMES


def parse(body: bytes, max_names: int = MAX_NAMES) -> Any:
    """The JSON document in the body. Raises InvalidSyntax."""
    if not body.strip():
        raise InvalidSyntax("The request has no body; it must be a JSON object.")
    _check_depth(body)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidSyntax("The body is not UTF-8.") from None
    try:
        return _Reader(max_names).decode(text)
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body is not JSON: line {error.lineno}, column {error.colno}."
        ) from None


def _check_depth(body: bytes) -> None:
    """Raises InvalidSyntax when values nest too deep for the JSON parser's recursion."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidSyntax(f"The body nests more than {MAX_DEPTH} levels.")


class _Reader:
    """Reads one document, counting what is limited for the document as a whole."""

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names
        self._names = 0

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
        if len(made) != len(pairs):
            raise InvalidSyntax("The body repeats a member of one object.")
        return made


def _finite(literal: str) -> float:
    number = float(literal)
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
