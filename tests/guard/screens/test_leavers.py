"""The page of a mass deactivation lists the users who left: disabled or deleted, a page at a time."""

from datetime import timedelta

import pytest

from scim.guard import leavers
from scim.guard.models import Departure
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Alarm
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import table_of

DISABLE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}
LIST = "/admin/tenants/alarm/"


@pytest.fixture
def alarm(acme):
    """An alarm that began a minute ago."""
    since = clock.now() - timedelta(minutes=1)
    with in_public():
        return Alarm.objects.create(
            tenant=acme, since=since, noticed_at=clock.now(), users=2, active_before=5
        )


@pytest.fixture
def departed(acme, alarm, provision, change, remove, bjensen):
    """bjensen was disabled, and jsmith was deleted."""
    change(bjensen, DISABLE)
    remove(provision(acme, JSMITH))


def test_disabled_and_deleted_users_are_listed(own_host, alarm, departed):
    page = own_host.get(f"{LIST}{alarm.pk}/change/")

    assert [row[:3] for row in table_of(page, "Users who left: 2")] == [
        [BJENSEN["displayName"], "Tour Operations", "Disabled"],
        [JSMITH["displayName"], "-", "Deleted"],
    ]


def test_names_are_masked_for_support(alice, alarm, departed):
    page = alice.get(f"/t/acme{LIST}{alarm.pk}/change/")

    assert [row[0] for row in table_of(page, "Users who left: 2")] == ["B•••", "J•••"]


def test_departures_before_the_alarm_and_after_its_end_are_left_out(own_host, acme, alarm, bjensen):
    with in_tenant(acme):
        for minutes in (2, -60):
            at = clock.now() - timedelta(minutes=minutes)
            Departure.objects.create(at=at, user_id=bjensen.id)
    with in_public():
        Alarm.objects.update(settled_at=clock.now(), outcome=Alarm.Outcome.PASSED)

    assert table_of(own_host.get(f"{LIST}{alarm.pk}/change/"), "Users who left: 2") == []


def test_more_users_are_on_the_next_page(own_host, alarm, departed, monkeypatch):
    monkeypatch.setattr(leavers, "SHOWN", 1)
    path = f"{LIST}{alarm.pk}/change/"
    first = own_host.get(path)
    (after,) = (each for each in first.text.split('"') if each.startswith("?after="))

    assert [row[0] for row in table_of(first, "Users who left: 2")] == ["Barbara Jensen"]
    second = own_host.get(path + after)
    assert [row[0] for row in table_of(second, "Users who left: 2")] == ["John Smith"]


def test_a_user_of_whom_nothing_is_left_is_named_by_id(own_host, acme, alarm):
    gone = clock.new_id(clock.now())
    with in_tenant(acme):
        Departure.objects.create(at=clock.now(), user_id=gone)

    assert table_of(own_host.get(f"{LIST}{alarm.pk}/change/"), "Users who left: 2")[0][0] == str(
        gone
    )
