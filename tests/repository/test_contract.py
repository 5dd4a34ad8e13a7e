"""The contract of a storage of resources (scim/repository/base.py), held by PostgreSQL.

Another storage is held to it by other values of RESOURCES, MEMBERS and LISTS.
"""

from uuid import UUID

import pytest
from django.db import IntegrityError, InternalError, transaction

from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol.cursor import Cursor
from scim.protocol.definitions import GROUP, USER
from scim.protocol.differences import changes
from scim.protocol.errors import InvalidValue, Uniqueness
from scim.protocol.filters import parse_filter, parse_path
from scim.protocol.targets import Edit, MemberEdit
from scim.repository import lists, members, resources
from scim.repository.base import (
    Lists,
    Loading,
    Lock,
    Members,
    Moved,
    Operation,
    Query,
    Question,
    Resources,
    Source,
    Write,
)
from tenants import clock
from tenants.current import in_tenant, in_tenant_from_start
from tests.support import database, meeting
from tests.support.events import event_of
from tests.support.meeting import until_waiting
from tests.support.waiting import WITHIN

RESOURCES: Resources = resources
MEMBERS: Members = members
LISTS: Lists = lists

LOADING = Loading("https://acme.mypolicies.com/scim")
USERS = [Source(USER, LOADING)]
EVERYTHING = [*USERS, Source(GROUP, LOADING)]
NOBODY = UUID(int=7)

BJENSEN = {"userName": "bjensen", "externalId": "1"}
JSMITH = {"userName": "jsmith", "externalId": "2"}


@pytest.fixture
def inside(acme):
    """Inside acme's transaction."""
    with in_tenant(acme):
        yield


@pytest.fixture
def initech(real_tenants, django_db_blocker):
    """A tenant whose transactions are committed."""
    with django_db_blocker.unblock():
        yield real_tenants[0]


@pytest.fixture
def start():
    """`start(work, …)`: the future of a call in a thread with a connection of its own."""
    with meeting.starting() as begin:
        yield begin


def a_write(resource, identifier=None, version=1, operation=Operation.CREATE, of=USER):
    at = clock.now()
    identifier = identifier or clock.new_id(at)
    event = event_of(of.name, identifier, clock.new_id(at), at, operation)
    return Write(of, identifier, resource, version, event, changes(of, {}, resource))


def add(resource, of=USER):
    """The id of a resource that was stored."""
    write = a_write(resource, of=of)
    RESOURCES.write(write)
    return write.id


def remove(identifier, resource=None, of=USER):
    RESOURCES.lock(of, identifier, LOADING, Lock.REMOVE)
    RESOURCES.write(a_write(resource or {}, identifier, 2, Operation.DELETE, of))


def edit(kind, *ids):
    return MemberEdit(kind, tuple(map(str, ids)))


def listed(query=None, sources=USERS):
    return [item.stored.id for item in LISTS.page(sources, query or Query()).items]


def histories():
    """The number of changes that history and log have."""
    changes = [each for row in AttributeChange.objects.all() for each in row.each]
    return len(changes), ProvisioningEvent.objects.count()


def test_a_resource_that_is_written_is_found_with_its_history_and_event(inside):
    write = a_write(BJENSEN)

    assert RESOURCES.write(write) == ()

    found = RESOURCES.find(USER, write.id, LOADING)
    assert (found.resource, found.version, found.created) == (BJENSEN, 1, write.event.at)
    created = AttributeChange.objects.get(resource_id=write.id)  # one row
    assert tuple(each.value for each in created.each) == write.changes
    assert len(write.changes) == 2
    assert ProvisioningEvent.objects.get().id == write.event.id


@pytest.mark.parametrize("operation", [Operation.REPLACE, Operation.MODIFY])
def test_a_change_keeps_the_id_and_the_creation(operation, inside):
    identifier = add(BJENSEN)
    before = RESOURCES.lock(USER, identifier, LOADING)
    write = a_write({**BJENSEN, "title": "Guide"}, identifier, 2, operation)

    RESOURCES.write(write)

    after = RESOURCES.find(USER, identifier, LOADING)
    assert (after.resource["title"], after.version) == ("Guide", 2)
    assert (after.created, after.last_modified) == (before.created, write.event.at)


def test_a_change_answers_the_questions_that_come_with_it(inside):
    identifier = add(BJENSEN)
    is_there = "EXISTS (SELECT 1 FROM scim_resource WHERE id = %(asked)s::uuid)"
    questions = [Question(is_there, {"asked": identifier}), Question("%(never)s", {"never": False})]

    assert list(RESOURCES.write(a_write(JSMITH), questions)) == [True, False]


def test_an_event_without_a_change_is_recorded(inside):
    RESOURCES.record(a_write(BJENSEN).event)

    assert histories() == (0, 1)


def test_a_deleted_resource_is_found_no_more(inside):
    identifier = add(BJENSEN)

    remove(identifier, BJENSEN)

    assert RESOURCES.find(USER, identifier, LOADING) is None
    assert RESOURCES.lock(USER, identifier, LOADING) is None
    assert RESOURCES.lock(USER, identifier, LOADING, Lock.REMOVE) is None
    assert listed() == []


