"""The navigation and the first page: what the role may open, grouped by what it is for."""

import re

import pytest

from accounts.admin.navigation import Group, Place, grouped

PROVISIONING = [
    "Provisioned users",
    "Provisioned groups",
    "Provisioning log",
    "Extension schemas",
    "Event streams",
    "Delivery log",
]
CONNECTION = [
    "Secret tokens",
    "OAuth clients",
    "Extension schemas",
    "Event streams",
    "Delivery log",
]


def sections(page):
    """The markup of the navigation."""
    behind = page.text[page.text.index('<nav id="sections"') :]
    return behind[: behind.index("</nav>")]


def navigation(page):
    """The labels of the navigation's links, in order."""
    return re.findall(r'<a href="[^"]*"[^>]*>([^<]+)</a>', sections(page))


def open_places(page):
    """The labels of those that are marked as the place where one is."""
    return re.findall(r'aria-current="(?:page|true)">([^<]+)</a>', sections(page))


def test_places_of_a_group_stand_together_in_the_order_in_which_they_come():
    users, tokens, groups = (
        Place("Provisioning", "Users", "/u/", ""),
        Place("Connection", "Tokens", "/t/", ""),
        Place("Provisioning", "Groups", "/g/", ""),
    )

    assert grouped([users, tokens, groups]) == (
        Group("Provisioning", (users, groups)),
        Group("Connection", (tokens,)),
    )


def test_a_tenant_admin_finds_what_the_role_may_see(acme, globex, admin_client):
    for tenant in (acme, globex):
        assert navigation(admin_client(tenant).get("/admin/")) == [
            "Overview",
            *PROVISIONING,
            *CONNECTION,
        ]


def test_staff_find_the_whole_tenant_on_a_visit_and_their_own_places_at_home(staff_client, acme):
    visit, home = staff_client.get("/t/acme/admin/"), staff_client.get("/admin/")

    assert navigation(visit) == [
        "Overview",
        *PROVISIONING,
        *CONNECTION,
        "Accounts",
        "Audit log",
    ]
    assert navigation(home) == ["Overview", "Tenants", "Accounts", "Audit log"]


def test_links_of_a_visit_stay_in_the_visit(staff_client, acme):
    links = re.findall(r'<a href="([^"]+)"', sections(staff_client.get("/t/acme/admin/")))

    assert links
    assert [link for link in links if not link.startswith("/t/acme/admin/")] == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/admin/", "Overview"),
        ("/admin/scim/user/", "Provisioned users"),
        ("/admin/accounts/secrettoken/", "Secret tokens"),
    ],
)
def test_the_navigation_marks_where_one_is(path, place, acme, admin_client):
    assert open_places(admin_client(acme).get(path)) == [place]


def test_a_stranger_sees_no_navigation(acme, client_for):
    assert 'id="sections"' not in client_for(acme).get("/admin/login/").text


def test_an_empty_list_says_what_brings_the_first_row(globex, admin_client, jsmith):
    browser = admin_client(globex)
    log, tokens = (
        browser.get(f"/admin/{name}/").text for name in ("scim/user", "accounts/oauthclient")
    )

    assert "No users yet" not in log
    assert "No OAuth clients yet" in tokens
    assert "Add a client to use OAuth 2.0." in tokens


def test_a_search_that_finds_nothing_repeats_it_and_leads_back(acme, admin_client, bjensen):
    page = admin_client(acme).get("/admin/scim/user/", {"q": "<nobody>", "state": "active"}).text

    assert "No user fits “&lt;nobody&gt;” and the filters." in page
    assert "Show all users" in page
