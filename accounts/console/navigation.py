"""The navigation of a site, and the same places on its first page, in groups."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Place:
    """A page that stands in the navigation; `purpose` is one sentence, for the first page."""

    group: str
    label: str
    path: str
    purpose: str
    is_open: bool = False  # it, or a page below it, is the one that is shown


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of a site that is no screen, by the name of its URL, as it stands in the navigation."""

    group: str
    label: str
    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Group:
    """Places under a common heading."""

    name: str
    places: tuple[Place, ...]


def grouped(places: Iterable[Place]) -> tuple[Group, ...]:
    """The places by their groups; groups in the order in which they first come."""
    listed = list(places)
    order = list(dict.fromkeys(place.group for place in listed))
    listed.sort(key=lambda place: order.index(place.group))
    return tuple(
        Group(name, tuple(members)) for name, members in groupby(listed, lambda place: place.group)
    )
