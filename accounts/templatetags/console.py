"""Filters of the kit's templates: values as they look in lists and in details."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django import template
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from accounts.console import page, times
from tenants import clock

register: Final = template.Library()

_CELL: Final = re.compile(r"<t[dh]\b")
_MARKED_UP: Final = re.compile(r"<(?!/?(?:t[dh]|a)\b)")  # anything but a cell with a link
_LONG: Final = 24  # characters; longer texts may be cut in a list, so their title has them


@register.filter
def listed(value: Any) -> Any:
    """The value of a cell: a dash for nothing, times relative, numbers with separators."""
    return times.in_list(value, clock.now()) if isinstance(value, datetime) else _plain(value)


@register.filter
def detailed(value: Any) -> Any:
    """The value of a fact: a dash for nothing, times with their moment."""
    return times.in_details(value, clock.now()) if isinstance(value, datetime) else _plain(value)


@register.filter
def initials(name: str, login: str) -> str:
    """Two letters that stand for a person."""
    return page.initials(name, login)


@register.filter
def at(headings: Sequence[str], place: int) -> str:
    """The heading at that place of a row."""
    return headings[place]


@register.filter
def paired(rows: Iterable[Any], results: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """The rows of a list, each with its cells."""
    return zip(rows, results, strict=False)


@register.filter
def under(cells: Iterable[str], headers: Iterable[Mapping[str, Any]]) -> Iterator[SafeString]:
    """The cells of a row of Django's list, each with its heading as `data-label`, for narrow screens."""
    for cell, header in zip(cells, headers, strict=False):
        label = format_html(' data-label="{}"{}', capfirst(header["text"]), _title(cell))
        start = _CELL.match(cell)
        yield mark_safe(f"{start[0]}{label}{cell[start.end() :]}" if start else cell)  # noqa: S308  # Django's cell


def _title(cell: str) -> SafeString | str:
    """The title of a cell of text that may be cut: all of the text."""
    if _MARKED_UP.search(cell):
        return ""
    text = html.unescape(strip_tags(cell)).strip()
    return format_html(' title="{}"', text) if len(text) > _LONG else ""


def _plain(value: Any) -> Any:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return conditional_escape(value)
