"""Signing in at a page in Chromium, second factor included: set up the first time, then a recovery code."""

import re
from urllib.parse import urlsplit

import pyotp

from tenants import clock

_codes: dict[tuple[str, str], list[str]] = {}  # by site and e-mail address; each is good once


def sign_in(page, url, email, password):
    """Fill in the sign-in page at the URL, and what comes after it, until the account is signed in."""
    page.goto(url)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda address: not urlsplit(address).path.endswith("/login/"))
    account = (re.match(r"\w+://[^/]+", url)[0], email)
    if page.url.endswith("/admin/login/second/"):
        page.get_by_label("Code", exact=True).fill(_codes[account].pop())
        page.get_by_role("button", name="Continue").click()
    elif page.url.endswith("/admin/you/"):
        _codes[account] = set_up_app(page)


def set_up_app(page):
    """Set up an authenticator app from the page of the account; the recovery codes."""
    page.get_by_role("link", name="Set up authenticator app").click()
    key = page.get_by_text(re.compile(r"^[A-Z2-7]{32}$")).inner_text()
    page.get_by_label("Code from the app").fill(pyotp.TOTP(key).at(clock.now()))
    page.get_by_role("button", name="Use this app").click()
    page.locator("#recovery-codes").wait_for()
    page.wait_for_load_state()  # with all of them
    codes = page.locator("#recovery-codes").inner_text().split()
    page.get_by_role("link", name="I have stored them").click()
    return codes


def sign_out(page):
    """Sign out by the account menu."""
    page.locator("#user-tools details.menu > summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
