"""The main job in a real browser: from nothing to a provisioned user, and to a revoked token."""

import json
import re
from http.client import HTTPConnection

import pytest

from tests.support.at_screens import BJENSEN
from tests.support.signing_in import sign_in
from tests.support.waiting import WITHIN

pytestmark = pytest.mark.browser

TARA = "tara@acme.example"
TARAS_PASSWORD = "a password that only tara knows"


def provision(server, token, body):
    """The status and the body of the answer to Entra's POST."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=WITHIN)
    headers = {
        "Host": f"acme.mypolicies.localhost:{server.port}",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/scim+json",
    }
    connection.request("POST", "/scim/Users", json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


@pytest.fixture(scope="module")
def chapters():
    """The values that one chapter of the story leaves to the next."""
    return {}


@pytest.fixture
def staff(server, open_page):
    """A window in which the first staff account is signed in."""
    page = open_page()
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    page.get_by_role("heading", name="Overview").wait_for()
    return page


def go_to(page, place):
    """By the navigation, which is on every page; until the scripts of the next one have run."""
    sections = page.get_by_role("navigation", name="Sections")
    with page.expect_navigation():
        sections.get_by_role("link", name=place, exact=True).click()


def open_acme(staff):
    go_to(staff, "Tenants")
    staff.locator("#result_list").get_by_role("link", name="Acme Ltd").click()


def visit_acme(staff, screen):
    open_acme(staff)
    go_to(staff, screen)


def json_in(page, selector):
    """The JSON that an element of the page shows, once all of the page is there."""
    page.locator(selector).wait_for()
    page.wait_for_load_state()
    return json.loads(page.locator(selector).inner_text())


def test_1_staff_add_a_tenant_and_give_its_admin_a_password(staff):
    go_to(staff, "Tenants")
    staff.get_by_role("link", name="Add tenant").click()
    staff.get_by_label("Custom domain").fill("acme")
    staff.get_by_label("Name", exact=True).fill("Acme Ltd")
    staff.get_by_label("Tenant admin's e-mail").fill(TARA)
    staff.get_by_role("button", name="Add", exact=True).click()
    staff.get_by_text("Tenant created.").wait_for()

    go_to(staff, "Accounts")
    staff.get_by_role("link", name=TARA).click()
    staff.get_by_role("link", name="Set password").click()
    staff.get_by_label("New password").fill(TARAS_PASSWORD)
    staff.get_by_role("button", name="Set password").click()

    staff.get_by_text(f"{TARA} has a new password.").wait_for()


def test_2_staff_generate_a_secret_token_that_works(staff, server, chapters):
    visit_acme(staff, "Secret tokens")
    staff.get_by_role("link", name="Generate secret token").click()
    staff.get_by_role("button", name="Generate").click()
    staff.get_by_text("it is shown only once").wait_for()
    staff.wait_for_load_state()

    tenant_url, chapters["token"] = staff.locator("dd code").all_inner_texts()
    chapters["public id"] = staff.locator(".fact", has_text="Public id").locator("dd").inner_text()
    status, created = provision(server, chapters["token"], BJENSEN)

    assert tenant_url == server.url("acme", "/scim")
    assert (status, created["userName"]) == (201, "bjensen@acme.example")


def test_3_a_token_page_that_is_loaded_again_generates_no_second_token(staff):
    visit_acme(staff, "Secret tokens")
    staff.get_by_role("link", name="Generate secret token").click()
    staff.get_by_label("Label").fill("Loaded again")
    staff.get_by_role("button", name="Generate").click()
    staff.get_by_text("it is shown only once").wait_for()

    staff.reload()
    staff.get_by_text("This form has been sent before").wait_for()

    staff.get_by_role("link", name="Go back to the current page").click()
    staff.get_by_role("link", name="Generate secret token").wait_for()
    staff.wait_for_load_state()
    assert staff.get_by_role("link", name="Loaded again").count() == 1


def test_4_the_copy_button_copies_the_tenant_url(staff, server):
    staff.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit_acme(staff, "Tenant settings")

    staff.get_by_role("button", name="Copy Tenant URL").click()
    staff.get_by_role("button", name="Copied Tenant URL").wait_for()

    copied = staff.evaluate("navigator.clipboard.readText()")
    assert copied == server.url("acme", "/scim")


def test_5_staff_find_the_user_and_read_what_entra_sent(staff):
    visit_acme(staff, "Provisioned users")
    staff.locator("#searchbar").fill("barbara")
    staff.locator("#searchbar").press("Enter")
    staff.get_by_role("link", name="bjensen@acme.example").click()

    seen = json_in(staff, "#scim-json")
    staff.locator("section", has_text="Provisioning log").get_by_role("link").last.click()
    sent = json_in(staff, "#sent")

    assert {name: seen[name] for name in BJENSEN} == BJENSEN
    assert sent == BJENSEN


def test_6_staff_find_the_refused_request_what_was_wrong_and_where_to_mend_it(
    staff, server, chapters
):
    without = {**BJENSEN, "userName": "jsmith@acme.example", "emails": []}
    status, refusal = provision(server, chapters["token"], without)
    assert status == 400

    visit_acme(staff, "Provisioning log")
    outcome = staff.locator("details.filter", has_text="Show:")
    outcome.locator("summary").click()
    outcome.get_by_role("link", name="Refused").click()
    staff.wait_for_url("**/?outcome=refused")
    staff.locator("#result_list").get_by_role("link").first.click()

    staff.get_by_text(refusal["detail"]).first.wait_for()
    staff.get_by_role("heading", name="Why it was refused").wait_for()
    staff.get_by_text("Entra: Provisioning").first.wait_for()
    assert json_in(staff, "#sent") == without


def test_7_a_tenant_admin_signs_in_on_the_own_host_and_can_only_read(server, open_page):
    page = open_page()
    sign_in(page, server.url("acme"), TARA, TARAS_PASSWORD)

    go_to(page, "Provisioned users")
    page.get_by_role("link", name="bjensen@acme.example").click()
    page.get_by_text("Managed by Microsoft Entra ID").wait_for()
    go_to(page, "Secret tokens")
    page.get_by_role("link", name="Microsoft Entra ID").wait_for()

    assert page.get_by_role("link", name=re.compile("Generate|Add|Change$")).count() == 0


def test_8_a_revoked_token_is_refused_at_once(staff, server, chapters):
    visit_acme(staff, "Secret tokens")
    staff.get_by_role("link", name="Microsoft Entra ID").click()
    staff.get_by_text(chapters["public id"]).first.wait_for()
    staff.get_by_role("link", name="Revoke").click()
    staff.get_by_role("button", name="Revoke this secret token").click()
    staff.get_by_text("the next request with it is refused").wait_for()

    status, refusal = provision(server, chapters["token"], BJENSEN)

    assert status == 401
    assert "was revoked" in refusal["detail"]
    assert "mypscim_" not in refusal["detail"]


def test_9_a_list_is_filtered_with_the_keyboard_alone(staff):
    visit_acme(staff, "Provisioning log")
    outcome = staff.locator("details.filter", has_text="Show:")
    outcome.locator("summary").focus()

    staff.keyboard.press("Enter")
    outcome.get_by_role("link", name="Refused").wait_for()
    staff.keyboard.press("Escape")
    assert outcome.get_attribute("open") is None
    assert outcome.locator("summary").evaluate("each => each === document.activeElement")

    for key in ("Enter", "Tab", "Tab", "Enter"):  # Changes and refusals, Refused
        staff.keyboard.press(key)
    staff.wait_for_url("**/?outcome=refused")
    staff.get_by_role("link", name="Clear filters").wait_for()


def test_10_the_colors_that_were_chosen_stay(staff):
    staff.get_by_role("button", name="Colors: as the system. Change").click()
    staff.reload()

    staff.get_by_role("button", name="Colors: dark. Change").wait_for()
    background = staff.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(15, 20, 27)"


def test_a_request_opens_beside_the_log_with_an_address_of_its_own(staff):
    visit_acme(staff, "Provisioning log")
    staff.locator("#result_list").get_by_role("link").first.click()
    drawer = staff.get_by_role("dialog")
    drawer.get_by_role("heading", name="The request").wait_for()
    staff.wait_for_url("**/#/**")  # the address follows a moment later, here and below
    address = staff.url

    staff.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    staff.wait_for_url(address.partition("#")[0])

    staff.goto("about:blank")
    staff.goto(address)
    drawer.get_by_role("heading", name="The request").wait_for()
    drawer.get_by_role("link", name="Open as page").click()
    staff.wait_for_url(f"**{address.partition('#')[2]}")
    staff.get_by_role("heading", name="The request").wait_for()


def test_a_message_is_dismissed_and_the_account_menu_closes_with_escape(staff):
    open_acme(staff)
    staff.get_by_role("link", name="Suspend").click()
    staff.get_by_role("button", name="Suspend this tenant").click()
    message = staff.get_by_text("Acme Ltd is suspended")
    message.wait_for()
    menu = staff.locator("#user-tools details.menu")

    staff.get_by_role("button", name="Dismiss").click()
    menu.locator("summary").click()
    staff.get_by_role("link", name="Your account").wait_for()
    staff.keyboard.press("Escape")

    assert message.count() == 0
    assert menu.get_attribute("open") is None
    assert menu.locator("summary").evaluate("each => each === document.activeElement")
