"""The position of a page in a list, for paging by cursor (RFC 9865 §2); signing is not done here.

A cursor names a place in the order and not a number of rows to skip, so any page costs what the
first one costs, and rows that come or go elsewhere move nothing: who stays is seen exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Position:
    """A resource's place in the order: its sort key as text, None where it has none, and its id."""

    key: str | None
    id: UUID


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page after a position, or before it; without one the first page, or the last.

    `count` is the page's size. `total` is how many matched when the walk began, None before that.
    """

    count: int
    total: int | None = None
    position: Position | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The cursors beside a page; None where there is no page (RFC 9865 table 2)."""

    previous: Cursor | None = None
    next: Cursor | None = None


def neighbors(cursor: Cursor, total: int, page: Sequence[Position], *, has_more: bool) -> Neighbors:
    """The cursors beside the page that `cursor` led to.

    `page` is in the order of the list. `has_more` says that the walk goes on in its own direction;
    the other way there is what it came from. A page that was emptied meanwhile is left by the end
    of the list that it lies at.
    """
    if cursor.count == 0:
        return Neighbors()
    first, last = (page[0], page[-1]) if page else (None, None)
    before = Cursor(cursor.count, total, first, is_backward=True)
    after = Cursor(cursor.count, total, last)
    came_from = cursor.position is not None
    has_previous, has_next = (has_more, came_from) if cursor.is_backward else (came_from, has_more)
    return Neighbors(before if has_previous else None, after if has_next else None)


def to_value(cursor: Cursor) -> list[Any]:
    """The cursor as JSON; `read_value` gives it back."""
    position = cursor.position
    place = [position.key, str(position.id)] if position else None
    return [cursor.count, cursor.total, place, cursor.is_backward]


def read_value(value: Any) -> Cursor:
    """The cursor that `to_value` wrote; what a client could have written never gets here."""
    count, total, place, is_backward = value
    position = Position(place[0], UUID(place[1])) if place else None
    return Cursor(count, total, position, is_backward)
