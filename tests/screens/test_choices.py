"""A person's own columns and views of a list: kept with the account, of nobody else."""

import re

import pytest

from accounts.console import choices
from accounts.models import Account
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support.pages import view_as_admin

USERS, CHOOSE = "/admin/scim/user/", "/admin/scim/user/choose/"
VISIT = "/t/acme"
DEFAULT = ["user_name", "email", "state", "last_modified"]


@pytest.fixture
def tara_at_acme(acme, tara, open_browser):
    return open_browser(acme, tara)


def columns(page):
    return re.findall(r'<th scope="col"[^>]*class="[^"]*column-(\w+)', page.text)


def views(page):
    """The views that the list offers, as links."""
    section = page.text[page.text.index('<div class="choosing">') :]
    return re.findall(r'<a href="\?([^"]+)"[^>]*>([^<]+)</a>', section[: section.index("<details")])


def choose(browser, prefix="", **data):
    return browser.post(prefix + CHOOSE, data)


def test_a_list_shows_the_chosen_columns_and_always_the_first(tara_at_acme, bjensen):
    before = columns(tara_at_acme.get(USERS))

    answer = choose(tara_at_acme, what="columns", columns=["department", "state"])

    page = tara_at_acme.get(USERS)
    assert (answer.status_code, answer.url) == (302, USERS)
    assert (before, columns(page)) == (DEFAULT, ["user_name", "state", "department"])
    assert "Tour Operations" in page.text


def test_columns_that_the_list_does_not_have_are_left_out(tara_at_acme, bjensen):
    choose(tara_at_acme, what="columns", columns=["document", "password", "state"])

    assert columns(tara_at_acme.get(USERS)) == ["user_name", "state"]


def test_choices_are_the_accounts_own(acme, tara_at_acme, add, open_browser, bjensen, lena):
    colleague = open_browser(acme, add(acme, "tom@acme.example", Role.ADMIN))

    choose(tara_at_acme, what="columns", columns=["state"])

    assert columns(colleague.get(USERS)) == DEFAULT
    assert columns(lena.get(VISIT + USERS)) == DEFAULT


def test_staff_keep_theirs_from_tenant_to_tenant(lena, acme, globex, operator, bjensen, jsmith):
    choose(lena, VISIT, what="columns", columns=["created"])

    assert columns(lena.get("/t/globex" + USERS)) == ["user_name", "created"]
    with in_tenant(acme):
        assert not Account.objects.exclude(choices={}).exists()
    with in_tenant(operator):
        kept = Account.objects.get(email="lena@mypolicies.example").choices
    assert kept == {"scim.user": {"columns": ["created"]}}


def test_filters_are_kept_as_a_view_without_the_search(tara_at_acme, bjensen):
    query = "q=barbara&state=disabled&changed=week&o=1&document__icontains=x"

    answer = choose(tara_at_acme, what="keep", name="  New   leavers ", query=query)

    page = tara_at_acme.get(USERS)
    assert answer.url == f"{USERS}?state=disabled&changed=week"
    assert views(page) == [("state=disabled&amp;changed=week", "New leavers")]
    assert tara_at_acme.get(f"{USERS}?state=disabled&changed=week").status_code == 200


def test_a_view_is_dropped(tara_at_acme, bjensen):
    choose(tara_at_acme, what="keep", name="Leavers", query="state=disabled")

    choose(tara_at_acme, what="drop", name="Leavers")

    assert views(tara_at_acme.get(USERS)) == []


@pytest.mark.parametrize(
    ("name", "query", "why"),
    [
        ("", "state=active", "Give the view a name of 1 to 60 characters."),
        ("x" * 61, "state=active", "Give the view a name of 1 to 60 characters."),
        ("Everybody", "q=barbara", "Choose a filter first."),
    ],
)
def test_a_view_that_cannot_be_kept_says_why(name, query, why, tara_at_acme, bjensen):
    choose(tara_at_acme, what="keep", name=name, query=query)

    page = tara_at_acme.get(USERS)
    assert f"Not saved. {why}" in page.text
    assert views(page) == []


def test_a_list_keeps_a_bounded_number_of_views(tara_at_acme, bjensen, monkeypatch):
    monkeypatch.setattr(choices, "MOST_VIEWS", 1)
    choose(tara_at_acme, what="keep", name="One", query="state=active")

    choose(tara_at_acme, what="keep", name="Two", query="state=active")
    choose(tara_at_acme, what="keep", name="One", query="state=deleted")

    assert views(tara_at_acme.get(USERS)) == [("state=deleted", "One")]


def test_nobody_chooses_by_reading_or_without_an_account(acme, tara_at_acme, client_for):
    assert tara_at_acme.get(CHOOSE).status_code == 403
    assert client_for(acme).post(CHOOSE, {"what": "columns"}).status_code == 302


def test_staff_who_view_a_tenant_as_its_admins_do_choose_nothing(lena, acme, bjensen):
    view_as_admin(lena, acme)

    assert 'class="choosing"' not in lena.get(VISIT + USERS).text
    assert choose(lena, VISIT, what="columns", columns=["state"]).status_code == 403