def test_a_deleted_resource_can_be_locked_and_restored_as_it_was(inside):
    identifier = add(BJENSEN)
    assert RESOURCES.lock(USER, identifier, LOADING, Lock.RESTORE) is None
    remove(identifier, BJENSEN)

    stored = RESOURCES.lock(USER, identifier, LOADING, Lock.RESTORE)
    RESOURCES.write(a_write(stored.resource, identifier, 3, Operation.RESTORE))

    found = RESOURCES.find(USER, identifier, LOADING)
    assert (found.resource, found.version, found.created) == (BJENSEN, 3, stored.created)


@pytest.mark.parametrize("name", ["bjensen", "BJensen", "BJENSEN"])
def test_a_second_unique_value_is_a_conflict_and_leaves_nothing_behind(name, inside):
    RESOURCES.write(a_write(BJENSEN))

    with pytest.raises(Uniqueness, match="userName"), transaction.atomic():
        RESOURCES.write(a_write({**BJENSEN, "userName": name}))

    assert histories() == (2, 1)


def test_a_change_to_a_taken_value_is_a_conflict(inside):
    add(BJENSEN)
    identifier = add(JSMITH)

    with pytest.raises(Uniqueness, match="userName"), transaction.atomic():
        RESOURCES.write(a_write(BJENSEN, identifier, 2, Operation.MODIFY))

    assert RESOURCES.find(USER, identifier, LOADING).resource == JSMITH


def test_a_deletion_frees_the_unique_value_and_a_restoration_claims_it(inside):
    identifier = add(BJENSEN)
    remove(identifier, BJENSEN)
    add(BJENSEN)

    with pytest.raises(Uniqueness, match="userName"), transaction.atomic():
        RESOURCES.write(a_write(BJENSEN, identifier, 3, Operation.RESTORE))


def test_a_constraint_that_clients_cannot_meet_is_no_conflict(inside):
    """Told as what it is: a failure of ours."""
    write = a_write(BJENSEN)
    RESOURCES.write(write)

    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        RESOURCES.write(a_write({"userName": "jsmith"}, write.id))


def test_an_id_of_another_type_is_not_found(inside):
    identifier = add(BJENSEN)

    assert RESOURCES.find(GROUP, identifier, LOADING) is None
    assert RESOURCES.lock(GROUP, identifier, LOADING) is None
    assert RESOURCES.find(USER, NOBODY, LOADING) is None


def test_of_two_changes_the_second_reads_what_the_first_wrote(initech, start):
    with in_tenant(initech):
        identifier = add(BJENSEN)

    def read():
        with in_tenant(initech):
            return RESOURCES.lock(USER, identifier, LOADING).version

    with in_tenant(initech):
        RESOURCES.lock(USER, identifier, LOADING)
        second = start(read)
        until_waiting(1)
        RESOURCES.write(a_write(BJENSEN, identifier, 2, Operation.MODIFY))

    assert second.result(WITHIN) == 2


def test_rows_are_locked_in_the_order_of_their_ids_whatever_the_order_asked_for(initech, start):
    with in_tenant(initech):
        ids = [add(BJENSEN), add(JSMITH)]

    def lock(order):
        with in_tenant(initech):
            RESOURCES.lock_in_order([NOBODY, *order])

    with in_tenant(initech):
        RESOURCES.lock(USER, ids[0], LOADING)
        waiting = [start(lock, ids), start(lock, ids[::-1])]
        until_waiting(2)
        RESOURCES.lock(USER, ids[1], LOADING)  # neither of them holds it while it waits

    assert [each.result(WITHIN) for each in waiting] == [None, None]


def test_members_come_and_go_and_the_unknown_are_counted(inside):
    bjensen, jsmith = add(BJENSEN), add(JSMITH)
    team = add({"displayName": "Team"}, GROUP)

    assert MEMBERS.apply(team, [edit(Edit.ADD, bjensen, NOBODY)]) == Moved((bjensen,), (), 1)
    assert MEMBERS.apply(team, [edit(Edit.ADD, bjensen)]) == Moved()
    assert MEMBERS.apply(team, [edit(Edit.REPLACE, jsmith)]) == Moved((jsmith,), (bjensen,))
    assert (MEMBERS.has_at_most(1, team), MEMBERS.has_at_most(0, team)) == (True, False)
    assert MEMBERS.apply(team, [edit(Edit.REMOVE, jsmith, bjensen)]) == Moved((), (jsmith,))


def test_edits_that_cancel_each_other_move_nobody(inside):
    bjensen, team = add(BJENSEN), add({"displayName": "Team"}, GROUP)

    assert MEMBERS.apply(team, [edit(Edit.ADD, bjensen), edit(Edit.REMOVE, bjensen)]) == Moved()


