"""Every page of both sites, as it meets the eye, the keyboard, a screen reader and an attacker.

The pages are found by following links (tests.support.crawling). Each is looked at in light and dark,
1360 and 390 px wide, with axe-core; each form also after it was refused.
"""

import json

import pytest

from tests.support.crawling import Crawler, Findings
from tests.support.payloads import CORE, patch, user
from tests.support.server import DEMO
from tests.support.signing_in import sign_in, sign_out

pytestmark = pytest.mark.browser

ADMIN = f"admin@{DEMO}.example"
PASSWORD = "a password that only the admin knows"
USERS = 51  # one more than a page holds
# By walk: pages that it has to come to, and how many forms it has to have refused.
EXPECTED = {
    "staff": (
        {
            "staff, signed out: /admin/login/",
            "staff: /admin/",
            "staff: /admin/password_change/",
            "staff: /admin/tenants/tenant/",
            "staff: /admin/tenants/tenant/add/",
            "staff: /admin/tenants/tenant/*/change/",
            "staff: /admin/tenants/tenant/*/suspend/",
            "staff: /admin/tenants/tenant/*/view-as-admin/",
            "staff: /admin/accounts/account/*/deactivate/",
            "staff: /t/*/admin/scim/user/*/change/",
            "staff: /t/*/admin/scim/provisioningevent/*/change/",
            "staff: /t/*/admin/scim/eventstream/*/change/",
            "staff: /t/*/admin/scim/eventstream/*/end/",
            "staff: /t/*/admin/scim/delivery/*/change/",
            "staff: /t/*/admin/accounts/secrettoken/*/revoke/",
            "staff: /t/*/admin/accounts/oauthclient/*/secret/",
            "staff: /t/*/admin/accounts/auditentry/*/change/",
        },
        6,
    ),
    "tenant admin": (
        {
            "tenant admin, signed out: /admin/login/",
            "tenant admin: /admin/scim/user/",
            "tenant admin: /admin/scim/user/?p",
            "tenant admin: /admin/scim/user/*/change/",
        },
        2,
    ),
    "refusals and acts": (set(), 0),
}


def provision(server):
    """Provision so much that each list holds something, and more than a page of one."""
    for number in range(USERS):
        server.scim("POST", "/Users", json.dumps(user(f"user{number}")))
    server.scim("POST", "/Users", json.dumps(user("user1")))  # 409
    message = patch({"op": "replace", "value": {"title": "x"}})
    server.scim("PATCH", "/Users/nobody", json.dumps(message))  # 404
    server.scim("POST", "/Users", json.dumps({"schemas": [CORE]}))  # 400
    server.scim("GET", "/Users?count=1")


@pytest.fixture(scope="module")
def window(chromium):
    """Make windows that end with the module."""
    contexts = []

    def new_page():
        context = chromium.new_context()
        context.set_default_timeout(60_000)
        contexts.append(context)
        return context.new_page()

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def filled(server):
    """The server, with something to see on every page."""
    server.manage("create_event_stream", DEMO, "--label", "HR replica", "--method", "poll")
    provision(server)
    for command, given in (
        (("set_password", DEMO, ADMIN), PASSWORD),
        (("create_oauth_client", DEMO, "--label", "Directory"), ""),
    ):
        done = server.manage(*command, given=given)
        assert done.returncode == 0, done.stderr
    return server


@pytest.fixture(scope="module", params=EXPECTED)
def findings(filled, window, request):
    """The findings of one walk: through the pages of a site, or those that no link leads to."""
    found = Findings()
    match request.param:
        case "staff":
            start = filled.url("admin", f"/t/{DEMO}/admin/")
            person = ("admin", filled.staff_email, filled.staff_password)
            look_at_site(filled, window, found, "staff", person, start)
        case "tenant admin":
            look_at_site(filled, window, found, "tenant admin", (DEMO, ADMIN, PASSWORD))
        case _:
            look_at_refusals(filled, window, found)
            look_at_what_is_shown_once(filled, window, found)
            look_at_the_view_as_tenant_admin(filled, window, found)
    return found


def look_at_site(server, window, found, who, person, *starts):
    """The site of a host, first as a stranger, then signed in."""
    host, email, password = person
    Crawler(f"{who}, signed out", window(), found).walk([server.url(host, "/admin/login/")])
    crawler = Crawler(who, window(), found)
    sign_in(crawler.page, server.url(host), email, password)
    crawler.walk([*starts, server.url(host, "/admin/")])
    crawler.page.goto(server.url(host, "/admin/"))
    sign_out(crawler.page)
    crawler.page.get_by_role("heading", name="You are signed out").wait_for()
    crawler.look(f"{host}: signed out")


