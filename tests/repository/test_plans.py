"""The blocks that a statement reads do not grow with the groups and users that it is not about.

In a tenant with one large group and some of ten, of which the statistics know nothing but the
average.
"""

import json

import pytest
from django.db import connection, transaction

from scim.models import Membership, Resource
from scim.protocol.definitions import GROUP, MEMBERS, USER
from scim.protocol.filters import parse_filter
from scim.protocol.targets import Edit, MemberEdit
from scim.repository import belonging, lists, members, resources
from scim.repository.base import Loading, Query, Source
from tenants.current import in_tenant
from tests.support import database

pytestmark = pytest.mark.one_node  # plans are asked for, and statistics set

PEOPLE = 12_000
SMALL = 10  # members of each of the small groups
FEW_BLOCKS = 200  # of 8 kB; the users alone are some 1,500
PERSON = "00000000-0000-7000-8000-000000000007"  # who belongs to all groups
GROUP_OF_TEN = "00000000-0000-7000-9000-000000000002"

_RESOURCES = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified)
SELECT ('00000000-0000-7000-' || {prefix} || '-' || lpad(number::text, 12, '0'))::uuid, {type},
    named, named, named ->> 'displayName', 1, now(), now()
FROM (
    SELECT number, jsonb_build_object('displayName', {type} || number) AS named
    FROM generate_series(1, %s) AS number
) AS numbered
"""
_FILLERS = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified)
SELECT gen_random_uuid(), 'User', filler, filler, NULL, 1, now(), now()
FROM (SELECT jsonb_build_object('displayName', repeat('former ', 90)) AS filler) AS one,
    generate_series(1, %s)
"""
_MEMBERS = """
INSERT INTO scim_membership (group_id, member_id)
SELECT %s, id FROM scim_resource WHERE resource_type = 'User' ORDER BY id LIMIT %s
"""


def insert(prefix, name, number):
    with connection.cursor() as cursor:
        cursor.execute(_RESOURCES.format(prefix=f"'{prefix}'", type=f"'{name}'"), [number])


def empty():
    """Give the tables new files, until the rollback: rows of former tests, though dead, fill the old."""
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE scim_resource, scim_membership")


def leave_dead(number):
    """Fill the table with so many dead rows, which its statistics count among the resources."""
    with connection.cursor() as cursor:
        cursor.execute(_FILLERS, [number])
        cursor.execute("DELETE FROM scim_resource")


def analyze():
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("ANALYZE scim_resource, scim_membership")


def insert_groups():
    """Insert users and groups; return the ids of the groups, the large one first."""
    insert("8000", "User", PEOPLE)
    insert("9000", "Group", 12)
    groups = Resource.objects.filter(resource_type="Group").order_by("id")
    made = list(groups.values_list("id", flat=True))
    with connection.cursor() as cursor:
        for group in made:
            cursor.execute(_MEMBERS, [group, PEOPLE if group == made[0] else SMALL])
    return made


@pytest.fixture
def groups(acme):
    """The ids of the groups, the large one first; inside acme's transaction, which is rolled back."""
    with in_tenant(acme):
        empty()
        made = insert_groups()
        analyze()
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def blocks():
    """`blocks(work)`: how many blocks the statements of the work read, cached ones included."""

    def count(work):
        statements = []

        def note(execute, sql, params, many, context):
            statements.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            work()
        with connection.cursor() as cursor, transaction.atomic():
            total = sum(read_by(cursor, *each) for each in statements)
            transaction.set_rollback(True)
        return total

    return count


def read_by(cursor, sql, params):
    """The blocks of one statement, which is executed again."""
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
    found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def loading(acme, *relations):
    return Loading(acme.tenant_url, relations)


def page(acme, resource_type, text):
    source = Source(resource_type, loading(acme, *resource_type.relations))
    return lists.page([source], Query(filter=parse_filter(text)))


def test_a_small_group_is_read_with_its_members_alone(acme, groups, blocks):
    shown = loading(acme, MEMBERS)

    assert blocks(lambda: resources.find(GROUP, groups[1], shown)) < FEW_BLOCKS
    assert blocks(lambda: page(acme, GROUP, 'displayName eq "Group5"')) < FEW_BLOCKS
    assert blocks(lambda: page(acme, GROUP, f'id eq "{groups[1]}"')) < FEW_BLOCKS