def test_a_replacement_by_nobody_who_is_there_is_refused(inside):
    bjensen, team = add(BJENSEN), add({"displayName": "Team"}, GROUP)
    MEMBERS.apply(team, [edit(Edit.ADD, bjensen)])

    with pytest.raises(InvalidValue), transaction.atomic():
        MEMBERS.apply(team, [edit(Edit.REPLACE, NOBODY)])

    assert MEMBERS.has_at_most(0, team) is False


def test_a_group_cannot_contain_itself(inside):
    inner, outer = (add({"displayName": name}, GROUP) for name in ("Inner", "Outer"))
    MEMBERS.apply(outer, [edit(Edit.ADD, inner)])

    with pytest.raises(InvalidValue), transaction.atomic():
        MEMBERS.apply(inner, [edit(Edit.ADD, outer)])


def test_a_deleted_resource_leaves_its_groups_which_have_it_in_their_history(inside):
    bjensen, team = add(BJENSEN), add({"displayName": "Team"}, GROUP)
    MEMBERS.apply(team, [edit(Edit.ADD, bjensen)])

    remove(bjensen, BJENSEN)

    assert MEMBERS.has_at_most(0, team)
    assert MEMBERS.apply(team, [edit(Edit.ADD, bjensen)]) == Moved(unknown=1)
    left = AttributeChange.objects.get(resource_id=team, path__startswith="members")
    assert (left.before, left.after) == (str(bjensen), None)


def test_a_deleted_group_lets_its_members_go(inside):
    bjensen, team = add(BJENSEN), add({"displayName": "Team"}, GROUP)
    MEMBERS.apply(team, [edit(Edit.ADD, bjensen)])

    remove(team, {"displayName": "Team"}, GROUP)

    assert MEMBERS.has_at_most(0, team)
    assert RESOURCES.find(USER, bjensen, LOADING) is not None


def test_a_page_has_the_order_of_ids_without_another_one(inside):
    ids = [add({"userName": name}) for name in ("c", "a", "b")]

    page = LISTS.page(USERS, Query(start_index=2, count=1))

    assert listed() == ids
    assert ([item.stored.id for item in page.items], page.total) == ([ids[1]], 3)


def test_equal_keys_of_an_order_are_ordered_by_their_ids(inside):
    ids = [
        add({"userName": name, "title": title}) for name, title in zip("abc", "xyx", strict=True)
    ]
    by_title = parse_path("title").attribute

    assert listed(Query(sort_by=by_title)) == [ids[0], ids[2], ids[1]]
    assert listed(Query(sort_by=by_title, descending=True)) == [ids[1], ids[0], ids[2]]


def test_a_page_holds_what_the_filter_finds_over_all_types(inside):
    bjensen, _ = add({**BJENSEN, "displayName": "Team"}), add(JSMITH)
    team = add({"displayName": "team"}, GROUP)

    assert listed(Query(filter=parse_filter('displayName eq "TEAM"')), EVERYTHING) == [
        bjensen,
        team,
    ]


@pytest.mark.parametrize("text", ['userName eq "BJensen"', 'externalId eq "1"', 'id eq "{id}"'])
def test_a_value_that_one_resource_has_finds_it_alone(text, inside):
    identifier = add(BJENSEN)
    add(JSMITH)
    asked = parse_filter(text.format(id=identifier))

    found = LISTS.page(USERS, Query(filter=asked))
    assert (found.total, found.has_more) == (1, False)
    assert [item.stored for item in found.items] == [RESOURCES.find(USER, identifier, LOADING)]
    assert listed(Query(filter=asked, start_index=2)) == []
    assert LISTS.page(USERS, Query(filter=asked, count=0)).total == 1

    remove(identifier, BJENSEN)
    assert listed(Query(filter=asked)) == []


def test_a_value_that_several_resources_have_finds_them_all(inside):
    one, other = add(BJENSEN), add({**JSMITH, "externalId": "1"})
    group = add({"displayName": "Tour Guides", "externalId": "1"}, GROUP)
    asked = Query(filter=parse_filter('externalId eq "1"'))

    assert listed(asked) == [one, other]
    assert LISTS.page(USERS, asked).total == 2
    assert listed(asked, [Source(GROUP, LOADING)]) == [group]


def test_a_page_beyond_the_last_resource_is_empty_and_has_the_total(inside):
    add(BJENSEN)

    page = LISTS.page(USERS, Query(start_index=5))

    assert (page.items, page.total) == ((), 1)


@pytest.mark.parametrize(
    ("query", "of", "is_plain"),
    [
        (Query(start_index=3), USER, True),
        (Query(cursor=Cursor(10)), USER, True),
        (Query(filter=parse_filter("title pr")), USER, False),
        (Query(sort_by=parse_path("title").attribute), USER, False),
        (Query(), GROUP, False),
    ],
)
def test_a_plain_page_and_no_other_goes_in_one_message_with_the_end_of_its_transaction(
    query, of, is_plain, initech
):
    sources = [Source(of, Loading(LOADING.tenant_url, of.relations))]

    def read():
        with in_tenant_from_start(initech, only_reads=True):
            assert listed(query, sources) == []

    assert ("COMMIT" not in database.sent(read)) is is_plain
