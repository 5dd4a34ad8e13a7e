"""The panel of *Set up Entra* turns green automatically, step by step, while the page stays open."""

import json

import pytest

from tests.support.at_screens import BJENSEN
from tests.support.server import DEMO
from tests.support.signing_in import sign_in

pytestmark = pytest.mark.browser

ADMIN = f"admin@{DEMO}.example"
PASSWORD = "a password that only the admin knows"


@pytest.fixture
def panel(server, open_page):
    """The page, opened by the demo tenant's admin, who follows the set-up."""
    given = server.manage("set_password", DEMO, ADMIN, given=PASSWORD)
    assert given.returncode == 0, given.stderr
    page = open_page()
    violations = []
    page.on("console", lambda message: violations.append(message.text))
    sign_in(page, server.url(DEMO), ADMIN, PASSWORD)
    page.get_by_role("link", name="Set up Entra").first.click()
    page.get_by_role("heading", name="Set up Entra").wait_for()
    page.wait_for_load_state()
    yield page
    assert violations == []


def done(page):
    return page.locator("[data-refresh] li[data-state=ok] h3").all_inner_texts()


def test_the_panel_turns_green_when_test_connection_and_the_first_user_arrive(panel, server):
    panel.get_by_text("Waiting for Test Connection").wait_for()
    before = done(panel)
    panel.get_by_text("No user has been sent yet.").wait_for()

    server.scim("GET", "/Users?filter=userName+eq+%22c9b1%22")
    panel.get_by_role("heading", name="Entra is connected").wait_for()
    connected = done(panel)

    server.scim("POST", "/Users", json.dumps(BJENSEN))
    panel.get_by_text("Everything works.").wait_for()

    seen = panel.locator("[data-live=seen]")
    seen.locator("tr", has_text="userName").get_by_text("Seen", exact=True).wait_for()
    assert seen.get_by_text("No user has been sent yet.").count() == 0
    assert before == ["Secret token generated"]
    assert connected == ["Secret token generated", "Entra is connected"]
    assert done(panel)[2] == "First user provisioned"


def test_the_first_page_says_so_afterwards(panel):
    panel.get_by_role("link", name="Overview").click()

    panel.locator(".stat", has_text="Connection").get_by_text("Connected").wait_for()
    panel.locator(".stat", has_text="Active users").get_by_text("1", exact=True).wait_for()


def test_without_scripts_a_reload_shows_how_far_one_is(server, chromium, panel):
    with chromium.new_context(java_script_enabled=False) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        sign_in(page, server.url(DEMO), ADMIN, PASSWORD)

        page.goto(server.url(DEMO, "/admin/setup/"))

        page.get_by_text("Everything works.").wait_for()


def test_the_panel_stays_beside_the_steps_where_there_is_room(panel):
    panel.set_viewport_size({"width": 1360, "height": 900})
    progress = panel.locator("[data-refresh]")
    beside = progress.bounding_box()
    panel.get_by_role("heading", name="Turn on provisioning").scroll_into_view_if_needed()

    steps = panel.get_by_role("heading", name="Steps").bounding_box()
    assert steps["x"] + steps["width"] <= beside["x"]
    assert progress.bounding_box()["y"] >= 0
