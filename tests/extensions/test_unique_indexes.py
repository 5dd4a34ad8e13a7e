"""Defining, changing and removing what is unique while others write (decision 0024).

In tenants whose rows are committed, since an index that is built beside all writers cannot be part
of a transaction.
"""

from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actions import ActionRefused
from config.database import LIMITS
from scim.extensions import uniqueness
from scim.extensions.defining import define_schema, remove_schema
from scim.extensions.models import ExtensionSchema
from scim.models import Resource
from scim.provider import catalog, resources
from scim.provider.requester import Origin, Requester
from scim.repository.columns import Unique
from tenants import concurrently
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.extensions.definitions import definition
from tests.support import meeting
from tests.support.clients import ScimClient, mint
from tests.support.meeting import impatiently, until_waiting
from tests.support.people import COMMAND
from tests.support.schemas import ACME
from tests.support.waiting import WITHIN

BADGE = {"name": "badge", "uniqueness": "server"}
DESK = {"name": "desk", "uniqueness": "server"}
PLAIN_BADGE = {"name": "badge"}
_INDEXES = """
SELECT relname, pg_class.oid, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = 'scim_resource'::regclass AND relname LIKE 'scim_extension%'
"""


@pytest.fixture
def pair(real_tenants, django_db_blocker):
    with django_db_blocker.unblock():
        yield real_tenants


@pytest.fixture
def initech(pair):
    return pair[0]


@pytest.fixture
def at_initech(initech):
    return ScimClient(initech, mint(initech))


@pytest.fixture
def start():
    with meeting.starting() as begin:
        yield begin


def fresh(tenant):
    """The tenant as the registry has it, with its revision."""
    with in_public():
        return Tenant.objects.get(pk=tenant.pk)


def define(tenant, *attributes, **asked):
    return define_schema(COMMAND, fresh(tenant), definition(*attributes, **asked))


def user(name, **values):
    return {
        "userName": f"{name}@acme.example",
        "externalId": name,
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        ACME: values,
    }


def write(tenant, name):
    """A user, written in the open transaction."""
    kind = catalog.resource_type(fresh(tenant), "User")
    by = Requester(tenant.tenant_url, "r-1", Origin("POST", "/scim/Users"))
    return resources.create(kind, user(name, shirt="M"), by)


