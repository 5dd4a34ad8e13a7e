"""The main journeys of a tenant admin in Firefox, as Debian ships it."""

import json

import pytest

from tests.support import firefox
from tests.support.payloads import CORE, user
from tests.support.server import DEMO
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(firefox.FIREFOX is None, reason="Firefox is not installed."),
]

ADMIN = f"admin@{DEMO}.example"
PASSWORD = "a password that only the admin knows"
LOG = "/admin/scim/provisioningevent/"
ESCAPE = "\ue00c"
ENTER = "\ue007"


@pytest.fixture(scope="module")
def window(server, tmp_path_factory):
    """A window of the demo tenant's admin, who has signed in."""
    given = server.manage("set_password", DEMO, ADMIN, given=PASSWORD)
    assert given.returncode == 0, given.stderr
    with firefox.running(tmp_path_factory.mktemp("firefox")) as window:
        window.open(server.url(DEMO, "/admin/"))
        window.fill("input[name=username]", ADMIN)
        window.fill("input[name=password]", PASSWORD)
        window.click("input[type=submit]")
        window.find("h1", "Overview")
        yield window


def test_1_the_set_up_turns_green_while_its_page_is_open(window, server):
    window.open(server.url(DEMO, "/admin/setup/"))
    window.find("h3", "Waiting for Test Connection")

    server.scim("GET", "/Users?filter=userName+eq+%22c9b1%22")
    window.find("h3", "Entra is connected")
    server.scim("POST", "/Users", json.dumps(user("first", displayName="Grace Hopper")))

    window.find("strong", "Everything works.")


def test_2_a_refused_request_opens_beside_the_log_and_escape_closes_it(window, server):
    server.scim("POST", "/Users", json.dumps({"schemas": [CORE], "userName": "nomail"}))
    window.open(server.url(DEMO, f"{LOG}?outcome=refused"))

    window.click("#result_list tbody td a, #result_list tbody th a")
    window.find("dialog[open] h2")
    window.find("h2", "Why it was refused")
    window.fill("body", ESCAPE)

    is_open = "return document.querySelectorAll('dialog[open]').length"
    wait_until(lambda: window.run(is_open) == 0, "the drawer is closed")
    assert LOG in window.url


def test_3_a_person_is_found_with_the_keyboard_alone(window, server):
    window.open(server.url(DEMO, "/admin/"))
    window.fill("body", "/")
    focused = "return document.activeElement.id"
    wait_until(lambda: window.run(focused) == "find-box", "the box has the focus")

    window.fill("#find-box", "Grace Hopper" + ENTER)

    window.find("main", "Grace Hopper")


def test_4_pages_look_as_they_are_meant_to(window, server):
    """Rules that browsers learned late: colors of both schemes, numbers of lines, nothing sideways."""
    window.open(server.url(DEMO, f"{LOG}?outcome=refused"))
    request = window.run("return document.querySelector('#result_list tbody a').href")
    window.open(request)

    ground = "return getComputedStyle(document.body).backgroundColor"
    number = "return getComputedStyle(document.querySelector('.json .line'), '::before').content"
    sideways = "return document.documentElement.scrollWidth - innerWidth"
    assert window.run(ground) == "rgb(245, 246, 248)"
    assert "data-line" in window.run(number)
    assert window.run(sideways) <= 0


def test_5_who_logs_out_is_out(window, server):
    window.open(server.url(DEMO, "/admin/"))
    window.click("#user-tools details.menu > summary")
    window.click("#logout-form button")
    window.find("h1", "You are signed out")

    window.open(server.url(DEMO, "/admin/"))

    window.find("h1", "Sign in to")
