"""Provisioned groups, and what users and groups belong to."""

import pytest

from scim.protocol.definitions import GROUP
from tenants import resolution
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import facts_of, rows_of, table_of

LIST = "/admin/scim/group/"
USERS = "/admin/scim/user/"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture
def john(acme, provision):
    return provision(acme, JSMITH)


def person(acme, provision, name, manager=None):
    extension = {ENTERPRISE: {"manager": {"value": manager}}} if manager else {}
    return provision(acme, JSMITH | {"userName": name, "displayName": name} | extension)


def test_the_list_shows_each_group_with_the_number_of_its_members(
    own_host, acme, guides, john, provision_group
):
    provision_group(acme, "Everybody", guides, john)

    assert [row[:3] for row in rows_of(own_host.get(LIST))] == [
        ["Everybody", "2", "Active"],
        ["Tour Guides", "1", "Active"],
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "tour"}, ["Tour Guides"]),
        ({"q": "guides"}, []),
        ({"state": "active"}, ["Tour Guides"]),
        ({"state": "deleted"}, ["Old Guides"]),
        ({"changed": "hour"}, ["Old Guides", "Tour Guides"]),
    ],
)
def test_search_and_filters_narrow_the_list(
    asked, found, own_host, acme, guides, provision_group, remove
):
    remove(provision_group(acme, "Old Guides"), GROUP)

    assert [row[0] for row in rows_of(own_host.get(LIST, asked))] == found


def test_a_groups_page_shows_its_members_with_links(own_host, guides, bjensen):
    page = own_host.get(f"{LIST}{guides.id}/change/")

    assert table_of(page, "Members: 1") == [
        ["bjensen@acme.example", "User", "Active", str(bjensen.id)]
    ]
    assert f'<a href="{USERS}{bjensen.id}/change/">bjensen@acme.example</a>' in page.text
    assert facts_of(page, "Identity") == {"Display name (displayName)": "Tour Guides"}


def test_a_group_without_members_says_so(own_host, acme, provision_group):
    empty = provision_group(acme, "Nobody")

    assert "No members." in own_host.get(f"{LIST}{empty.id}/change/").text


def test_members_are_shown_a_page_at_a_time(
    own_host, acme, bjensen, john, provision_group, monkeypatch
):
    monkeypatch.setattr("scim.screens.groups.MEMBERS_SHOWN", 1)
    group = provision_group(acme, "Everybody", bjensen, john)
    path = f"{LIST}{group.id}/change/"

    first, second = own_host.get(path), own_host.get(path, {"after": str(bjensen.id)})

    assert [row[0] for row in table_of(first, "Members: 2")] == ["bjensen@acme.example"]
    assert f'<a href="?after={bjensen.id}">More members</a>' in first.text
    assert [row[0] for row in table_of(second, "Members: 2")] == ["jsmith@globex.example"]
    assert "More members" not in second.text


def test_members_are_counted_up_to_a_limit(own_host, acme, bjensen, john, guides, monkeypatch):
    monkeypatch.setattr("scim.screens.groups._COUNTED_ON_PAGE", 1)

    assert "Members: more than 0" in own_host.get(f"{LIST}{guides.id}/change/").text


def test_the_json_of_a_group_leaves_its_members_out(own_host, guides):
    page = own_host.get(f"{LIST}{guides.id}/change/").text

    shown = page[page.index("SCIM JSON, without its members") :]
    assert "Tour Guides" in shown
    assert "members&quot;" not in shown


def test_a_users_groups_say_whether_directly_or_through_which(
    own_host, acme, guides, bjensen, provision_group
):
    staff = provision_group(acme, "Staff", guides)
    provision_group(acme, "Everybody", staff, bjensen)
    provision_group(acme, "Others")

    page = own_host.get(f"{USERS}{bjensen.id}/change/")

    assert [row[:2] for row in table_of(page, "Groups")] == [
        ["Tour Guides", "directly"],
        ["Everybody", "directly"],
        ["Staff", "through Tour Guides"],
    ]
    assert f'<a href="{LIST}{guides.id}/change/">Tour Guides</a>' in page.text


def test_the_json_of_a_user_shows_the_groups_as_the_api_does(own_host, guides, bjensen):
    page = own_host.get(f"{USERS}{bjensen.id}/change/").text

    shown = page[page.index("SCIM JSON, as Entra sees it") :]
    assert f"http://acme.mypolicies.localhost:8000/scim/Groups/{guides.id}" in shown


def test_managers_are_shown_upwards_with_links(own_host, acme, provision):
    top = person(acme, provision, "top")
    middle = person(acme, provision, "middle", str(top.id))
    user = person(acme, provision, "user", str(middle.id))

    page = own_host.get(f"{USERS}{user.id}/change/")

    assert table_of(page, "Management chain") == [
        ["middle", str(middle.id), "-"],
        ["top", str(top.id), "-"],
    ]
    assert f'<a href="{USERS}{top.id}/change/">top</a>' in page.text


@pytest.mark.quirk("E5")
def test_a_manager_who_is_not_provisioned_is_named_by_what_entra_sent(own_host, acme, provision):
    user = person(acme, provision, "user", "26118915")

    page = own_host.get(f"{USERS}{user.id}/change/")

    assert table_of(page, "Management chain") == [["-", "26118915", "not provisioned"]]


def test_a_circle_of_managers_ends_where_it_closes(own_host, acme, provision, change):
    top = person(acme, provision, "top")
    user = person(acme, provision, "user", str(top.id))
    change(
        top,
        {"Operations": [{"op": "add", "path": f"{ENTERPRISE}:manager", "value": str(user.id)}]},
    )

    page = own_host.get(f"{USERS}{user.id}/change/")

    assert [[row[0], row[2]] for row in table_of(page, "Management chain")] == [
        ["top", "-"],
        ["user", "already listed: the chain is circular"],
    ]


def test_a_deleted_manager_is_said_to_be_deleted(own_host, acme, provision, remove):
    top = person(acme, provision, "top")
    user = person(acme, provision, "user", str(top.id))
    remove(top)

    page = own_host.get(f"{USERS}{user.id}/change/")

    assert [row[2] for row in table_of(page, "Management chain")] == ["deleted"]


def test_a_user_who_was_created_again_is_linked_both_ways(
    own_host, acme, provision, bjensen, remove
):
    remove(bjensen)
    again = provision(acme, BJENSEN)

    former = facts_of(own_host.get(f"{USERS}{bjensen.id}/change/"), "Record")
    later = facts_of(own_host.get(f"{USERS}{again.id}/change/"), "Record")

    assert (former["Continued by"], later["Continues"]) == (str(again.id), str(bjensen.id))


def test_the_group_of_another_tenant_is_not_found(globex, gus, guides, open_browser):
    browser = open_browser(globex, gus)

    assert browser.get(f"{LIST}{guides.id}/change/").status_code == 404
    assert "Tour Guides" not in browser.get(LIST).text


def test_the_number_of_queries_does_not_grow_with_members_and_groups(
    own_host, acme, guides, bjensen, provision, provision_group, statements
):
    def queries(path):
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            own_host.get(path)
        return len(executed)

    paths = (LIST, f"{LIST}{guides.id}/change/", f"{USERS}{bjensen.id}/change/")
    few = [queries(path) for path in paths]
    members = [person(acme, provision, f"user{number}") for number in range(10)]
    for number in range(10):
        provision_group(acme, f"Group {number}", guides, bjensen, *members)

    assert [queries(path) for path in paths] == few
