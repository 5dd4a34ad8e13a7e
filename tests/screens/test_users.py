"""Provisioned users: the list, the search, one user's page."""

import re

import pytest

from scim.protocol.definitions import USER
from scim.screens import records
from scim.screens.visibility import Sight
from tenants import resolution
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import json_in

LIST = "/admin/scim/user/"
DISABLE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


def names(page):
    return re.findall(r"<small>([^<]+)</small></span></span></a></th>", page.text)


def test_the_list_shows_who_is_provisioned_newest_first(own_host, acme, provision, bjensen):
    provision(acme, JSMITH)

    page = own_host.get(LIST)

    assert names(page) == ["jsmith@globex.example", "bjensen@acme.example"]
    for text in ("Barbara Jensen", "Barbara.Jensen@acme.example", "Active"):
        assert text in page.text


@pytest.mark.parametrize(
    "term",
    [
        "bjensen@acme.example",
        "BJENSEN",
        "barbara.jensen@ACME",
        "Barbara J",
        "jensen",
        "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "0a21f0f2",
    ],
)
def test_search_finds_a_user_by_the_beginning_of_what_names_it(
    term, own_host, acme, provision, bjensen
):
    provision(acme, JSMITH)

    assert names(own_host.get(LIST, {"q": term})) == ["bjensen@acme.example"]


def test_search_finds_a_user_by_id(own_host, acme, provision, bjensen):
    provision(acme, JSMITH)

    assert names(own_host.get(LIST, {"q": str(bjensen.id)})) == ["bjensen@acme.example"]


@pytest.mark.parametrize(
    "term", ["0A21F0F2", "nobody", "%", "_", "bjensen%", "\\", "'", "jensen@x"]
)
def test_search_finds_nothing_else(term, own_host, bjensen):
    """externalId is caseExact (RFC 7643 §3.1); LIKE's wildcards are ordinary letters."""
    page = own_host.get(LIST, {"q": term})

    assert (page.status_code, names(page)) == (200, [])


def test_search_folds_letters_as_scim_does(own_host, acme, provision):
    provision(acme, JSMITH | {"displayName": "Straße"})

    assert names(own_host.get(LIST, {"q": "STRASSE"})) == ["jsmith@globex.example"]


def test_the_filter_tells_active_disabled_and_deleted_apart(
    own_host, acme, provision, bjensen, change, remove
):
    change(bjensen, DISABLE)
    remove(provision(acme, JSMITH))
    provision(acme, JSMITH | {"userName": "back@globex.example"})

    listed = {
        state: names(own_host.get(LIST, {"state": state}))
        for state in ("active", "disabled", "deleted")
    }

    assert listed == {
        "active": ["back@globex.example"],
        "disabled": ["bjensen@acme.example"],
        "deleted": ["jsmith@globex.example"],
    }


def test_a_users_page_shows_the_attributes_grouped_in_the_order_of_the_schema(own_host, bjensen):
    page = own_host.get(f"{LIST}{bjensen.id}/change/").text

    table = page[page.index("<h2>Identity</h2>") : page.index("<h2>Groups</h2>")]
    assert re.findall(r"<h2>([^<]+)</h2>|<dt>([^<]+)</dt>", table) == [
        ("Identity", ""),
        ("", "External id (externalId)"),
        ("", "User name (userName)"),
        ("", "Family name (name.familyName)"),
        ("", "Given name (name.givenName)"),
        ("", "Display name (displayName)"),
        ("", "Active"),
        ("Contact", ""),
        ("", "Emails (emails[work, primary].value)"),
        ("Enterprise User", ""),
        ("", "Department"),
    ]


def test_a_users_page_shows_the_json_that_entra_sees(own_host, bjensen):
    page = own_host.get(f"{LIST}{bjensen.id}/change/").text

    body = json_in(page, "scim-json")
    meta = body.pop("meta")
    assert body == BJENSEN | {"id": str(bjensen.id)}
    assert meta["location"] == f"http://acme.mypolicies.localhost:8000/scim/Users/{bjensen.id}"
    assert meta["version"] == 'W/"1"'


