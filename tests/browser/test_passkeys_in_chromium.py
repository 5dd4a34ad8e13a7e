"""Passkeys with Chromium's virtual authenticator: added, asked for at sign-in, and as proof later."""

import pytest

from tests.support.signing_in import sign_out

pytestmark = pytest.mark.browser


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


def test_a_passkey_is_added_and_lets_in_after_the_password(server, open_page):
    page = open_page()
    session, authenticator = add_authenticator(page)
    staff = (server.url("admin"), server.staff_email, server.staff_password)
    page.goto(staff[0])
    page.get_by_label("E-mail address").fill(staff[1])
    page.get_by_label("Password").fill(staff[2])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Add passkey").click()
    page.get_by_label("Name").fill("Virtual key")

    page.get_by_role("button", name="Create passkey").click()
    codes = page.locator("#recovery-codes").inner_text().split()
    page.get_by_role("link", name="I have stored them").click()
    sign_out(page)
    page.get_by_role("heading", name="You are signed out").wait_for()
    sign_in_with_passkey(page, *staff)

    assert len(codes) == 10
    page.goto(server.url("admin", "/admin/you/"))
    page.get_by_text("Virtual key").wait_for()
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})
    assert [each["rpId"] for each in kept["credentials"]] == ["admin.mypolicies.localhost"]


def sign_in_with_passkey(page, url, email, password):
    page.goto(url)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Second factor").wait_for()
    page.get_by_role("button", name="Use passkey").click()
    page.locator("#sections").wait_for()