def indexes(tenant):
    """The object ids of the unique indexes by name; each is valid."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        rows = cursor.fetchall()
    assert all(is_valid for _, _, is_valid in rows)
    return {name: oid for name, oid, _ in rows}


@contextmanager
def writing(tenant):
    """Inside, a user has been written by a transaction that is still open."""
    with in_tenant(tenant):
        write(tenant, "early")
        yield


def test_uniqueness_is_held_from_the_moment_that_it_is_announced(pair, at_initech):
    initech, hooli = pair

    define(initech, BADGE)

    assert len(indexes(initech)) == 1
    assert indexes(hooli) == {}
    assert at_initech.post("/Users", user("a", badge="7")).status == 201
    refused = at_initech.post("/Users", user("b", badge="7"))
    assert (refused.status, refused.json["scimType"]) == (409, "uniqueness")
    assert f"{ACME}:badge" in refused.json["detail"]


def test_an_act_builds_and_drops_only_the_indexes_that_changed(initech):
    define(initech, BADGE)
    first = indexes(initech)

    define(initech, {**BADGE, "description": "On the door."})
    assert indexes(initech) == first

    define(initech, BADGE, DESK)
    second = indexes(initech)
    assert first.items() < second.items()
    assert len(second) == 2

    define(initech, PLAIN_BADGE, DESK)
    assert indexes(initech).items() == second.items() - first.items()


def test_another_schema_keeps_its_indexes(initech):
    other = ACME.replace("acme", "other")
    define(initech, BADGE, urn=other)
    of_other = indexes(initech)

    define(initech, BADGE)
    assert of_other.items() < indexes(initech).items()
    remove_schema(COMMAND, fresh(initech), ACME)

    assert indexes(initech) == of_other


def test_a_schema_that_moves_to_another_type_is_indexed_there(initech):
    define(initech, BADGE)
    of_users = indexes(initech)

    define(initech, BADGE, resource_type="Group")

    assert len(indexes(initech)) == 1
    assert not indexes(initech).items() & of_users.items()


@pytest.mark.one_node  # Citus waits for earlier writers in the way of later ones (docs/scaling.md)
def test_others_write_while_an_index_is_built(initech, start):
    """The build waits for who began before it; nobody waits for the build."""
    define(initech, {"name": "shirt"})

    with writing(initech):
        defining = start(define, initech, {"name": "shirt"}, BADGE)
        until_waiting(1)
        start(impatiently, initech, write, initech, "late").result(WITHIN)

    assert defining.result(WITHIN).urn == ACME
    assert len(indexes(initech)) == 1
    with in_tenant(initech):
        assert Resource.objects.count() == 2


@pytest.mark.parametrize("act", ["redefine", "remove"])
def test_others_write_while_an_index_is_dropped(act, initech, start):
    define(initech, BADGE)

    def drop():
        if act == "remove":
            remove_schema(COMMAND, fresh(initech), ACME)
        else:
            define(initech, PLAIN_BADGE)

    with in_tenant(initech):
        assert not Resource.objects.exists()  # a reader whose transaction stays open
        dropping = start(drop)
        until_waiting(1)
        start(impatiently, initech, write, initech, "late").result(WITHIN)

    dropping.result(WITHIN)
    assert indexes(initech) == {}


def test_two_equal_values_are_named_and_nothing_stays_of_the_try(initech, at_initech):
    define(initech, PLAIN_BADGE)
    for name in ("a", "b"):
        assert at_initech.post("/Users", user(name, badge="Blue 7")).status == 201
    before = fresh(initech).schemas_revision

    with pytest.raises(ActionRefused) as refusal:
        define(initech, BADGE)

    assert str(refusal.value) == 'Two Users have the same badge, "Blue 7"; it cannot be unique.'
    assert indexes(initech) == {}
    assert fresh(initech).schemas_revision == before
    assert at_initech.post("/Users", user("c", badge="Blue 7")).status == 201


def test_an_act_that_is_refused_after_it_built_takes_its_index_back(initech, at_initech):
    """Two become unique, and only the second of them cannot."""
    define(initech, PLAIN_BADGE, {"name": "desk"})
    for name in ("a", "b"):
        at_initech.post("/Users", user(name, badge=name, desk="1"))
        at_initech.post("/Users", user(f"{name}2", badge=f"{name}2", desk="1"))

    with pytest.raises(ActionRefused, match='desk, "1"'):
        define(initech, BADGE, DESK)

    assert indexes(initech) == {}


@pytest.fixture
def broken(initech, at_initech):
    """The leftovers of a killed action: an index that is not valid, and one that nothing announces."""
    define(initech, PLAIN_BADGE, {"name": "desk"})
    for name in ("a", "b"):
        at_initech.post("/Users", user(name, badge="7"))
    with in_tenant(initech):
        unique = Unique("User", ACME, "badge")
        with pytest.raises(IntegrityError), transaction.atomic():
            uniqueness.build_index(unique, name=f"{unique.key}00000000", within=False)
        desk = Unique("User", ACME, "desk")
        uniqueness.build_index(desk, name=f"{desk.key}00000000", within=False)
        assert sorted(uniqueness.find_indexes().values()) == [False, True]
    return initech


def test_the_next_act_drops_the_leftovers_of_a_killed_one(broken):
    define(broken, PLAIN_BADGE, {"name": "desk", "description": "By the window."})

    assert indexes(broken) == {}


def test_a_violation_of_a_leftover_index_is_a_conflict(broken, at_initech):
    """PostgreSQL holds it, so it is told, and not as a failure of ours."""
    at_initech.post("/Users", user("c", desk="1"))

    refused = at_initech.post("/Users", user("d", desk="1"))

    assert (refused.status, refused.json["scimType"]) == (409, "uniqueness")
    assert f"{ACME}:desk" in refused.json["detail"]


def test_an_act_whose_transaction_is_rolled_back_later_is_cleaned_up_by_the_next(initech):
    with in_tenant(initech):
        define(initech, BADGE)
        transaction.set_rollback(True)
    assert len(indexes(initech)) == 1
    with in_tenant(initech):
        assert not ExtensionSchema.objects.exists()

    define(initech, PLAIN_BADGE)

    assert indexes(initech) == {}


def test_within_a_transaction_that_has_written_resources_the_index_is_part_of_it(initech):
    """It cannot wait for itself."""
    with in_tenant(initech):
        write(initech, "a")
        define(initech, BADGE)
        assert len(indexes(initech)) == 1
        define(initech, PLAIN_BADGE)
        assert indexes(initech) == {}
        define(initech, BADGE)
        transaction.set_rollback(True)

    assert indexes(initech) == {}


def test_a_build_that_cannot_be_done_in_time_is_refused_and_leaves_nothing(
    initech, start, monkeypatch
):
    """As in a serving process, whose statements have a limit, here a short one."""
    define(initech, {"name": "shirt"})
    monkeypatch.setattr(concurrently, "LIMIT", "300ms")

    monkeypatch.setitem(connection.settings_dict, "LIMITS", dict(LIMITS))

    def hurried():
        define(initech, {"name": "shirt"}, BADGE)

    with writing(initech), pytest.raises(ActionRefused, match="could not be made unique in time"):
        start(hurried).result(WITHIN)
    define(initech, {"name": "shirt"})

    assert indexes(initech) == {}


def test_a_statement_outside_of_a_transaction_leaves_the_own_connection_as_it_was(pair):
    initech, hooli = pair
    unique = Unique("User", ACME, "badge")

    with in_tenant(initech):
        uniqueness.build_index(unique, name=f"{unique.key}00000000", within=False)
        assert connection.schema_name == initech.schema_name
        assert not Resource.objects.exists()

    assert len(indexes(initech)) == 1
    assert indexes(hooli) == {}
