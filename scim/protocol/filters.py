"""The filter and path language (RFC 7644 §3.4.2.2 figure 1, §3.5.2 figure 7): the tree and its parser.

A recursive descent over one tokenizer: a method a production, `not` before `and` before `or`. The
parser knows no schemas; what a path addresses is for ResourceType.locate to say. A refusal names
the position and what is missing there, and never repeats a value: it may be personal data.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from typing import Final

from scim.protocol.errors import BadRequest, InvalidFilter, InvalidPath
from scim.protocol.text import NUMBER, Real, is_acceptable

# Limits (docs/security.md): characters, nested groups, comparisons.
MAX_LENGTH: Final = 8_192
MAX_DEPTH: Final = 32
MAX_TERMS: Final = 200

# Characters of a number: more digits than any attribute holds, fewer than int() refuses to read.
MAX_NUMBER: Final = 40

Literal = str | int | float | bool | None


class Operator(Enum):
    __hash__ = object.__hash__  # by identity, as they are compared; Enum hashes names, in Python

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class AttributePath:
    """`[urn:]name[.sub]` as written; what it addresses is for ResourceType.locate to say.

    The path of a PATCH operation may be a bare schema URN, which addresses all attributes of an
    extension: then `name` is empty.
    """

    name: str
    sub: str | None = None
    urn: str | None = None

    def __str__(self) -> str:
        name = f"{self.name}.{self.sub}" if self.sub else self.name
        return ":".join(part for part in (self.urn, name) if part)


@dataclass(frozen=True, slots=True)
class Present:
    path: AttributePath


@dataclass(frozen=True, slots=True)
class Comparison:
    path: AttributePath
    operator: Operator
    value: Literal


@dataclass(frozen=True, slots=True)
class Not:
    term: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class ValuePath:
    """`path[filter]`: some value of the attribute matches the filter.

    The paths inside name sub-attributes of `path`.
    """

    path: AttributePath
    filter: "Filter"


Filter = Present | Comparison | Not | And | Or | ValuePath


@dataclass(frozen=True, slots=True)
class Path:
    """The path of a PATCH operation: `attr`, `attr.sub`, `attr[filter]` or `attr[filter].sub`."""

    attribute: AttributePath
    filter: Filter | None = None
    sub: str | None = None


def parse_filter(text: str) -> Filter:
    """The tree of a filter. Raises InvalidFilter."""
    return _Parser(text, "filter", partial(InvalidFilter, "filter.unreadable")).parse_filter()


@lru_cache(maxsize=256)
def parse_path(text: str) -> Path:
    """The tree of a PATCH path; cached, because Entra sends the same dozen. Raises InvalidPath."""
    return _Parser(text, "path", partial(InvalidPath, "path.unreadable")).parse_path()


@dataclass(frozen=True, slots=True)
class Compared:
    """A value in the text of a filter, from `start` to `end`, and what it is compared with.

    `path` is None where it stands in no comparison; `within` is the attribute in whose square brackets
    it stands.
    """

    start: int
    end: int
    path: str | None = None
    within: str | None = None


class Literals:
    """The values in the text of a filter, well-formed or not, in their order.

    Everything but an attribute before an operator and the words of the language counts as a value,
    also in a filter that the parser refuses, so that a log can leave values out of it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[Compared]:
        tokens = [found for found in _TOKEN.finditer(self._text) if found.lastgroup != "end"]
        within: list[str | None] = []
        path: str | None = None
        is_operand = False  # the token before was an operator
        done = 0  # what stands before has been told
        for index, found in enumerate(tokens):
            kind = str(found.lastgroup)
            text, start, end = found[kind], found.start(kind), found.end(kind)
            after = tokens[index + 1] if index + 1 < len(tokens) else None
            if start < done:
                continue
            if kind == "quote":  # it has no end: all that follows may be the value
                yield Compared(start, len(self._text))
                return
            if kind == "mark":
                if text == "[":
                    within.append(path)
                elif text == "]" and within:
                    path = within.pop()
                is_operand = False
            elif kind == "word" and not is_operand and text.lower() in _OPERATORS and path:
                is_operand = True
            elif kind == "word" and not is_operand and self._is_path(text, after):
                path = f"{path}{text}" if text.startswith(".") and path else text
            elif kind != "word" or is_operand or text.lower() not in _LANGUAGE:
                among = within[-1] if within else None
                single = _SINGLE_QUOTED.match(self._text, start)
                done = end = single.end() if single else end
                yield Compared(start, end, path if is_operand else None, among)
                is_operand = False

    @staticmethod
    def _is_path(text: str, after: "re.Match[str] | None") -> bool:
        """True if an operator, `pr` or a bracket follows, and it is not one of the language's words."""
        if after is None or text.lower() in _LANGUAGE or not _PATH_SHAPE.fullmatch(text):
            return False
        kind = str(after.lastgroup)
        follows = after[kind].lower()
        return follows == "[" or (kind == "word" and (follows in _OPERATORS or follows == "pr"))


