"""Sessions: when they end, what ends them, and the page on which their owner sees them."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts import actions, sessions
from accounts.models import AuditEntry, Session
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.pages import nonce_in, table_of

YOU = "/admin/you/"
MINUTE = timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"
WEBKIT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.fixture
def moving():
    """A clock that moves only when the test says so."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def sign_in(tenant, address, user_agent):
    browser = clients.client_for(tenant)
    account = people.tenant_admin(tenant)
    form = {"username": account.email, "password": people.PASSWORD}
    where = {"REMOTE_ADDR": address, "HTTP_USER_AGENT": user_agent}
    assert browser.post("/admin/login/", form, **where).status_code == 302
    return browser


def test_a_session_ends_after_half_an_hour_without_a_request(acme, admin_client, moving):
    browser = admin_client(acme)
    for _ in range(3):
        moving.shift(29 * MINUTE)
        assert browser.get("/admin/").status_code == 200

    moving.shift(30 * MINUTE)

    assert browser.get("/admin/").status_code == 302


def test_a_session_ends_after_eight_hours_of_work(acme, admin_client, moving):
    browser = admin_client(acme)
    statuses = []
    for _ in range(25):
        moving.shift(20 * MINUTE)
        statuses.append(browser.get("/admin/").status_code)

    assert statuses == [200] * 23 + [302] * 2


def test_the_page_shows_where_one_is_signed_in(acme, moving):
    sign_in(acme, "203.0.113.7", FIREFOX)
    moving.shift(2 * MINUTE)
    browser = sign_in(acme, "198.51.100.9", "a browser of one's own")

    rows = table_of(browser.get(YOU), "Where you are signed in")

    assert [row[2:] for row in rows] == [
        ["198.51.100.9", "a browser of one's own", "This browser"],
        ["203.0.113.7", "Firefox on Windows", ""],
    ]


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        (FIREFOX, "Firefox on Windows"),
        (f"{WEBKIT.format('X11; Linux x86_64')} Chrome/156.0.0.0 Safari/537.36", "Chrome on Linux"),
        (
            f"{WEBKIT.format('Windows NT 10.0; Win64; x64')} Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge on Windows",
        ),
        (
            f"{WEBKIT.format('Macintosh; Intel Mac OS X 10_15_7')} Version/26.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            f"{WEBKIT.format('iPhone; CPU iPhone OS 26_0 like Mac OS X')} CriOS/156.0 Safari/604.1",
            "Chrome on iOS",
        ),
        (
            f"{WEBKIT.format('Linux; Android 10; K')} Chrome/156.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Firefox/150.0", "Firefox"),
        ("curl/8.0", "curl/8.0"),
        ("", ""),
    ],
)
def test_a_browser_is_named_as_people_know_it(user_agent, browser):
    assert sessions.browser_in(user_agent) == browser


def test_all_other_browsers_are_signed_out_at_once(acme, globex):
    first, second = (sign_in(acme, "203.0.113.7", name) for name in ("first", "second"))
    elsewhere = sign_in(globex, "203.0.113.7", "of another tenant")
    path = f"{YOU}end-others/"

    done = second.post(path, {"nonce": nonce_in(second.get(path))}, follow=True)

    assert "You are signed out of all other browsers." in done.text
    assert [each.get("/admin/").status_code for each in (first, second, elsewhere)] == [
        302,
        200,
        200,
    ]
    with transaction.atomic(), in_tenant(acme):
        entry = AuditEntry.objects.get(act="other sessions ended")
    assert entry.details == {"sessions": 1}


def test_ones_own_new_password_ends_the_other_sessions(acme):
    first, second = (sign_in(acme, "203.0.113.7", name) for name in ("first", "second"))
    new = "a much longer phrase 7"

    second.post(
        "/admin/password_change/",
        {"old_password": people.PASSWORD, "new_password1": new, "new_password2": new},
    )

    assert [each.get("/admin/").status_code for each in (first, second)] == [302, 200]
    with transaction.atomic(), in_tenant(acme):
        assert Session.objects.count() == 1


@pytest.mark.parametrize("change", ["role", "password"])
def test_another_role_or_password_ends_all_sessions(acme, add, command, open_browser, change):
    people.tenant_admin(acme)
    second = add(acme, "second@acme.example", Role.ADMIN)
    browser = open_browser(acme, second)

    if change == "role":
        actions.change_role(command, acme, second.email, Role.MEMBER)
    else:
        actions.set_password(command, acme, second.email, people.PASSWORD)

    with transaction.atomic(), in_tenant(acme):
        assert not Session.objects.exists()
    assert browser.get("/admin/").status_code == 302


def test_staff_have_their_own_page_on_the_staff_host_only(staff_client, acme):
    assert staff_client.get(YOU).status_code == 200
    assert staff_client.get(f"/t/acme{YOU}").status_code == 404
    assert staff_client.get("/t/acme/admin/confirm/").status_code == 404