def test_a_page_of_a_groups_members_reads_that_page_whatever_the_group(groups, blocks):
    nobody = "00000000-0000-0000-0000-000000000000"

    for group in groups[:2]:
        assert blocks(lambda at=group: belonging.members_of(at, nobody, 20)) < FEW_BLOCKS


def test_the_groups_of_a_user_are_read_without_the_other_users(acme, groups, blocks):
    member = Membership.objects.filter(group_id=groups[1]).first().member_id
    shown = loading(acme, *USER.relations)

    assert blocks(lambda: resources.find(USER, member, shown)) < FEW_BLOCKS
    assert blocks(lambda: belonging.groups_of(member, 100)) < FEW_BLOCKS


@pytest.mark.parametrize(
    "edit",
    [
        MemberEdit(Edit.ADD, ("00000000-0000-7000-8000-000000011000",)),
        MemberEdit(Edit.REMOVE, ("00000000-0000-7000-8000-000000000001",)),
        MemberEdit(Edit.REMOVE, selection=parse_filter('type eq "User"')),
        MemberEdit(Edit.REPLACE, ("00000000-0000-7000-8000-000000000001",)),
    ],
)
def test_a_change_of_a_small_groups_members_reads_no_other_group(groups, blocks, edit):
    assert blocks(lambda: members.apply(groups[1], [edit])) < FEW_BLOCKS


@pytest.mark.parametrize(
    "text",
    [
        'members.value eq "00000000-0000-7000-8000-000000000001"',
        'members[value eq "00000000-0000-7000-8000-000000000001" and type eq "user"]',
        "members pr",
    ],
)
def test_groups_are_found_by_a_member_without_reading_all_members(acme, groups, blocks, text):
    source = Source(GROUP, loading(acme))
    query = Query(filter=parse_filter(text))

    assert blocks(lambda: lists.page([source], query)) < FEW_BLOCKS


def test_the_users_of_a_small_group_are_found_from_the_group(acme, groups, blocks):
    source = Source(USER, loading(acme))
    query = Query(filter=parse_filter(f'groups.value eq "{groups[1]}"'))

    assert blocks(lambda: lists.page([source], query)) < FEW_BLOCKS


def test_a_group_is_found_by_its_id_when_the_statistics_are_older_than_all_groups(acme, blocks):
    with in_tenant(acme):
        empty()
        insert("8000", "User", PEOPLE)
        analyze()
        insert("9000", "Group", 5_000)
        group = Resource.objects.filter(resource_type="Group").last().id

        assert blocks(lambda: resources.find(GROUP, group, loading(acme))) < FEW_BLOCKS
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("resource_type", "text"),
    [
        (USER, f'id eq "{PERSON}" and active pr'),
        (USER, 'externalId eq "7" and active pr'),
        (USER, 'displayName eq "User7"'),
        (USER, 'name.familyName eq "Jensen"'),
        (USER, 'emails.value eq "user7@example.com"'),
        (USER, 'emails[type eq "work" and value eq "user7@example.com"]'),
        (USER, f'groups.value eq "{GROUP_OF_TEN}"'),
        (USER, f'groups[value eq "{GROUP_OF_TEN}"]'),
        (USER, f'active pr and groups.value eq "{GROUP_OF_TEN}"'),
        (GROUP, f'members.value eq "{PERSON}"'),
        (GROUP, f'members[value eq "{PERSON}" and type eq "user"] and displayName sw "Group"'),
        (GROUP, f'id eq "{GROUP_OF_TEN}" and members.value eq "{PERSON}"'),
    ],
)
def test_no_statistics_lead_a_look_up_past_its_index(acme, blocks, resource_type, text):
    with in_tenant(acme):
        empty()
        leave_dead(30_000)
        analyze()
        insert_groups()
        source = Source(resource_type, loading(acme))
        query = Query(filter=parse_filter(text))

        assert blocks(lambda: lists.page([source], query)) < FEW_BLOCKS
        transaction.set_rollback(True)
