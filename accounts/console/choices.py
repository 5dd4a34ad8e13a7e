"""The choices of a person for a list: the columns that it shows, and filters kept under a name.

They are kept with the account (accounts.signed_in), so they cost no statement and follow the person to any
browser, staff to any tenant. A kept filter holds values of filters alone, never a search: the name of
somebody who is erased must not stay in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from accounts.signed_in import choices_of, keep_choice

MOST_VIEWS: Final = 20  # of a list
NAME_LENGTH: Final = 60
_VALUE_LENGTH: Final = 100
_COLUMNS: Final = "columns"
_VIEWS: Final = "views"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be chosen."""

    name: str
    label: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class View:
    """Filters of a list under a name."""

    name: str
    query: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Choosing:
    """The choices that a list offers: where they are sent, and what there is."""

    path: str
    columns: tuple[Column, ...]
    views: tuple[View, ...]
    query: str  # the filters of now; "" for none


def shown_columns(
    request: HttpRequest, key: str, default: Sequence[str], more: Sequence[str]
) -> tuple[str, ...]:
    """The columns of a list: the first one always, of the others those that were chosen."""
    chosen = _kept(request, key).get(_COLUMNS)
    if not isinstance(chosen, list):
        return tuple(default)
    first, *others = (*default, *more)
    return (first, *(name for name in others if name in chosen))


def views(request: HttpRequest, key: str, query: str) -> tuple[View, ...]:
    """The kept views of a list, by name."""
    kept = _kept(request, key).get(_VIEWS)
    found = kept if isinstance(kept, dict) else {}
    return tuple(View(name, found[name], found[name] == query) for name in sorted(found))


def choose_columns(request: HttpRequest, key: str, names: Iterable[str]) -> None:
    """Have the list show these columns from now on."""
    keep_choice(request, key, {**_kept(request, key), _COLUMNS: sorted(set(names))})


def keep_view(request: HttpRequest, key: str, name: str, query: str) -> str:
    """Keep the filters under the name, in place of others of that name; "" or why it cannot be."""
    name = " ".join(name.replace("\0", "").split())
    kept = dict(_kept(request, key).get(_VIEWS) or {})
    if not name or len(name) > NAME_LENGTH:
        return f"Give the view a name of 1 to {NAME_LENGTH} characters."
    if not query:
        return "Choose a filter first."
    if name not in kept and len(kept) >= MOST_VIEWS:
        return f"A list keeps {MOST_VIEWS} views. Remove one first."
    keep_choice(request, key, {**_kept(request, key), _VIEWS: kept | {name: query}})
    return ""


def drop_view(request: HttpRequest, key: str, name: str) -> None:
    """Forget the view of that name."""
    kept = dict(_kept(request, key).get(_VIEWS) or {})
    if kept.pop(name, None) is not None:
        keep_choice(request, key, {**_kept(request, key), _VIEWS: kept})


def filters_of(query: str, names: Iterable[str]) -> str:
    """The part of a query string that is about those filters."""
    given, known = QueryDict(query[:2_000]), QueryDict(mutable=True)
    for name in names:
        value = given.get(name)
        if value is not None and len(value) <= _VALUE_LENGTH:
            known[name] = value
    return known.urlencode()


def _kept(request: HttpRequest, key: str) -> Mapping[str, Any]:
    kept = choices_of(request).get(key)
    return kept if isinstance(kept, dict) else {}
