"""As it was: users and groups at a moment of the past."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol.definitions import GROUP
from tenants.current import in_tenant
from tenants.rewriting import rewriting
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import facts_of, json_in, moments_of, table_of

USERS = "/admin/scim/user/"
_LINKS = "Request 6f1c40a4-0001 · As it was then"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def hours():
    """Move the clock to so many hours after noon of 20 November."""
    with time_machine.travel(NOON, tick=False) as traveler:
        yield lambda count: traveler.move_to(NOON + timedelta(hours=count))


@pytest.fixture
def story(hours, acme, minted, provision, change, remove):
    """Created at noon, married at 13, disabled at 14, deleted at 15; now it is 16."""
    user = provision(acme, BJENSEN, minted.token)
    hours(1)
    change(user, _set("name.familyName", "Smith"))
    hours(2)
    change(user, _set("active", "False"))
    hours(3)
    remove(user)
    hours(4)
    return user


def _set(path, value):
    return {"Operations": [{"op": "Replace", "path": path, "value": value}]}


@pytest.mark.parametrize(
    ("at", "state", "version", "family_name"),
    [
        ("2026-11-20T12:00", "Active", "1", "Jensen"),
        ("2026-11-20T12:59:59.999", "Active", "1", "Jensen"),
        ("2026-11-20T13:00:00", "Active", "2", "Smith"),
        ("2026-11-20 13:00", "Active", "2", "Smith"),
        ("2026-11-20T15:30:00+01:00", "Disabled", "3", "Smith"),
        ("2026-11-20T14:30:00Z", "Disabled", "3", "Smith"),
        ("2026-11-20T15:00", "Deleted", "4", "Smith"),
        ("", "Deleted", "4", "Smith"),
    ],
)
def test_a_user_is_shown_as_it_was(at, state, version, family_name, own_host, story):
    page = own_host.get(f"{USERS}{story.id}/then/", {"at": at})

    was = facts_of(page, "As it was")
    assert (was["State"], was["Version"]) == (state, version)
    assert facts_of(page, "Identity")["Family name (name.familyName)"] == family_name


def test_the_page_says_what_is_different_now(own_host, story):
    page = own_host.get(f"{USERS}{story.id}/then/", {"at": "2026-11-20T12:30"})

    assert table_of(page, "Changes since then") == [
        ["name.familyName", "Jensen", "Smith"],
        ["active", "true", "false"],
    ]


def test_the_json_is_that_of_the_time(own_host, story):
    page = own_host.get(f"{USERS}{story.id}/then/", {"at": "2026-11-20T13:30"}).text

    shown = json_in(page, "scim-json")
    assert shown["meta"]["lastModified"] == "2026-11-20T13:00:00.000Z"
    assert (shown["meta"]["version"], shown["active"]) == ('W/"2"', True)


def test_before_its_creation_a_user_was_not_there(own_host, story):
    page = own_host.get(f"{USERS}{story.id}/then/", {"at": "2026-11-20T11:59"}).text

    assert "It did not exist yet: it was created 2026-11-20 12:00:00 UTC." in page
    assert "Identity" not in page


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_is_none_is_said_to_be_none(at, own_host, story):
    page = own_host.get(f"{USERS}{story.id}/then/", {"at": at})

    assert page.status_code == 200
    assert "Enter a date and time such as" in page.text


def test_each_change_of_the_history_leads_to_the_user_as_it_was(own_host, story):
    page = own_host.get(f"{USERS}{story.id}/change/").text

    assert f'href="{USERS}{story.id}/then/?at=2026-11-20T13%3A00%3A00.000%2B00%3A00"' in page


def test_the_history_tells_when_the_user_was_deleted(own_host, story, minted):
    page = own_host.get(f"{USERS}{story.id}/change/")

    assert [moment[:2] for moment in moments_of(page)] == [
        ["2026-11-20 15:00:00 UTC", f"Deleted by {minted.token} · Request 6f1c40a4-0001"],
        *[
            [f"2026-11-20 {hour}:00:00 UTC", f"{done} by {minted.token} · {_LINKS}"]
            for hour, done in ((14, "Changed"), (13, "Changed"), (12, "Created"))
        ],
    ]


def test_a_group_is_shown_with_the_members_it_had(
    own_host, hours, acme, guides, bjensen, provision, change
):
    hours(1)
    john = provision(acme, JSMITH)
    change(guides, {"Operations": [_member("Add", john)]}, GROUP)
    hours(2)
    change(guides, {"Operations": [_member("Remove", bjensen)]}, GROUP)
    path = f"/admin/scim/group/{guides.id}/then/"

    members = {
        hour: [
            row[0] for row in table_of(own_host.get(path, {"at": f"2026-11-20T{hour}"}), "Members")
        ]
        for hour in ("12:00", "13:00", "14:00")
    }

    assert members == {
        "12:00": ["bjensen@acme.example"],
        "13:00": ["bjensen@acme.example", "jsmith@globex.example"],
        "14:00": ["jsmith@globex.example"],
    }


def test_the_group_of_another_tenant_is_not_found(globex, gus, guides, open_browser):
    browser = open_browser(globex, gus)

    assert browser.get(f"/admin/scim/group/{guides.id}/then/").status_code == 404


def _member(op, stored):
    if op == "Remove":
        return {"op": op, "path": f'members[value eq "{stored.id}"]'}
    return {"op": op, "path": "members", "value": [{"value": str(stored.id)}]}


def prune(tenant, before):
    """History and log of the tenant without what is older, as retention leaves them."""
    with rewriting("scim_attributechange", "scim_provisioningevent"):
        AttributeChange.objects.filter(at__lt=before).delete()
        ProvisioningEvent.objects.filter(at__lt=before).delete()


@pytest.mark.owner  # history is removed
@pytest.mark.parametrize(
    ("at", "state", "version", "family_name"),
    [
        ("2026-11-20T13:30", "Active", "2", "Smith"),
        ("2026-11-20T14:30", "Disabled", "3", "Smith"),
        ("2026-11-20T15:30", "Deleted", "4", "Smith"),
    ],
)
def test_pruned_history_changes_nothing_of_later_moments(
    at, state, version, family_name, own_host, acme, story
):
    with in_tenant(acme):
        prune(acme, NOON + timedelta(hours=1, minutes=15))

    page = own_host.get(f"{USERS}{story.id}/then/", {"at": at})

    was = facts_of(page, "As it was")
    assert (was["State"], was["Version"]) == (state, version)
    assert facts_of(page, "Identity")["Family name (name.familyName)"] == family_name


@pytest.mark.owner  # history is removed
def test_members_who_came_before_the_history_begins_are_shown(own_host, hours, acme, guides):
    hours(2)
    with in_tenant(acme):
        prune(acme, NOON + timedelta(hours=1))

    page = own_host.get(f"/admin/scim/group/{guides.id}/then/", {"at": "2026-11-20T13:30"})

    assert [row[0] for row in table_of(page, "Members")] == ["bjensen@acme.example"]