def look_at_refusals(server, window, found):
    """The pages that say no: 400, 403, a form refused for its cookie, 404."""
    crawler = Crawler("refused", window(), found)
    page = crawler.page
    for host in ("admin", DEMO):
        page.goto(server.url(host, "/admin/login/"))
        page.locator("[name=username]").evaluate("each => { each.value = 'x'.repeat(1100000) }")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("heading", name="could not be understood").wait_for()
        crawler.look(f"{host}: 400")
        page.goto(server.url(host, "/admin/login/"))
        page.locator("[name=csrfmiddlewaretoken]").evaluate("each => { each.value = 'wrong' }")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("heading", name="This form could not be accepted").wait_for()
        crawler.look(f"{host}: 403, form")
    sign_in(page, server.url(DEMO), ADMIN, PASSWORD)
    page.goto(server.url(DEMO, "/admin/accounts/secrettoken/add/"))
    page.get_by_role("heading", name="Your role does not include this").wait_for()
    crawler.look("tenant: 403")
    page.goto(server.url(DEMO, "/admin/scim/user/nobody/change/"))
    page.get_by_role("heading", name="There is nothing here").wait_for()
    crawler.look("tenant: 404")
    page.goto(server.url(DEMO, "/admin/scim/user/?q=nobody"))
    page.get_by_role("heading", name="Nothing matches").wait_for()
    crawler.look("tenant: nothing matches")


def look_at_what_is_shown_once(server, window, found):
    crawler = Crawler("shown once", window(), found)
    page = crawler.page
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    for screen, button in (("secrettoken", "Generate"), ("oauthclient", "Add")):
        page.goto(server.url("admin", f"/t/{DEMO}/admin/accounts/{screen}/add/"))
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_text("it is shown only once").wait_for()
        crawler.look(f"{screen}: shown once")


def look_at_the_view_as_tenant_admin(server, window, found):
    """Staff begin on the tenant's page, look round with the banner on every page, and stop."""
    crawler = Crawler("viewing as tenant admin", window(), found)
    page = crawler.page
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    page.goto(server.url("admin", "/admin/tenants/tenant/"))
    page.locator("#result_list tbody th a").first.click()
    sections = page.get_by_role("navigation", name="Sections")
    sections.get_by_role("link", name="Tenant settings").click()
    page.get_by_role("link", name="View as tenant admin").click()
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_role("button", name="View as tenant admin").click()
    for path in ("", "scim/user/", "setup/"):
        page.goto(server.url("admin", f"/t/{DEMO}/admin/{path}"))
        banner = page.get_by_role("region", name="Viewing as tenant admin")
        banner.get_by_text("Ticket 4711").wait_for()
        crawler.look(f"viewing as tenant admin: {path}")
    banner.get_by_role("button", name="Stop").click()
    page.get_by_text("in your own role again").wait_for()
    crawler.look("a page with a message")


def test_the_walk_came_to_every_kind_of_page(findings, request):
    kinds, forms = EXPECTED[request.node.callspec.params["findings"]]

    assert kinds <= set(findings.seen)
    assert findings.forms_in_error >= forms


def test_axe_finds_nothing_on_any_page_in_light_and_dark_wide_and_narrow(findings):
    assert findings.axe == []


def test_no_page_violates_the_content_security_policy_or_fails_in_its_console(findings):
    assert findings.policy == []


def test_every_page_and_download_comes_with_the_policy_and_is_not_sniffed(findings):
    assert findings.headers == []


def test_no_page_scrolls_sideways_at_390_px(findings):
    assert findings.sideways == []


def test_no_page_takes_more_than_ten_requests_and_40_kb_of_static_files(findings):
    assert findings.weight == []


def test_the_tab_key_reaches_everything_and_the_focus_is_seen(findings):
    assert findings.keyboard == []


def test_each_page_has_one_heading_large_targets_and_errors_tied_to_their_fields(findings):
    assert findings.structure == []


def test_no_two_kinds_of_pages_of_a_site_have_the_same_title(findings):
    for who in ("staff: /admin/", "staff: /t/", "tenant admin: /admin/"):
        kinds = [kind for kind in findings.titles if kind.startswith(who) and "?" not in kind]
        titles = [findings.titles[kind] for kind in kinds]

        assert sorted(titles) == sorted(set(titles))
