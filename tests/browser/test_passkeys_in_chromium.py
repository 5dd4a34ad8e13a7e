"""Passkeys with Chromium's virtual authenticator: added, asked for after the password, and alone."""

import pytest

from tests.support.server import DEMO
from tests.support.signing_in import sign_out

pytestmark = pytest.mark.browser

ADMIN = f"admin@{DEMO}.example"
PASSWORD = "a password that only the admin knows"


def add_authenticator(page):
    """A built-in authenticator with a user who agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def type_password(page, url, email, password):
    page.goto(url)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def create_passkey(page):
    """Make a passkey from the page of the account; the recovery codes."""
    page.get_by_role("link", name="Add passkey").click()
    page.get_by_label("Name").fill("Virtual key")
    page.get_by_role("button", name="Create passkey").click()
    page.get_by_role("link", name="I have stored them").wait_for()
    page.wait_for_load_state()
    codes = page.locator("#recovery-codes").inner_text().split()
    page.get_by_role("link", name="I have stored them").click()
    return codes


def leave(page):
    sign_out(page)
    page.get_by_role("heading", name="You are signed out").wait_for()


def test_a_passkey_is_added_and_lets_in_after_the_password(server, open_page):
    page = open_page()
    session, authenticator = add_authenticator(page)
    staff = (server.url("admin"), server.staff_email, server.staff_password)
    type_password(page, *staff)
    codes = create_passkey(page)
    leave(page)

    type_password(page, *staff)
    page.get_by_role("heading", name="Second factor").wait_for()
    page.get_by_role("button", name="Use passkey").click()
    page.locator("#sections").wait_for()

    assert len(codes) == 10
    page.goto(server.url("admin", "/admin/you/"))
    page.get_by_text("Virtual key").wait_for()
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})
    assert [each["rpId"] for each in kept["credentials"]] == ["admin.mypolicies.localhost"]


def test_a_passkey_signs_in_alone_and_only_at_its_tenant(server, open_page):
    assert server.manage("set_password", DEMO, ADMIN, given=PASSWORD).returncode == 0
    page = open_page()
    session, authenticator = add_authenticator(page)
    type_password(page, server.url(DEMO), ADMIN, PASSWORD)
    page.locator("#sections").wait_for()
    page.goto(server.url(DEMO, "/admin/you/"))
    create_passkey(page)
    leave(page)

    page.goto(server.url(DEMO, "/admin/you/"))
    page.get_by_role("link", name="Sign in with a passkey").click()
    page.get_by_text("This browser").wait_for()
    address = page.url
    leave(page)
    page.goto(server.url("admin", "/admin/login/passkey/"))
    page.get_by_text("The browser gave no passkey.").wait_for()

    assert address == server.url(DEMO, "/admin/you/")
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})
    assert [each["isResidentCredential"] for each in kept["credentials"]] == [True]


def test_a_passkey_whose_user_was_not_verified_does_not_sign_in(server, open_page):
    page = open_page()
    session, authenticator = add_authenticator(page)
    verified = {"authenticatorId": authenticator, "isUserVerified": False}
    session.send("WebAuthn.setUserVerified", verified)

    page.goto(server.url(DEMO, "/admin/login/"))
    page.get_by_role("link", name="Sign in with a passkey").click()

    page.get_by_text("The browser gave no passkey.").wait_for()
    page.get_by_role("link", name="Sign in with a password").click()
    page.get_by_label("Password").wait_for()
