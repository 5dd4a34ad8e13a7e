"""Links from elsewhere, in a real browser: those of e-mails, and those of a site that means harm."""

import json
import re
from email import message_from_bytes, policy

import pytest

from tests.support.payloads import replace, user
from tests.support.server import DEMO
from tests.support.signing_in import sign_in
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

ELSEWHERE = "http://mail.example/"
NORA = "nora@demo.example"
BILL = "bill@initech.example"
LINE = 79 * b"-" + b"\n"  # between the messages of a file
PASSWORD = "a password that only its owner knows"


@pytest.fixture
def staff(server, open_page):
    page = open_page()
    sign_in(page, server.url("admin"), server.staff_email, server.staff_password)
    page.get_by_role("heading", name="Overview").wait_for()
    return page


@pytest.fixture
def mail_to(server):
    """`mail_to(address)`: the links in the newest e-mail to it, with that in its subject."""

    def newest(address, subject=""):
        def found():
            folder = server.folder / "data" / "mail"
            files = [path.read_bytes().split(LINE) for path in sorted(folder.glob("*"))]
            texts = [each for *whole, _ in files for each in whole]  # none that is being written
            messages = [message_from_bytes(each.strip(), policy=policy.default) for each in texts]
            return [m for m in messages if m["To"] == address and subject in m["Subject"]]

        wait_until(lambda: bool(found()), f"e-mail to {address} was sent")
        return re.findall(r"http://\S+[^\s.]", found()[-1].get_content())

    return newest


def elsewhere(page, body):
    """Open a page of another site."""
    page.context.route(
        ELSEWHERE, lambda route: route.fulfill(content_type="text/html", body=f"<body>{body}")
    )
    page.goto(ELSEWHERE)


def accept(page, link, email):
    """Follow the link of an invitation, choose a password and sign in."""
    elsewhere(page, f'<a href="{link}">Choose your password</a>')
    page.get_by_role("link", name="Choose your password").click()
    page.get_by_role("heading", name="Choose your password").wait_for()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
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


def bulk(server, *operations):
    message = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": list(operations),
    }
    answer = server.scim("POST", "/Bulk", json.dumps(message))
    assert answer.status == 200
    return answer.json["Operations"]


def all_leave(server):
    """More users of the demo tenant than the guard lets pass are made and deactivated."""
    names = [f"user{number}" for number in range(25)]
    made = bulk(
        server,
        *(
            {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}
            for name in names
        ),
    )
    paths = [each["location"].partition("/scim")[2] for each in made]
    bulk(
        server,
        *({"method": "PATCH", "path": path, "data": replace("active", "False")} for path in paths),
    )


def token_ends(server):
    """The demo tenant's token lasts for a day."""
    assert server.manage("warn_of_expiry").returncode == 0


@pytest.mark.parametrize(
    ("happens", "subject", "heading"),
    [
        (token_ends, "expires in", "Secret tokens"),
        (all_leave, "were deactivated within an hour", "Mass deactivations"),
    ],
)
def test_the_links_of_a_warning_lead_each_reader_to_the_page(
    happens, subject, heading, server, staff, open_page, mail_to
):
    admin = f"admin@{DEMO}.example"
    server.manage("set_password", DEMO, admin, given=PASSWORD)
    own = open_page()
    sign_in(own, server.url(DEMO, "/admin/login/"), admin, PASSWORD)
    own.get_by_role("heading", name="Overview").wait_for()

    happens(server)

    for page, address in ((own, admin), (staff, server.staff_email)):
        for link in mail_to(address, subject):
            elsewhere(page, f'<a href="{link}">Message</a>')
            page.get_by_role("link", name="Message").click()
            page.get_by_role("heading", name=heading, exact=True).wait_for()