# ATTRNAME = ALPHA *(nameChar); nameChar = "-" / "_" / DIGIT / ALPHA   (RFC 7644 figure 1)
# RFC 7643 §2.1 adds "$" to nameChar and itself names a sub-attribute "$ref".
_NAME: Final = r"(?:\$ref|[A-Za-z][A-Za-z0-9_$-]*)"

# URI is any schema's URI (RFC 3986 appendix A), less the brackets and quotes that end a word.
_URI: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?\#@!$&'*+,;=%-]+"

# attrPath = [URI ":"] ATTRNAME *1subAttr ; subAttr = "." ATTRNAME
_ATTRIBUTE: Final = re.compile(
    rf"(?:(?P<urn>{_URI}):)?(?P<name>{_NAME})(?:\.(?P<sub>{_NAME}))?",
)
_SUB_ATTRIBUTE: Final = re.compile(rf"\.(?P<sub>{_NAME})")

# The URN of a schema ends in its version and name (RFC 7643 §10.3.1), so an attribute after it is
# told apart even where a dot stands instead of the colon, and a URN alone is a path too.
# E3: Entra's older connector writes `urn:…:enterprise:2.0:User.manager`.
_VERSIONED: Final = re.compile(
    rf"(?P<urn>urn:[A-Za-z0-9._~:/-]*?:[0-9]+\.[0-9]+:{_NAME})"
    rf"(?:[:.](?P<name>{_NAME})(?:\.(?P<sub>{_NAME}))?)?",
    re.IGNORECASE | re.ASCII,
)

# E36: the URN of a schema in a draft of SCIM may end in its version.
_DRAFT: Final = re.compile(
    rf"(?P<urn>urn:scim:schemas:(?:core|extension:enterprise):[12]\.0(?::(?:User|Group))?)"
    rf"(?:[:.](?P<name>{_NAME})(?:\.(?P<sub>{_NAME}))?)?",
    re.IGNORECASE | re.ASCII,
)

# false / null / true of RFC 7159 §3. E2: Entra writes True and False, as .NET does.
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "True": True, "False": False}

# SP may be any blank space, as in RFC 7644 figure 2, and may be absent beside a bracket or a quote,
# as in `not(…)`.
_TOKEN: Final = re.compile(
    r"""
    [ \t\r\n]*+
    (?: (?P<string> "(?:[^"\\]++|\\.)*+" )
      | (?P<mark>   [()\[\]] )
      | (?P<word>   [^ \t\r\n"()\[\]]++ )
      | (?P<quote>  " )
      | (?P<end>    \Z )
    )""",
    re.VERBOSE | re.DOTALL,
)

