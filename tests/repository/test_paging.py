"""Pages by cursor (RFC 9865) and by index, over one resource type and over several.

The properties at the end are the real test: whoever walks a list by cursor sees what the whole list
holds, forwards and backwards, also while resources come and go.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count as counting
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.protocol.cursor import Cursor, Neighbors, neighbors
from scim.protocol.definitions import GROUP, USER
from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.filters import parse_filter, parse_path
from scim.protocol.schema import ResourceType
from scim.repository import lists, resources
from scim.repository.base import Loading, Operation, Page, Query, Source, Write
from tenants.current import in_tenant
from tests.support.events import event_of

TENANT_URL = "https://acme.mypolicies.com/scim"
LOADING = Loading(TENANT_URL)
USERS = [Source(USER, LOADING)]
EVERYTHING = [Source(USER, LOADING), Source(GROUP, LOADING)]
MOMENT = datetime(2026, 11, 25, tzinfo=UTC)

pytestmark = pytest.mark.django_db


class Directory:
    """Resources of acme, made and removed as a test wants them."""

    def __init__(self) -> None:
        self._numbers = counting(1)

    def add(self, resource_type: ResourceType, **resource: Any) -> UUID:
        """A new resource; what identifies it within its type is filled in."""
        number = next(self._numbers)
        unique = "userName" if resource_type is USER else "displayName"
        identifier = UUID(int=number)
        document = {unique: f"name-{number}"} | resource
        self._write(Operation.CREATE, resource_type, identifier, number, document)
        return identifier

    def remove(self, identifier: UUID) -> None:
        self._write(Operation.DELETE, USER, identifier, next(self._numbers), {})

    def _write(self, operation, resource_type, identifier, number, document):
        at = MOMENT + timedelta(seconds=number % 3)
        event = event_of(resource_type.name, identifier, UUID(int=number), at, operation)
        resources.write(Write(resource_type, identifier, document, 1, event))


@pytest.fixture
def directory(acme):
    with in_tenant(acme), transaction.atomic():
        yield Directory()
        transaction.set_rollback(True)


def sorted_by(name: str, **more: Any) -> Query:
    return Query(sort_by=parse_path(name).attribute, **more)


def ids(page: Page) -> list[UUID]:
    return [item.stored.id for item in page.items]


def turn(sources: Sequence[Source], query: Query, cursor: Cursor) -> tuple[list[UUID], Neighbors]:
    """The ids on the page that the cursor leads to, and the cursors beside it."""
    page = lists.page(sources, replace(query, count=cursor.count, cursor=cursor))
    positions = [item.position for item in page.items]
    return ids(page), neighbors(cursor, page.total, positions, has_more=page.has_more)


def test_a_cursor_leads_from_page_to_page_and_back(directory):
    a, b, c = (directory.add(USER, title=title) for title in ("a", "b", "c"))
    query = sorted_by("title")

    first, beside_first = turn(USERS, query, Cursor(2))
    last, beside_last = turn(USERS, query, beside_first.next)
    again, beside_again = turn(USERS, query, beside_last.previous)

    assert [first, last, again] == [[a, b], [c], [a, b]]
    assert beside_first.previous is None
    assert beside_last.next is None
    assert beside_again.previous is None
    assert beside_again.next == beside_first.next


def test_the_total_is_counted_on_the_first_page_and_then_carried(directory, statements):
    for _ in range(3):
        directory.add(USER)

    with statements() as executed:
        _, beside = turn(USERS, Query(), Cursor(1))
        turn(USERS, Query(), beside.next)

    assert beside.next.total == 3
    assert ["count(*)" in each for each in executed] == [True, False]


def test_a_page_of_nothing_has_no_neighbors(directory):
    directory.add(USER)

    assert turn(USERS, Query(), Cursor(0)) == ([], Neighbors())


def test_a_last_page_that_was_emptied_leads_back_to_the_end_of_the_list(directory):
    a, b, c = (directory.add(USER) for _ in range(3))
    _, beside = turn(USERS, Query(), Cursor(2))
    directory.remove(c)

    empty, beside_empty = turn(USERS, Query(), beside.next)
    back, _ = turn(USERS, Query(), beside_empty.previous)

    assert (empty, beside_empty.next, back) == ([], None, [a, b])


def test_a_first_page_that_was_emptied_leads_on_to_the_beginning_of_the_list(directory):
    a, b = (directory.add(USER) for _ in range(2))
    _, beside_first = turn(USERS, Query(), Cursor(1))
    _, beside_last = turn(USERS, Query(), beside_first.next)
    directory.remove(a)

    empty, beside_empty = turn(USERS, Query(), beside_last.previous)
    onward, _ = turn(USERS, Query(), beside_empty.next)

    assert (empty, beside_empty.previous, onward) == ([], None, [b])


def test_an_index_counts_through_all_resource_types_in_one_order(directory):
    b = directory.add(USER, displayName="b")
    a = directory.add(GROUP, displayName="a")
    nameless = directory.add(USER)
    c = directory.add(GROUP, displayName="C")

    pages = [
        lists.page(EVERYTHING, sorted_by("displayName", start_index=start, count=2))
        for start in (1, 3)
    ]

    assert [(page.total, ids(page)) for page in pages] == [(4, [a, b]), (4, [c, nameless])]


@pytest.mark.parametrize(
    "name", ["displayName", "name.familyName", "id", "meta.lastModified", None]
)
@pytest.mark.parametrize("descending", [False, True])
def test_a_deep_page_by_index_holds_what_the_whole_list_has_there(
    directory, monkeypatch, name, descending
):
    for number in range(9):
        names = {"displayName": f"d{number % 4}", "name": {"familyName": f"f{number % 3}"}}
        directory.add(USER, **(names if number % 5 else {}))
        directory.add(GROUP)
    query = Query(descending=descending) if name is None else sorted_by(name, descending=descending)
    whole = ids(lists.page(USERS, query))
    assert len(whole) == 9

    monkeypatch.setattr(lists, "DEEP", 0)

    for start in range(1, 12):
        for size in (1, 2, 5, 20):
            page = lists.page(USERS, replace(query, start_index=start, count=size))
            assert (page.total, ids(page)) == (9, whole[start - 1 : start - 1 + size])


def test_an_attribute_of_one_type_has_no_value_in_the_other_when_sorting(directory):
    group = directory.add(GROUP, displayName="a")
    user = directory.add(USER, userName="z")

    assert ids(lists.page(EVERYTHING, sorted_by("userName"))) == [user, group]
    assert ids(lists.page(EVERYTHING, sorted_by("userName", descending=True))) == [group, user]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('meta.resourceType eq "User"', ["user"]),
        ('meta.resourceType ne "User"', ["group"]),
        ('userName eq "bjensen"', ["user"]),
        ('userName ne "bjensen"', ["group"]),
        ('not (userName eq "bjensen")', ["group"]),
        ("userName eq null", ["group"]),
        ("userName ne null", ["user"]),
        ("userName pr", ["user"]),
        ("members pr or userName pr", ["user"]),
        ("members pr and userName pr", []),
        ('displayName eq "guides" or userName pr', ["user", "group"]),
        ('displayName eq "guides" and userName eq null', ["group"]),
        ('emails[type eq "work"]', []),
        ('not (emails[type eq "work"])', ["user", "group"]),
        ("userName pr or not (userName pr)", ["user", "group"]),
    ],
)
def test_a_filter_over_all_types_finds(directory, text, expected):
    names = {
        directory.add(USER, userName="bjensen"): "user",
        directory.add(GROUP, displayName="Guides"): "group",
    }

    found = lists.page(EVERYTHING, Query(filter=parse_filter(text)))

    assert [names[each] for each in ids(found)] == expected
    assert found.total == len(expected)


@pytest.mark.parametrize(
    "text",
    ["shoeSize pr", "userName pr or shoeSize pr", "members pr and active gt true", "password pr"],
)
def test_a_filter_that_no_type_understands_is_refused(directory, text):
    with pytest.raises(InvalidFilter):
        lists.page(EVERYTHING, Query(filter=parse_filter(text)))


@pytest.mark.parametrize("name", ["shoeSize", "password", "name", "meta"])
def test_an_order_that_no_type_has_is_refused(directory, name):
    with pytest.raises(InvalidValue):
        lists.page(EVERYTHING, sorted_by(name))


TITLES = st.none() | st.sampled_from(["a", "B", "b", "Stra\N{LATIN SMALL LETTER SHARP S}e", "z'"])
NAMES = (
    None,
    "userName",
    "title",
    "name.familyName",
    "active",
    "emails",
    "emails.primary",
    "meta.created",
    "meta.resourceType",
    "displayName",
    "id",
)
QUERIES = st.builds(
    Query,
    sort_by=st.sampled_from([parse_path(name).attribute if name else None for name in NAMES]),
    descending=st.booleans(),
    filter=st.sampled_from([None, parse_filter("id pr")]),
)
RESOURCES = st.lists(
    st.tuples(st.sampled_from([USER, USER, GROUP]), TITLES, st.none() | st.booleans()),
    max_size=8,
)
# A resource that comes between two pages, or the number of one that goes.
EVENTS = st.lists(st.none() | TITLES | st.integers(0, 7), max_size=12)
SLOW = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


def made(directory: Directory, drawn: Sequence[tuple[Any, Any, Any]]) -> list[UUID]:
    """Resources whose sort keys are often equal or missing."""
    return [_made(directory, *each) for each in drawn]


def _made(directory: Directory, resource_type: ResourceType, title: Any, active: Any) -> UUID:
    values = {"externalId": title}
    if resource_type is USER:
        emails = title and [{"value": title, "primary": True}]
        family = title and {"familyName": title}
        values |= {"title": title, "displayName": title, "name": family}
        values |= {"active": active, "emails": emails}
    return directory.add(resource_type, **{k: v for k, v in values.items() if v is not None})


@given(drawn=RESOURCES, query=QUERIES, size=st.integers(1, 3), of_all=st.booleans())
@SLOW
def test_a_walk_sees_the_whole_list_forwards_and_backwards(acme, drawn, query, size, of_all):
    sources = EVERYTHING if of_all else USERS
    with in_tenant(acme), transaction.atomic():
        made(Directory(), drawn)
        whole = ids(lists.page(sources, query))
        pages, back = [], []

        page, beside = turn(sources, query, Cursor(size))
        pages.append(page)
        while beside.next:
            page, beside = turn(sources, query, beside.next)
            pages.append(page)
        while beside.previous:
            page, beside = turn(sources, query, beside.previous)
            back.insert(0, page)

        assert [each for page in pages for each in page] == whole
        assert back == pages[:-1]
        assert all(len(page) == size for page in pages[:-1])
        transaction.set_rollback(True)


@given(
    drawn=RESOURCES, query=QUERIES, size=st.integers(1, 3), events=EVENTS, is_backward=st.booleans()
)
@SLOW
def test_a_user_that_stays_is_seen_exactly_once_while_others_come_and_go(
    acme, drawn, query, size, events, is_backward
):
    with in_tenant(acme), transaction.atomic():
        directory = Directory()
        staying = made(directory, drawn)
        seen: list[UUID] = []
        cursor: Cursor | None = Cursor(size, is_backward=is_backward)

        while cursor:
            page, beside = turn(EVERYTHING, query, cursor)
            seen = page + seen if is_backward else seen + page
            cursor = beside.previous if is_backward else beside.next
            event = events.pop() if events else None
            if isinstance(event, int) and event < len(staying):
                directory.remove(staying.pop(event))
            elif isinstance(event, str):
                _made(directory, USER, event, None)

        order = [each for each in ids(lists.page(EVERYTHING, query)) if each in staying]
        assert [each for each in seen if each in staying] == order
        assert len(seen) == len(set(seen))
        transaction.set_rollback(True)
