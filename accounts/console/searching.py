"""The search over a site: its pages, what can be done there, and what its screens and parts find.

The page of results works without a script. A box that is typed into shows the same hits as a list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.http import HttpRequest

TERM_LENGTH: Final = 200
FOUND: Final = 8  # hits of a kind

PAGE: Final = "Pages"
ACTION: Final = "Actions"


@dataclass(frozen=True, slots=True)
class Search:
    """Somebody looks for a term; `is_typing` while it may not be complete yet."""

    request: HttpRequest
    term: str
    is_typing: bool = False
    only: str = ""  # a kind of hits; all without one

    @classmethod
    def of(cls, request: HttpRequest) -> "Search":
        """The search that the query of the request asks for."""
        term = request.GET.get("q", "").replace("\0", "").strip()[:TERM_LENGTH]
        return cls(request, term, "part" in request.GET, request.GET.get("only", ""))

    def asks_for(self, kind: str) -> bool:
        """True if hits of that kind are wanted."""
        return self.only in ("", kind)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found; hits of one kind stand together under its name."""

    kind: str
    title: str
    path: str
    detail: str = ""
    is_exact: bool = False  # the only one that was meant: it is opened at once


@dataclass(frozen=True, slots=True)
class Kind:
    """Hits under a common heading."""

    name: str
    hits: tuple[Hit, ...]


def fits(term: str, label: str) -> bool:
    """True if each word of the term begins a word of the label."""
    words = label.casefold().split()
    return all(any(word.startswith(part) for word in words) for part in term.casefold().split())


def by_kind(hits: Iterable[Hit]) -> tuple[Kind, ...]:
    """The hits by their kinds, in the order in which these first come; at most FOUND of each."""
    found = list(hits)
    order = list(dict.fromkeys(hit.kind for hit in found))
    found.sort(key=lambda hit: order.index(hit.kind))
    return tuple(
        Kind(name, tuple(members)[:FOUND]) for name, members in groupby(found, lambda hit: hit.kind)
    )
