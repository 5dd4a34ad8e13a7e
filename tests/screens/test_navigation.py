"""The navigation and the first page: what the role may open, grouped by what it is for."""

import re

import pytest
from django.conf import settings

from accounts.console.site import Group, Place, grouped
from config.sites import staff_site, tenant_site
from tests.support.installed import is_installed

SCREENS = settings.BASE_DIR / "templates" / "static" / "screens"
PLACES = {  # and the features that have them
    "Overview": (),
    "Provisioned users": (),
    "Provisioned groups": (),
    "Provisioning log": ("inspector",),
    "Secret tokens": (),
    "OAuth clients": (),
    "Extension schemas": ("extensions",),
    "Event streams": ("events",),
    "Delivery log": ("events",),
}
TENANT = [label for label, features in PLACES.items() if is_installed(*features)]
ICON = '<svg class="icon" aria-hidden="true">.*?</svg>'
STAFF_ONLY = ["Accounts", "Audit log"]


def sections(page):
    """The markup of the navigation."""
    behind = page.text[page.text.index('<nav id="sections"') :]
    return behind[: behind.index("</nav>")]


def navigation(page):
    """The labels of the navigation's links, in order."""
    return re.findall(rf'<a href="[^"]*"[^>]*>{ICON}([^<]+)</a>', sections(page))


def open_places(page):
    """The labels of those that are marked as the place where one is."""
    return re.findall(rf'aria-current="(?:page|true)">{ICON}([^<]+)</a>', sections(page))


def test_places_of_a_group_stand_together_in_the_order_in_which_they_come():
    users, tokens, groups = (
        Place("Provisioning", "Users", "/u/", "", "page"),
        Place("Connection", "Tokens", "/t/", "", "page"),
        Place("Provisioning", "Groups", "/g/", "", "page"),
    )

    assert grouped([users, tokens, groups]) == (
        Group("Provisioning", (users, groups)),
        Group("Connection", (tokens,)),
    )


def test_every_icon_of_the_navigation_is_in_the_file_of_icons(acme, admin_client, staff_client):
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (SCREENS / "icons.svg").read_text()))
    pages = [admin_client(acme).get("/admin/"), staff_client.get("/admin/")]
    shown = {icon for page in pages for icon in re.findall(r'icons\.svg[^"]*#([\w-]+)"', page.text)}

    assert {"overview", "users", "tenants"} <= shown
    assert shown <= drawn


@pytest.mark.parametrize("site", [staff_site, tenant_site])
def test_every_screen_says_where_it_stands_and_what_it_is_for(site):
    silent = [
        model.__name__
        for model, screen in site._registry.items()
        if not (screen.group and screen.purpose.endswith("."))
    ]

    assert silent == []


def test_a_tenant_admin_finds_what_the_role_may_see(acme, globex, admin_client):
    for tenant in (acme, globex):
        labels = navigation(admin_client(tenant).get("/admin/"))

        assert [label for label in labels if label in TENANT] == TENANT
        assert "Audit log" in labels
        assert "Tenants" not in labels


def test_staff_find_the_whole_tenant_on_a_visit_and_their_own_places_at_home(staff_client, acme):
    visit = navigation(staff_client.get("/t/acme/admin/"))
    home = navigation(staff_client.get("/admin/"))

    assert {*TENANT, *STAFF_ONLY} <= set(visit)
    assert "Tenants" not in visit
    assert {"Overview", "Tenants", *STAFF_ONLY} <= set(home)
    assert "Provisioned users" not in home


def test_an_overview_does_not_repeat_the_navigation(acme, admin_client, staff_client):
    """Only where it has nothing else to say, as for a role that may see none of it."""
    pages = [admin_client(acme).get("/admin/").text, staff_client.get("/admin/").text]

    assert [page.count('class="tiles"') for page in pages] == [0, 0]


def test_links_of_a_visit_stay_in_the_visit(staff_client, acme):
    links = re.findall(r'<a href="([^"]+)"', sections(staff_client.get("/t/acme/admin/")))

    assert links
    outside = [link for link in links if not link.startswith("/t/acme/admin/")]
    assert outside == [f"/admin/tenants/tenant/{acme.pk}/change/"]


def test_staffs_page_of_a_tenant_has_the_navigation_of_a_visit(staff_client, acme):
    own = staff_client.get(f"/admin/tenants/tenant/{acme.pk}/change/")
    visit = staff_client.get("/t/acme/admin/")

    assert navigation(own) == navigation(visit)
    assert re.findall(r'<a href="([^"]+)"', sections(own)) == re.findall(
        r'<a href="([^"]+)"', sections(visit)
    )
    assert open_places(own) == ["Tenant settings"]
    assert [open_places(visit)] == [["Overview"]]


def test_a_tenant_admin_has_no_tenant_settings(acme, admin_client):
    assert "Tenant settings" not in navigation(admin_client(acme).get("/admin/"))


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


def test_an_empty_list_offers_neither_views_nor_columns(globex, admin_client, jsmith):
    browser = admin_client(globex)
    users, clients = (
        browser.get(f"/admin/{name}/").text for name in ("scim/user", "accounts/oauthclient")
    )

    assert "<summary>Columns</summary>" in users
    assert "<summary>Columns</summary>" not in clients


def test_a_search_that_finds_nothing_repeats_it_and_leads_back(acme, admin_client, bjensen):
    page = admin_client(acme).get("/admin/scim/user/", {"q": "<nobody>", "state": "active"}).text

    assert "No user fits “&lt;nobody&gt;” and the filters." in page
    assert "Show all users" in page
