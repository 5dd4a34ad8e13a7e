"""Links from elsewhere, in a real browser: those of e-mails, and those of a site that means harm."""

import re
from email import message_from_bytes, policy

import pytest

from tests.browser.test_admin_in_chromium import sign_in
from tests.support.postgres import wait_until
from tests.support.server import DEMO

pytestmark = pytest.mark.browser

ELSEWHERE = "http://mail.example/"
NORA = "nora@demo.example"
BILL = "bill@initech.example"
PASSWORD = "a password that only its owner knows"


@pytest.fixture
def staff(server, open_page):
    page = open_page()
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    page.get_by_role("heading", name="Overview").wait_for()
    return page


@pytest.fixture
def mail_to(server):
    """`mail_to(address)`: the links in the newest e-mail to the address."""

    def newest(address):
        def found():
            folder = server.folder / "data" / "mail"
            texts = [path.read_bytes() for path in sorted(folder.glob("*"))]
            messages = [message_from_bytes(each, policy=policy.default) for each in texts]
            return [each for each in messages if each["To"] == address]

        wait_until(lambda: bool(found()), f"e-mail to {address} was sent")
        return re.findall(r"http://\S+[^\s.]", found()[-1].get_content())

    return newest


def elsewhere(page, body):
    """Opens a page of another site."""
    page.context.route(
        ELSEWHERE, lambda route: route.fulfill(content_type="text/html", body=f"<body>{body}")
    )
    page.goto(ELSEWHERE)


def accept(page, link, email):
    """Follows the link of an invitation, chooses a password and signs in."""
    elsewhere(page, f'<a href="{link}">Choose your password</a>')
    page.get_by_role("link", name="Choose your password").click()
    page.get_by_role("heading", name="Choose your password").wait_for()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_an_admin_whom_staff_invite_on_a_visit_gets_in(server, staff, open_page, mail_to):
    staff.goto(server.url("admin", f"/t/{DEMO}/admin/accounts/account/invite/"))
    staff.get_by_label("E-mail address").fill(NORA)
    staff.get_by_role("button", name="Send invitation").click()
    staff.get_by_role("heading", name=NORA).wait_for()

    link, _ = mail_to(NORA)
    page = open_page()
    accept(page, link, NORA)

    assert page.url == server.url(DEMO, "/admin/")


def test_the_first_admin_of_a_new_tenant_gets_in(server, staff, open_page, mail_to):
    staff.goto(server.url("admin", "/admin/tenants/tenant/add/"))
    staff.get_by_label("Custom domain").fill("initech")
    staff.get_by_label("Name", exact=True).fill("Initech")
    staff.get_by_label("Tenant admin's e-mail").fill(BILL)
    staff.get_by_role("button", name="Add").click()
    staff.get_by_role("heading", name="Initech").wait_for()

    link, _ = mail_to(BILL)
    page = open_page()
    accept(page, link, BILL)

    assert page.url == server.url("initech", "/admin/")


def test_a_link_in_a_ticket_opens_its_page_and_leaves_open_forms_alone(server, staff):
    form = staff
    form.goto(server.url("admin", f"/t/{DEMO}/admin/accounts/account/invite/"))
    form.get_by_label("E-mail address").fill("last@demo.example")
    page = form.context.new_page()
    path = server.url("admin", f"/t/{DEMO}/admin/scim/user/")
    elsewhere(page, f'<a href="{path}">Ticket</a>')

    page.get_by_role("link", name="Ticket").click()
    page.get_by_role("heading", name="Provisioned users").wait_for()
    form.get_by_role("button", name="Send invitation").click()

    form.get_by_role("heading", name="last@demo.example").wait_for()


def test_a_form_of_another_site_does_nothing(server, staff):
    path = server.url("admin", f"/t/{DEMO}/admin/accounts/account/invite/")
    elsewhere(
        staff,
        f'<form method="post" action="{path}"><input name="email" value="mallory@x.example">'
        "<button>Win</button></form>",
    )

    with staff.expect_navigation():
        staff.get_by_role("button", name="Win").click()
    staff.goto(server.url("admin", f"/t/{DEMO}/admin/accounts/account/"))

    assert staff.get_by_text("mallory@x.example").count() == 0
