"""Filters run in PostgreSQL and mean there what they mean in memory (RFC 7644 §3.4.2.2).

The property at the end is the real test: random filters over random users give the same answer in
SQL as scim.protocol.evaluation gives. The examples before it are for reading.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.comparison import comparable
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluation import matches
from scim.protocol.filters import Filter, parse_filter
from scim.protocol.representation import Stored, represent
from scim.repository import lists, resources
from scim.repository.base import Loading, Query, Source, Write
from scim.repository.where import compile_filter
from tenants.current import in_tenant
from tests.support import strategies
from tests.support.events import event_of

TENANT_URL = "https://acme.mypolicies.com/scim"
USERS = [Source(USER, Loading(TENANT_URL))]
CREATED = datetime(2026, 11, 25, tzinfo=UTC)
IDS = [UUID(each) for each in strategies.IDS]

BJENSEN = {
    "userName": "bjensen@example.com",
    "externalId": "701984",
    "active": True,
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "emails": [
        {"type": "work", "value": "bjensen@example.com", "primary": True},
        {"type": "home", "value": "babs@jensen.org"},
    ],
    urns.ENTERPRISE_USER: {"department": "Tour Operations", "manager": {"value": "26118915"}},
}
JSMITH = {
    "userName": "jsmith@example.com",
    "externalId": "A-1",
    "active": False,
    "name": {"familyName": "Smith"},
    "emails": [{"type": "work", "value": "jsmith@example.com"}],
}
pytestmark = pytest.mark.django_db


def stored(number: int, user: dict[str, Any]) -> Stored:
    moment = CREATED + timedelta(days=number)
    return Stored(IDS[number], user, number + 1, CREATED, moment)


@contextmanager
def provisioned(*users: dict[str, Any]) -> Iterator[list[Stored]]:
    """Users in the database for the time of the block."""
    with transaction.atomic():
        items = [stored(number, user) for number, user in enumerate(users)]
        for item in items:
            at = item.last_modified
            event = event_of(USER.name, item.id, UUID(int=at.toordinal()), at)
            write = Write(USER, item.id, item.resource, item.version, event)
            resources.write(write)
        yield [Stored(i.id, i.resource, i.version, i.last_modified, i.last_modified) for i in items]
        transaction.set_rollback(True)


def user_names(text: str) -> list[str]:
    found = lists.page(USERS, Query(filter=parse_filter(text)))
    return [item.stored.resource["userName"].split("@")[0] for item in found.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "BJENSEN@example.com"', ["bjensen"]),
        ('userName sw "J"', ["jsmith"]),
        ('userName co "SMITH"', ["jsmith"]),
        ('userName ew "@example.com"', ["bjensen", "jsmith"]),
        ('externalId eq "a-1"', []),
        ('externalId eq "A-1"', ["jsmith"]),
        ('name.familyName gt "jensen"', ["jsmith"]),
        ("active eq true", ["bjensen"]),
        ("not (active eq true)", ["jsmith"]),
        ('emails eq "babs@jensen.org"', ["bjensen"]),
        ('emails[type eq "work"].value eq "jsmith@example.com"', ["jsmith"]),
        ('emails[type eq "home" and value co "@JENSEN"]', ["bjensen"]),
        ('emails[type eq "home" and value co "@example"]', []),
        ("emails.primary pr", ["bjensen"]),
        ('emails.type ne "home"', ["jsmith"]),
        ('manager eq "26118915"', ["bjensen"]),
        ('manager[not (value eq "1")]', ["bjensen"]),
        (f'{urns.ENTERPRISE_USER}:department sw "tour"', ["bjensen"]),
        (f"{urns.ENTERPRISE_USER}:department pr", ["bjensen"]),
        ("title pr", []),
        ("title eq null", ["bjensen", "jsmith"]),
        (f'schemas eq "{urns.ENTERPRISE_USER}"', ["bjensen"]),
        (f'id eq "{strategies.IDS[1]}"', ["jsmith"]),
        (f'id eq "{strategies.IDS[1].upper()}"', []),
        ('id eq "1"', []),
        ('meta.lastModified ge "2026-11-26T01:00:00+01:00"', ["jsmith"]),
        (f'meta.location eq "{TENANT_URL}/Users/{strategies.IDS[0]}"', ["bjensen"]),
        ('meta.version eq "W/\\"1\\""', ["bjensen"]),
        ("meta pr", ["bjensen", "jsmith"]),
        ('meta[lastModified ge "2026-11-26T01:00:00+01:00" and version pr]', ["jsmith"]),
        (f'meta[location ew "{strategies.IDS[0]}" and resourceType eq "User"]', ["bjensen"]),
        ('(userName sw "b" or userName sw "j") and active eq false', ["jsmith"]),
        ('userName eq "%" or userName eq "_smith@example.com"', []),
    ],
)
def test_a_filter_finds(acme, text, expected):
    with in_tenant(acme), provisioned(BJENSEN, JSMITH):
        assert user_names(text) == expected


def test_a_filter_never_finds_users_of_another_tenant(acme, globex):
    with in_tenant(acme), provisioned(BJENSEN), in_tenant(globex), provisioned(JSMITH):
        assert user_names("userName pr") == ["jsmith"]


@pytest.mark.parametrize("text", ['shoeSize eq "44"', 'userName eq "x" and shoeSize pr'])
def test_an_unknown_attribute_is_refused_and_never_dropped(text):
    with pytest.raises(InvalidFilter, match="shoeSize"):
        compile_filter(parse_filter(text), USER, TENANT_URL)


def test_values_of_the_client_are_only_ever_parameters():
    hostile = "'; DROP TABLE scim_resource; --"

    condition = compile_filter(parse_filter(f'title eq "{hostile}"'), USER, TENANT_URL)

    assert hostile not in condition.text
    assert hostile.lower() in condition.parameters


@given(
    users=st.lists(strategies.users(), min_size=1, max_size=3, unique_by=str),
    tree=strategies.filters(USER),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_filter_finds_in_sql_what_it_matches_in_memory(acme, users: list[Any], tree: Filter):
    users = [
        {**user, "userName": f"{number}{user.get('userName', '')}"}
        for number, user in enumerate(users)
    ]
    with in_tenant(acme), provisioned(*users) as items:
        in_memory = [
            item.id
            for item in items
            if matches(tree, USER, comparable(USER, represent(USER, item, TENANT_URL)))
        ]

        in_sql = lists.page(USERS, Query(filter=tree))

        assert [item.stored.id for item in in_sql.items] == in_memory
        assert in_sql.total == len(in_memory)
