"""JSON as people read it: colors by kind, objects and lists that fold, and no script.

Each line is an element that ends with a line break, so that its text is the JSON, as a copy of it is.
Its number is an attribute that the stylesheet shows: counters of the stylesheet would leave out what is folded.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_INDENT: Final = "  "
_MOST_LINES: Final = 2_000  # of a document with colors; a longer one is plain
_FOLDED_FROM: Final = 4  # lines of what can be folded
_DEEPEST: Final = 2  # level of what can be folded


def marked(value: Any) -> SafeString:
    """The lines of a JSON value, all unfolded."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if text.count("\n") >= _MOST_LINES:
        return format_html('<span class="plain">{}</span>', text)
    return _joined(_lines(value, 0, "", "", count(1)))


def _lines(
    value: Any, level: int, name: Any, comma: str, numbers: Iterator[int]
) -> Iterator[SafeString]:
    """The lines of a value, the first of which begins with its name."""
    indent, number = _INDENT * level, next(numbers)
    if not value or not isinstance(value, dict | list):
        yield _line(number, indent, name, _scalar(value), comma)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    items: Sequence[tuple[Any, Any]] = (
        [(_name(key), item) for key, item in value.items()]
        if isinstance(value, dict)
        else [("", item) for item in value]
    )
    last = len(items) - 1
    inner = list(
        chain.from_iterable(
            _lines(item, level + 1, shown, "" if place == last else ",", numbers)
            for place, (shown, item) in enumerate(items)
        )
    )
    if 0 < level <= _DEEPEST and len(inner) >= _FOLDED_FROM:
        yield format_html(
            '<details open><summary data-line="{}">{}{}<span class="fold">{}</span>\n</summary>{}</details>',
            number,
            indent,
            name,
            opening,
            _joined(inner),
        )
    else:
        yield _line(number, indent, name, opening, "")
        yield from inner
    yield _line(next(numbers), indent, "", closing, comma)


def _line(number: int, indent: str, name: Any, value: Any, comma: str) -> SafeString:
    return format_html(
        '<span class="line" data-line="{}">{}{}{}{}\n</span>', number, indent, name, value, comma
    )


def _name(key: str) -> SafeString:
    return format_html('<span class="key">{}</span>: ', json.dumps(key, ensure_ascii=False))


def _scalar(value: Any) -> SafeString:
    kind = "text" if isinstance(value, str) else "other"
    shown = json.dumps(value, ensure_ascii=False)
    return format_html('<span class="{}">{}</span>', kind, shown)


def _joined(parts: Iterator[SafeString] | list[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
