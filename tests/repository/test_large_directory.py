"""Lists in a directory of 100,000 users are read along indexes, whatever page is asked for.

The users are written by SQL, once for all tests here; each test measures the blocks that are read.
"""

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from psycopg import sql

from scim.protocol.cursor import Cursor, Position
from scim.protocol.definitions import USER
from scim.protocol.filters import parse_filter, parse_path
from scim.repository import lists, totals
from scim.repository.base import Loading, Query, Source
from tenants import concurrently
from tenants.current import in_tenant
from tests.support import database

pytestmark = [pytest.mark.commits, pytest.mark.django_db]

PEOPLE = 100_000
PAGE = 20
FEW_BLOCKS = 1_200  # of 8 kB; the users are some 18,000

_USERS = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified)
SELECT ('00000000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid, 'User',
    user_, user_, user_ ->> 'userName', 1, moment, moment
FROM (
    SELECT number, timestamptz '2026-06-01 00:00:00Z' - make_interval(secs => 7 * number) AS moment,
        jsonb_build_object(
            'userName', 'user' || number || '@example.com',
            'externalId', 'external' || number,
            'displayName', 'person ' || 7919 * number::bigint %% 1000003,
            'name', jsonb_build_object(
                'familyName', 'family' || 31 * number %% 997, 'givenName', 'given' || number %% 50
            ),
            'active', number %% 50 <> 0, 'title', repeat('consultant ', 9),
            'emails', jsonb_build_array(jsonb_build_object(
                'type', 'work', 'value', 'user' || number || '@example.com'
            ))
        ) AS user_
    FROM generate_series(1, %s) AS number
) AS numbered
"""
_GROUPS = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified)
SELECT ('00000000-0000-7000-9000-' || lpad(number::text, 12, '0'))::uuid, 'Group',
    '{"displayName": "group"}', '{"displayName": "group"}', NULL, 1, now(), now()
FROM generate_series(1, 100) AS number
"""
_MEMBERS = """
INSERT INTO scim_membership (group_id, member_id)
SELECT ('00000000-0000-7000-9000-' || lpad((number %% 100 + 1)::text, 12, '0'))::uuid,
    ('00000000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid
FROM generate_series(1, %s, 10) AS number
UNION ALL
SELECT '00000000-0000-7000-9000-000000000010',
    ('00000000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid
FROM generate_series(2, 92, 10) AS number
"""
SMALL = "00000000-0000-7000-9000-000000000010"


def fill(tenant, people):
    """Users and groups with a tenth of them, with statistics as autovacuum keeps them."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_USERS, [people])
        cursor.execute(_GROUPS)
        cursor.execute(_MEMBERS, [people])
    for table in ("scim_resource", "scim_membership"):
        named = sql.Identifier(tenant.schema_name, table)
        concurrently.execute(sql.SQL("VACUUM (ANALYZE) {}").format(named))


@pytest.fixture(scope="module")
def directory(django_db_setup, django_db_blocker):
    """The tenant of 100,000 users."""
    with django_db_blocker.unblock():
        tenant = database.present_or_created("umbrella", "Umbrella")
        try:
            fill(tenant, PEOPLE)
            yield tenant
        finally:
            database.drop(tenant)


@pytest.fixture(autouse=True)
def _no_total_is_remembered():
    totals.forget()


@contextmanager
def noted():
    """The statements that are executed inside, each with its parameters."""
    statements = []

    def note(execute, text, params, many, context):
        statements.append((text, params))
        return execute(text, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def ask(tenant, query):
    """The page, and the blocks that are read for it."""
    source = Source(USER, Loading(tenant.tenant_url))
    with in_tenant(tenant), transaction.atomic():
        with noted() as statements:
            page = lists.page([source], query)
        return page, sum(blocks(*each) for each in statements)


def blocks(text, params):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", params)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] + plan["Temp Written Blocks"]


def sorted_by(path, **rest):
    return Query(sort_by=parse_path(path).attribute, count=PAGE, **rest)


# What the list is sorted by, and the key of the user in the middle.
ORDERS = {
    "userName": "user50000@example.com",
    "externalId": "external50000",
    "displayName": f"person {7919 * 50_000 % 1_000_003}",
    "name.familyName": f"family{31 * 50_000 % 997}",
    "meta.lastModified": str(datetime(2026, 6, 1, tzinfo=UTC) - timedelta(seconds=7 * 50_000)),
}
LATE = datetime(2026, 6, 1, tzinfo=UTC) - timedelta(seconds=7 * (PEOPLE - 1_000))
MIDDLE = UUID("00000000-0000-7000-8000-000000050000")


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("descending", [False, True])
def test_a_sorted_list_begins_along_the_index_of_its_order(directory, path, descending):
    page, read = ask(directory, sorted_by(path, descending=descending))

    assert len(page.items) == PAGE
    assert page.total == PEOPLE
    assert read < FEW_BLOCKS


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("is_backward", [False, True])
def test_a_walk_goes_on_along_the_index(directory, path, descending, is_backward):
    cursor = Cursor(PAGE, PEOPLE, Position(ORDERS[path], MIDDLE), is_backward)

    page, read = ask(directory, sorted_by(path, descending=descending, cursor=cursor))

    assert len(page.items) == PAGE
    assert page.has_more
    assert read < FEW_BLOCKS


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("descending", [False, True])
def test_a_page_by_index_near_the_end_is_read_from_there(directory, path, descending):
    query = sorted_by(path, descending=descending, start_index=PEOPLE - 100)

    page, read = ask(directory, query)

    assert (page.total, len(page.items)) == (PEOPLE, PAGE)
    assert read < 2 * FEW_BLOCKS  # the total is counted in an index


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ('userName eq "user77@example.com"', 1),
        ('userName sw "user7777"', 11),
        ('emails.value eq "user77@example.com"', 1),
        ('userName eq "user77@example.com" and active eq true', 1),
        (f'groups.value eq "{SMALL}"', 10),
        ("groups pr", 10_010),
        ('userName ne "user77@example.com"', PEOPLE - 1),
        ("active eq true", PEOPLE - PEOPLE // 50),
        (f'meta.lastModified lt "{LATE:%Y-%m-%dT%H:%M:%SZ}"', 1_000),  # who are last in the list
    ],
)
def test_a_filter_reads_what_its_page_needs(directory, text, total):
    page, read = ask(directory, Query(filter=parse_filter(text), count=PAGE))

    assert page.total == total
    assert len(page.items) == min(total, PAGE)
    assert read < FEW_BLOCKS


@pytest.mark.parametrize("text", ["active eq true", 'userName co "user"', 'title co "consultant"'])
@pytest.mark.parametrize("path", [None, "name.familyName"])
def test_a_further_page_of_what_most_match_is_read_without_counting(directory, text, path):
    tree = parse_filter(text)
    order = parse_path(path).attribute if path else None
    first, _ = ask(directory, Query(filter=tree, sort_by=order, count=PAGE))

    page, read = ask(directory, Query(filter=tree, sort_by=order, count=PAGE, start_index=PAGE + 1))

    assert page.total == first.total
    assert read < FEW_BLOCKS


def test_a_large_total_is_remembered_and_corrected_by_the_page(directory, monkeypatch):
    everybody = Query(count=PAGE)
    with monkeypatch.context() as patch:
        patch.setattr(totals, "remembered", lambda _condition: PEOPLE + 5)
        older, read = ask(directory, everybody)
        end, _ = ask(directory, replace(everybody, start_index=PEOPLE - 3))
        beyond, _ = ask(directory, replace(everybody, start_index=PEOPLE + 3))

    assert (older.total, read < FEW_BLOCKS // 4) == (PEOPLE + 5, True)
    assert (end.total, len(end.items)) == (PEOPLE, 4)
    assert (beyond.total, beyond.items) == (PEOPLE, ())


def test_a_total_is_remembered_for_seconds_and_for_its_tenant_alone(directory, acme, monkeypatch):
    page, _ = ask(directory, Query(count=0))
    now = time.monotonic()

    assert page.total == PEOPLE
    assert ask(acme, Query(count=0))[0].total == 0
    with in_tenant(directory):
        everybody = lists._matching([Source(USER, Loading(directory.tenant_url))], Query())
        assert totals.remembered(everybody) == PEOPLE
        monkeypatch.setattr(time, "monotonic", lambda: now + totals.SECONDS + 1)
        assert totals.remembered(everybody) is None