def test_a_deleted_user_can_still_be_read_and_says_so(own_host, acme, provision, bjensen, remove):
    remove(bjensen)
    again = provision(acme, BJENSEN)

    gone = own_host.get(f"{LIST}{bjensen.id}/change/").text
    page = own_host.get(f"{LIST}{again.id}/change/").text

    assert "Entra deleted this user" in gone
    assert f'<a href="{LIST}{bjensen.id}/change/">{bjensen.id}</a>' in page


def test_values_from_entra_are_shown_and_never_run(own_host, acme, provision):
    script = "<script>alert(1)</script>"
    stored = provision(acme, JSMITH | {"displayName": script})

    pages = own_host.get(LIST).text + own_host.get(f"{LIST}{stored.id}/change/").text

    assert script not in pages
    assert pages.count("&lt;script&gt;alert(1)") >= 3


@pytest.mark.parametrize("identifier", ["nonsense", "018f3c2e-0000-7000-8000-000000000000", "%00"])
def test_an_id_that_names_nobody_is_a_404(identifier, own_host):
    assert own_host.get(f"{LIST}{identifier}/change/").status_code == 404


def test_pages_are_kept_by_no_browser_and_no_proxy(own_host, bjensen):
    kept = {
        path: own_host.get(path).headers["Cache-Control"]
        for path in ("/admin/", LIST, f"{LIST}{bjensen.id}/change/", "/admin/password_change/")
    }

    assert {"no-store" in value and "private" in value for value in kept.values()} == {True}


def test_no_page_has_a_script_or_a_style_in_it(own_host, alice, bjensen, minted):
    """So that a content security policy without unsafe-inline can come."""
    pages = [own_host.get(path).text for path in ("/admin/", LIST, f"{LIST}{bjensen.id}/change/")]
    pages += [alice.get("/t/acme/admin/accounts/secrettoken/add/").text]

    inline = re.compile(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|javascript:")
    assert [inline.findall(page) for page in pages] == 4 * [[]]


def test_the_number_of_queries_does_not_grow_with_the_users(
    own_host, acme, provision, bjensen, statements
):
    def queries(path):
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            own_host.get(path)
        return len(executed)

    paths = (LIST, f"{LIST}{bjensen.id}/change/")
    few = [queries(path) for path in paths]
    for number in range(20):
        provision(acme, JSMITH | {"userName": f"user{number}@acme.example"})

    assert [queries(path) for path in paths] == few


def test_attributes_of_every_kind_become_rows():
    resource = {
        "userName": "bjensen",
        "active": False,
        "addresses": [{"type": "home", "locality": "Hollywood", "country": "USA"}],
        "phoneNumbers": [{"value": "555-555-8377"}, {"value": "555-555-4444", "type": "mobile"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d"}
        },
    }

    sections = records.attribute_sections(USER, resource, Sight(is_whole=True))

    assert {
        each.caption: [(fact.label, fact.value) for fact in each.facts] for each in sections
    } == {
        "Identity": [("User name (userName)", "bjensen"), ("Active", "false")],
        "Contact": [
            ("Phone numbers (phoneNumbers.value)", "555-555-8377"),
            ("Phone numbers (phoneNumbers[mobile].value)", "555-555-4444"),
            ("Locality (addresses[home].locality)", "Hollywood"),
            ("Country (addresses[home].country)", "USA"),
        ],
        "Enterprise User": [("Manager (manager.value)", "26118915-6090-4610-87e4-49d8ca9f808d")],
    }


def test_a_users_page_begins_with_the_name_the_state_and_four_facts(own_host, bjensen):
    page = own_host.get(f"{LIST}{bjensen.id}/change/").text

    assert re.search(r"<h1>Barbara Jensen <span class=\"badge\" data-state=\"ok\">Active", page)
    summary = page[page.index('<dl class="summary">') : page.index("<h2>Record</h2>")]
    assert re.findall(r"<dt>([^<]+)</dt>", summary) == [
        *("User name", "Work e-mail", "Department", "Provisioned", "Last change"),
    ]


def test_a_user_without_a_display_name_is_called_by_the_formatted_one(own_host, acme, provision):
    named = {k: v for k, v in JSMITH.items() if k != "displayName"}
    stored = provision(acme, named | {"name": {"formatted": "Jo Smith"}})

    assert "<h1>Jo Smith " in own_host.get(f"{LIST}{stored.id}/change/").text
