"""Questions that people come with, in a real browser, by the clicks and pages that an answer takes.

No clock: what a page takes is measured elsewhere, and the number of pages is what people feel.
"""

import json

import pytest

from tests.support.payloads import patch, replace, user
from tests.support.server import DEMO
from tests.support.signing_in import sign_in
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

SUE = "sue@mypolicies.example"
SUES_PASSWORD = "a password that only sue knows"
LEAVERS = 24
NEW_TENANT = "initech"


class Walk:
    """A way through the pages, each click and each Enter counted."""

    def __init__(self, page):
        self.page = page
        self.clicks = 0

    def click(self, found):
        self.clicks += 1
        found.click()
        self.page.wait_for_load_state()

    def link(self, name, within="main"):
        self.click(self.page.locator(within).get_by_role("link", name=name, exact=True).first)

    def button(self, name):
        self.click(self.page.get_by_role("button", name=name, exact=True).first)

    def search(self, term):
        self.clicks += 1
        self.page.get_by_label("Search everything").fill(term)
        self.page.get_by_label("Search everything").press("Enter")
        self.page.wait_for_load_state()

    def text(self):
        """The text of the page that is seen, once all of it is there."""
        self.page.wait_for_load_state()
        return self.page.locator("main").inner_text()


def table(page, caption):
    """The rows of the section with that heading, each the texts of its cells."""
    section = page.locator("section", has=page.get_by_role("heading", name=caption, exact=True))
    return [row.locator("td").all_inner_texts() for row in section.locator("tbody tr").all()]


@pytest.fixture(scope="module")
def grace(server):
    """Grace Hopper, whose update was refused, among others of whom many have left."""
    body = user("grace", displayName="Grace Hopper")
    created = server.scim("POST", "/Users", json.dumps(body)).json
    no_mail = patch({"op": "remove", "path": "emails"})
    refused = server.scim("PATCH", f"/Users/{created['id']}", json.dumps(no_mail))
    assert refused.status == 400, refused.text
    for number in range(LEAVERS):
        made = server.scim("POST", "/Users", json.dumps(user(f"leaver{number}")))
        path = f"/Users/{made.json['id']}"
        server.scim("PATCH", path, json.dumps(replace("active", "False")))
    return created


@pytest.fixture
def staff(server, open_page):
    """A walk that begins on the overview of staff who may do everything."""
    page = open_page()
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    page.get_by_role("heading", name="Overview").wait_for()
    return Walk(page)


@pytest.fixture
def support(server, open_page):
    """A walk of somebody of the support team, who sees personal data masked."""
    server.manage("account", "create", "admin", SUE, "--role", "support")
    given = server.manage("set_password", "admin", SUE, given=SUES_PASSWORD)
    assert given.returncode == 0, given.stderr
    page = open_page()
    sign_in(page, server.url("admin"), SUE, SUES_PASSWORD)
    page.get_by_role("heading", name="Overview").wait_for()
    return Walk(page)


def test_the_tenants_that_need_somebody_are_seen_without_a_click(server, grace, staff):
    wait_until(lambda: "Needs attention\n1" in _loaded(staff), "the refusal is an open problem")

    [problem] = table(staff.page, "Open problems")

    assert problem[:3] == ["Demo", "No work e-mail", "1"]
    assert problem[-1].startswith("Map emails")
    assert staff.clicks == 0


def test_the_reason_of_a_failed_update_takes_support_three_clicks_at_most(server, grace, support):
    wait_until(lambda: "No work e-mail" in _loaded(support), "the refusal is an open problem")

    support.link("Demo")
    support.search("Grace Hopper")
    support.click(support.page.locator("ul.hits a").first)
    support.page.get_by_text("Update refused").first.wait_for()
    page = support.text()

    assert support.clicks <= 3
    assert "no work e-mail" in page
    assert "Map emails" in page
    assert "Grace" not in page  # masked


def test_the_people_who_left_in_an_alarm_take_one_click(server, grace, staff):
    staff.click(staff.page.locator(".banner").get_by_role("link").first)

    staff.page.locator("tbody tr").nth(LEAVERS - 1).wait_for()

    assert staff.clicks == 1
    assert "leaver0" in staff.text()


def test_a_new_tenant_takes_nine_clicks_from_nothing_to_a_green_panel(server, staff):
    """Those of the browser; what Entra does meanwhile is sent as it sends it."""
    staff.link("Tenants", within="#sections")
    staff.link("Add tenant")
    staff.page.get_by_label("Custom domain").fill(NEW_TENANT)
    staff.page.get_by_label("Name", exact=True).fill("Initech")
    staff.page.get_by_label("Tenant admin's e-mail").fill("bill@initech.example")
    staff.button("Add")
    staff.page.get_by_text("Tenant created.").wait_for()
    staff.link("Generate secret token")
    staff.button("Generate")
    staff.page.get_by_text("it is shown only once").wait_for()
    _, token = staff.page.locator("dd code").all_inner_texts()
    staff.link("Set up Entra", within="#sections")

    headers = {
        "Host": f"{NEW_TENANT}.mypolicies.localhost:{server.port}",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/scim+json",
    }
    server.request("GET", "/scim/Users?filter=userName+eq+%22c9b1%22", headers=headers)
    server.request("POST", "/scim/Users", json.dumps(user("first")), headers)
    staff.page.get_by_text("Everything works.").wait_for()

    assert staff.clicks <= 9


def test_eighteen_requests_of_the_log_fit_on_a_screen(server, grace, staff):
    staff.page.set_viewport_size({"width": 1360, "height": 900})
    staff.page.goto(server.url("admin", f"/t/{DEMO}/admin/scim/provisioningevent/"))

    rows = staff.page.locator("#result_list tbody tr:not(.head)")
    heads = staff.page.locator("#result_list tbody tr.head").count()
    below = [row.bounding_box()["y"] + row.bounding_box()["height"] for row in rows.all()[:20]]

    assert heads >= 1
    assert len([bottom for bottom in below if bottom <= 900]) >= 18


def _loaded(walk):
    walk.page.reload()
    return walk.text()
