"""Users who leave are counted by tenant and day, once the change is certain."""

import pytest

from scim.guard.models import Departure
from tenants import traffic
from tenants.current import in_public, in_tenant
from tenants.models import TrafficDay
from tests.api.test_nothing import OPERATIONS as NOTHING_FOR_ACTIVE
from tests.support.payloads import BJENSEN, replace


@pytest.fixture
def departures(django_capture_on_commit_callbacks):
    """`departures(tenant, act)`: how many users left the tenant by the action."""

    def counted(tenant, act):
        with django_capture_on_commit_callbacks(execute=True):
            act()
        traffic.flush()
        with in_public():
            day = TrafficDay.objects.filter(tenant=tenant).first()
        return day.departures if day else 0

    return counted


def test_a_user_who_is_deactivated_leaves_once(at_acme, acme, globex, bjensen, departures):
    path = f"/Users/{bjensen['id']}"

    left = departures(acme, lambda: at_acme.patch(path, replace("active", "False")))
    again = departures(acme, lambda: at_acme.patch(path, replace("active", "False")))
    deleted = departures(acme, lambda: at_acme.delete(path))

    assert (left, again, deleted) == (1, 1, 1)
    assert departures(globex, lambda: None) == 0


def test_an_active_user_who_is_deleted_leaves(at_acme, acme, bjensen, departures):
    assert departures(acme, lambda: at_acme.delete(f"/Users/{bjensen['id']}")) == 1


def test_other_changes_make_nobody_leave(at_acme, acme, bjensen, departures):
    path = f"/Users/{bjensen['id']}"

    assert departures(acme, lambda: at_acme.patch(path, replace("title", "Guide"))) == 0


def test_a_group_that_is_deleted_is_nobody(at_acme, acme, departures):
    group = at_acme.post("/Groups", {"displayName": "Guides"}).json

    assert departures(acme, lambda: at_acme.delete(f"/Groups/{group['id']}")) == 0


def test_a_refused_change_makes_nobody_leave(at_acme, acme, bjensen, departures):
    body = {
        "Operations": [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "Replace", "path": "userName", "value": ""},
        ]
    }

    assert departures(acme, lambda: at_acme.patch(f"/Users/{bjensen['id']}", body)) == 0


@pytest.mark.quirk("E44")
@pytest.mark.parametrize("is_active", [True, False])
def test_nothing_for_active_makes_nobody_leave(is_active, at_acme, acme):
    user = at_acme.post("/Users", {**BJENSEN, "active": is_active}).json
    path = f"/Users/{user['id']}"
    patches = [{"Operations": [each]} for each in NOTHING_FOR_ACTIVE]

    answers = [at_acme.patch(path, each) for each in patches]
    bulk = [{"method": "PATCH", "path": path, "data": each} for each in patches]
    bulked = at_acme.post("/Bulk", {"Operations": bulk}).json["Operations"]

    assert {each.status for each in answers} == {200}
    assert {each["status"] for each in bulked} == {"200"}
    with in_tenant(acme):
        assert not Departure.objects.exists()