_OPERATORS: Final = {operator.value: operator for operator in Operator}
# One of these in place of a value means that the value was forgotten.
_KEYWORDS: Final = frozenset({"and", "or", "not", "pr", *_OPERATORS})
_SINGLE_QUOTED: Final = re.compile(r"'(?P<text>[^'\"\\]*)'(?=[ \t\r\n)\]]|\Z)")
_LANGUAGE: Final = frozenset({"and", "or", "not", "pr"})
_PATH_SHAPE: Final = re.compile(r"[A-Za-z.$][A-Za-z0-9._~:/?#@!$&'*+,;=%-]*")
_SHOWN: Final = re.compile(r"[A-Za-z0-9_.:$-]{1,40}")
_NO_TEXT: Final = "the string holds NUL or half a surrogate pair"
_A_VALUE: Final = "a value is expected: a string in double quotes, a number, true, false or null"


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text; `kind` is the name of a group of _TOKEN."""

    kind: str
    text: str
    start: int

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.text.lower() == word

    def is_mark(self, mark: str) -> bool:
        return self.kind == "mark" and self.text == mark


class _Parser:
    """A cursor over the tokens; each production leaves it behind what it has read."""

    def __init__(self, text: str, noun: str, refuse: Callable[[str], BadRequest]) -> None:
        if len(text) > MAX_LENGTH:
            raise refuse(f"The {noun} is longer than {MAX_LENGTH} characters.")
        self._text = text
        self._noun = noun
        self._refuse = refuse
        self._matches = _TOKEN.finditer(text)  # without a gap: its groups take every character
        self._depth = 0
        self._terms = 0
        self._is_in_value_path = False
        self._take()

    def parse_filter(self) -> Filter:
        tree = self._disjunction()
        self._check_end('"and", "or" or the end is expected')
        return tree

    def parse_path(self) -> Path:
        # PATH = attrPath / valuePath [subAttr]   (RFC 7644 figure 7)
        attribute = self._attribute()
        path = Path(attribute)
        if self._token.is_mark("["):
            tree = self._brackets(attribute)
            path = Path(attribute, tree, self._adjacent_sub_attribute())
        self._check_end("the end of the path is expected")
        return path

    def _disjunction(self) -> Filter:
        return self._joined("or", Or, self._conjunction)

    def _conjunction(self) -> Filter:
        return self._joined("and", And, self._term)

    def _joined(
        self,
        keyword: str,
        node: type[And] | type[Or],
        production: Callable[[], Filter],
    ) -> Filter:
        # logExp = FILTER SP ("and" / "or") SP FILTER; a row of equal operators is one node
        terms = [production()]
        while self._token.is_word(keyword):
            self._take()
            terms.append(production())
        return node(tuple(terms)) if len(terms) > 1 else terms[0]

    def _term(self) -> Filter:
        # FILTER = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
        if self._token.is_mark("("):
            return self._group(")")
        if self._token.is_word("not"):
            self._take()
            if not self._token.is_mark("("):
                raise self._refused('"not" is followed by a filter in round brackets')
            return Not(self._group(")"))
        path = self._attribute()
        if not path.name:
            raise self._refused("an attribute is expected after the schema")
        if self._token.is_mark("["):
            return self._value_path(path)
        return self._expression(path)

    def _group(self, closing: str) -> Filter:
        """A filter in brackets; the cursor stands on the opening one."""
        opening = self._token
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refused(f"brackets are nested more than {MAX_DEPTH} deep")
        self._take()
        tree = self._disjunction()
        if not self._token.is_mark(closing):
            raise self._refused(
                f'"and", "or" or the "{closing}" is expected that closes the "{opening.text}" '
                f"of position {opening.start + 1}"
            )
        self._take()
        self._depth -= 1
        return tree

    def _value_path(self, path: AttributePath) -> ValuePath:
        # valuePath = attrPath "[" valFilter "]"
        # E23: Entra matches by `emails[type eq "work"].value eq "…"` (the RFC has it in paths only): one
        # value has the type and fits the comparison.
        tree = self._brackets(path)
        sub = self._adjacent_sub_attribute()
        if sub is not None:
            tree = And((tree, self._expression(AttributePath(sub))))
        return ValuePath(path, tree)

    def _brackets(self, path: AttributePath) -> Filter:
        if self._is_in_value_path or path.sub or not path.name:
            raise self._refused(
                "square brackets stand behind an attribute, not behind a part of it"
            )
        self._is_in_value_path = True
        tree = self._group("]")
        self._is_in_value_path = False
        return tree

    def _adjacent_sub_attribute(self) -> str | None:
        """The sub-attribute that touches the closing bracket before the cursor, if there is one."""
        if self._text[self._token.start - 1 : self._token.start + 1] != "].":
            return None
        found = _SUB_ATTRIBUTE.fullmatch(self._token.text)
        if found is None:
            raise self._refused("the name of a sub-attribute is expected")
        self._take()
        return found["sub"]

    def _expression(self, path: AttributePath) -> Filter:
        # attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self._refused(f"the filter has more than {MAX_TERMS} comparisons")
        if self._token.is_word("pr"):
            self._take()
            return Present(path)
        if self._token.kind != "word":
            raise self._refused("an operator is expected")
        operator = _OPERATORS.get(self._token.text.lower())
        if operator is None:
            supported = ", ".join(_OPERATORS)
            raise self._refused(
                f"the operator{self._shown()} is not supported; use {supported} or pr"
            )
        self._take()
        return Comparison(path, operator, self._value())

    def _attribute(self) -> AttributePath:
        if self._token.kind != "word":
            raise self._refused("the name of an attribute is expected")
        text = self._token.text
        found = _DRAFT.fullmatch(text) or _VERSIONED.fullmatch(text) or _ATTRIBUTE.fullmatch(text)
        if found is None:
            raise self._refused(f"the text{self._shown()} is not the name of an attribute")
        self._take()
        return AttributePath(found["name"] or "", found["sub"], found["urn"])

    def _value(self) -> Literal:
        # compValue = false / null / true / number / string
        token = self._token
        value: Literal
        if token.kind == "string":
            value = self._string()
        elif token.kind == "word" and token.text in _CONSTANTS:
            value = _CONSTANTS[token.text]
        elif token.kind == "word" and (found := NUMBER.fullmatch(token.text)):
            value = self._number(is_real=bool(found["real"]))
        elif token.kind == "word" and token.text.lower() not in _KEYWORDS:
            value = self._bare()
        else:
            raise self._refused(_A_VALUE)
        self._take()
        return value

    def _bare(self) -> str:
        """The text that stands without double quotes: a word, or all between single quotes.

        E37: authentik looks users up by `userName eq someone`; it links those whom it finds.
        """
        token = self._token
        if not is_acceptable(token.text):
            raise self._refused(_NO_TEXT)
        if not token.text.startswith("'"):
            return token.text
        found = _SINGLE_QUOTED.match(self._text, token.start)
        if found is None:
            raise self._refused(_A_VALUE)
        self._matches = _TOKEN.finditer(self._text, found.end())
        return found["text"]

    def _string(self) -> str:
        """The text of a JSON string (RFC 7159 §7), less what PostgreSQL cannot hold."""
        plain = self._token.text[1:-1]
        if "\\" not in plain and plain.isprintable():
            return plain  # as nearly always: no escape, no control character, no half of a pair
        try:
            value = json.loads(self._token.text)
        except ValueError:
            raise self._refused(
                "the string holds a control character or an escape that JSON does not have"
            ) from None
        if not isinstance(value, str) or not is_acceptable(value):
            raise self._refused(_NO_TEXT)
        return value

    def _number(self, *, is_real: bool) -> int | float:
        text = self._token.text
        if len(text) > MAX_NUMBER:
            raise self._refused(f"the number has more than {MAX_NUMBER} characters")
        number = Real.read(text) if is_real else int(text)
        if not math.isfinite(number):
            raise self._refused("the number is too large")
        return number

    def _take(self) -> None:
        """Move the cursor to the next token; `end` is never passed, as no production takes it."""
        found = next(self._matches)
        kind = str(found.lastgroup)
        self._token = _Token(kind, found[kind], found.start(kind))
        if kind == "quote":
            raise self._refused("the string that begins there has no closing quote")

    def _check_end(self, expected: str) -> None:
        if self._token.kind != "end":
            raise self._refused(expected)

    def _refused(self, why: str) -> BadRequest:
        position = self._token.start + 1
        where = "where it ends" if self._token.kind == "end" else f"at position {position}"
        return self._refuse(f"The {self._noun} is not valid {where}: {why}.")

    def _shown(self) -> str:
        """The token in quotes, if it is no more than a plain word."""
        text = self._token.text
        return f' "{text}"' if _SHOWN.fullmatch(text) else ""
