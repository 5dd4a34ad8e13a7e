"""Requests that meet in the database: who waits for whom, and what becomes of a deadlock.

Each runs on a connection of its own. Rows that the test holds bring them to the same place, so
nothing depends on how fast they are.
"""

from collections import Counter
from contextlib import contextmanager

import pytest
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from scim.models import Membership, ProvisioningEvent
from scim.protocol.definitions import GROUP, USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.repository.base import Loading
from tenants.current import in_tenant
from tests.support import bulk, meeting
from tests.support.clients import ScimClient, mint
from tests.support.meeting import impatiently, until_waiting
from tests.support.payloads import patch, replace, user
from tests.support.waiting import WITHIN


@pytest.fixture
def initech(real_tenants, django_db_blocker):
    """A tenant whose changes are committed."""
    with django_db_blocker.unblock():
        yield real_tenants[0]


@pytest.fixture
def at_initech(initech):
    """A SCIM client of that tenant."""
    return ScimClient(initech, mint(initech))


@pytest.fixture
def people(at_initech):
    """The ids of three users, in their order, and of a group without members."""
    users = [at_initech.post("/Users", user(name)).json["id"] for name in ("a", "b", "c")]
    return [*users, at_initech.post("/Groups", {"displayName": "Team"}).json["id"]]


@pytest.fixture
def start():
    """`start(work, …)`: the future of a call in a thread with a connection of its own."""

    with meeting.starting() as begin:
        yield begin


def target(tenant, resource_type, identifier):
    return Existing(resource_type, identifier, Loading(tenant.tenant_url))


def requester(tenant):
    return Requester(tenant.tenant_url, "r-1", Origin("PATCH", "/scim"))


def joining(identifier):
    return patch({"op": "add", "path": "members", "value": [{"value": identifier}]})


@contextmanager
def changing(tenant, identifier):
    """Inside, the user has been changed by a transaction that is still open."""
    with in_tenant(tenant):
        resources.modify(target(tenant, USER, identifier), replace("title", "x"), requester(tenant))
        yield


@contextmanager
def taking_in(tenant, people):
    """Inside, the group has taken in the first user by a transaction that is still open."""
    with in_tenant(tenant):
        team = target(tenant, GROUP, people[3])
        resources.modify(team, joining(people[0]), requester(tenant))
        yield


def memberships(tenant):
    with in_tenant(tenant):
        return [(str(each.group_id), str(each.member_id)) for each in Membership.objects.all()]


def test_a_change_does_not_wait_for_a_group_that_takes_the_user_in(initech, people, start):
    a = target(initech, USER, people[0])

    with taking_in(initech, people):
        change, by = replace("title", "Guide"), requester(initech)
        modified = start(impatiently, initech, resources.modify, a, change, by)
        assert modified.result(WITHIN).resource["title"] == "Guide"
        replaced = start(impatiently, initech, resources.replace, a, user("new"), by)
        assert replaced.result(WITHIN).resource["userName"] == "new@acme.example"


def test_a_group_takes_in_a_user_whom_another_request_is_changing(initech, people, start):
    team = target(initech, GROUP, people[3])

    with changing(initech, people[0]):
        change, by = joining(people[0]), requester(initech)
        start(impatiently, initech, resources.modify, team, change, by).result(WITHIN)

    assert memberships(initech) == [(people[3], people[0])]


def test_a_removal_waits_for_the_group_which_then_lets_the_user_go(
    initech, people, start, at_initech
):
    """Otherwise the membership that the removal cannot see yet would stay."""
    a = target(initech, USER, people[0])

    with taking_in(initech, people):
        with pytest.raises(OperationalError) as refusal:
            start(impatiently, initech, resources.delete, a, requester(initech)).result(WITHIN)
        assert isinstance(refusal.value.__cause__, LockNotAvailable)
        removal = start(at_initech.delete, f"/Users/{people[0]}")
        until_waiting(1)

    assert removal.result(WITHIN).status == 204
    assert memberships(initech) == []


def test_two_bulk_requests_may_change_the_same_users_in_any_order(
    initech, people, start, at_initech
):
    a, b, gate, _ = people

    def titled(title, *ids):
        changes = [
            {"method": "PATCH", "path": f"/Users/{each}", "data": replace("title", title)}
            for each in ids
        ]
        return bulk.send(at_initech, *changes)

    with changing(initech, gate):
        first = start(titled, "first", a, gate, b)
        second = start(titled, "second", b, gate, a)
        until_waiting(2)

    assert bulk.statuses(first.result(WITHIN)) == ["200"] * 3
    assert bulk.statuses(second.result(WITHIN)) == ["200"] * 3
    assert at_initech.get(f"/Users/{a}").json["meta"]["version"] == 'W/"3"'


@pytest.fixture
def deadlocked(initech, people, start, at_initech):
    """The answers of two bulk requests that create the same users in opposite orders.

    Between the two creations each changes the user that the gate holds, so each has what the other
    waits for.
    """
    gate = {"method": "PATCH", "path": f"/Users/{people[2]}", "data": replace("nickName", "g")}

    def creating(first, second):
        both = (bulk.post(name, "/Users", bulk.user(name)) for name in (first, second))
        return bulk.send(at_initech, next(both), gate, next(both))

    with changing(initech, people[2]):
        futures = [start(creating, "x", "y"), start(creating, "y", "x")]
        until_waiting(2)
    return [each.result(WITHIN) for each in futures]


def test_the_loser_of_a_deadlock_begins_again_and_sees_what_the_winner_did(deadlocked):
    assert Counter(tuple(bulk.statuses(results)) for results in deadlocked) == {
        ("201", "200", "201"): 1,
        ("409", "200", "409"): 1,
    }


def test_the_log_tells_of_each_operation_once(deadlocked, initech):
    with in_tenant(initech):
        logged = ProvisioningEvent.objects.filter(path__contains="Bulk").values_list(
            "operation", "status"
        )
        assert Counter(logged) == {("create", 201): 2, ("create", 409): 2, ("modify", 200): 2}
