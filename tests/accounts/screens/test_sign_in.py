"""Signing in and out, and changing one's own password."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from accounts import actions, factors
from accounts.models import AuditEntry, Factor
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support.people import PASSWORD

REFUSED = "Sign-in failed."


@pytest.fixture
def tara_with_password(acme, tara, command):
    actions.set_password(command, acme, tara.email, PASSWORD)
    with in_tenant(acme):
        tara.refresh_from_db()
    return tara


def sign_in(browser, email, password=PASSWORD):
    return browser.post("/admin/login/", {"username": email, "password": password})


def test_a_tenant_admin_signs_in_on_the_own_host(acme, tara_with_password, open_browser):
    browser = open_browser(acme)

    answer = sign_in(browser, "Tara@Acme.example")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert browser.get("/admin/").status_code == 200


def test_the_sign_in_page_says_whose_it_is(acme, operator, open_browser):
    titles = [open_browser(t).get("/admin/login/").text for t in (acme, operator)]

    assert ["Sign in to Acme Ltd" in titles[0], "Sign in to Staff" in titles[1]] == [True, True]


def test_staff_sign_in_and_visit_at_a_further_host_name_that_a_cell_has(
    acme, operator, staff, command
):
    """docs/scaling.md: below one base domain `admin` leads to a single cell."""
    alice = staff[Role.SUPPORT]
    actions.set_password(command, operator, alice.email, PASSWORD)
    actions.add_host(command, operator, "admin-3.example.com")
    browser = Client(headers={"Host": "admin-3.example.com"})

    answer = sign_in(browser, alice.email)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/you/")
    assert alice.email in browser.get("/admin/you/").text
    visitor = Client(headers={"Host": "admin-3.example.com"})
    with transaction.atomic(), in_tenant(operator):
        alice.refresh_from_db()  # a session knows the password
        visitor.force_login(alice)  # with a second factor
    assert visitor.get("/t/acme/admin/").status_code == 200


def test_every_refusal_to_sign_in_reads_the_same(
    acme, globex, add, command, tara_with_password, open_browser
):
    gone = add(acme, "gone@acme.example", Role.ADMIN)
    member = add(acme, "mo@acme.example", Role.MEMBER)
    for account in (gone, member):
        actions.set_password(command, acme, account.email, PASSWORD)
    actions.deactivate_account(command, acme, gone.email)

    answers = [
        sign_in(open_browser(acme), "tara@acme.example", "wrong"),
        sign_in(open_browser(acme), "nobody@acme.example"),
        sign_in(open_browser(acme), gone.email),
        sign_in(open_browser(acme), member.email),
        sign_in(open_browser(globex), "tara@acme.example"),
    ]

    assert [(answer.status_code, REFUSED in answer.text) for answer in answers] == 5 * [(200, True)]


def test_an_account_without_a_password_cannot_sign_in(acme, tara, open_browser):
    assert [sign_in(open_browser(acme), tara.email, p).status_code for p in ("", "x")] == [200, 200]


def test_signing_in_leads_back_to_the_page_that_was_asked_for(
    operator, staff, acme, command, open_browser
):
    alice = staff[Role.SUPPORT]
    actions.set_password(command, operator, alice.email, PASSWORD)
    browser = open_browser(operator)
    asked = browser.get("/t/acme/admin/scim/user/").headers["Location"]

    with transaction.atomic(), in_tenant(operator):
        [code, *_] = factors.new_recovery_codes(alice)
        Factor.objects.create(account=alice, kind=Factor.Kind.PASSKEY, name="Alice's phone")

    form = {"username": alice.email, "password": PASSWORD, "next": asked.partition("next=")[2]}
    browser.post(asked, form)
    answer = browser.post("/admin/login/second/", {"code": code}, follow=True)

    assert answer.redirect_chain == [("/t/acme/admin/scim/user/", 302)]
    assert answer.status_code == 200


def test_signing_in_never_leads_to_another_host(acme, tara_with_password, open_browser):
    form = {"username": "tara@acme.example", "password": PASSWORD, "next": "https://evil.example/"}

    answer = open_browser(acme).post("/admin/login/", form)

    assert answer.headers["Location"] == "/admin/"


def test_signing_out_takes_a_post_and_ends_the_session(acme, tara, open_browser):
    browser = open_browser(acme, tara)

    asked = browser.get("/admin/logout/").status_code
    left = browser.post("/admin/logout/")

    assert (asked, left.status_code) == (405, 200)
    assert browser.get("/admin/").status_code == 302


def test_a_changed_password_works_and_is_audited(acme, tara_with_password, open_browser):
    browser = open_browser(acme, tara_with_password)
    new = "a much longer phrase 7"

    answer = browser.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )

    assert answer.headers["Location"] == "/admin/password_change/done/"
    assert browser.get("/admin/password_change/done/").status_code == 200
    assert sign_in(open_browser(acme), "tara@acme.example", new).status_code == 302
    with transaction.atomic(), in_tenant(acme):
        entry = AuditEntry.objects.filter(act="own password changed").get()
    assert (entry.actor, entry.subject) == ("tara@acme.example (acme)", "tara@acme.example")


def test_an_account_that_is_deactivated_is_signed_out(acme, add, command, tara, open_browser):
    second = add(acme, "second@acme.example", Role.ADMIN)
    browser = open_browser(acme, second)
    before = browser.get("/admin/").status_code

    actions.deactivate_account(command, acme, second.email)

    assert (before, browser.get("/admin/").status_code) == (200, 302)


def test_a_visitor_cannot_upload_a_large_form(acme, globex, open_browser, tara_with_password):
    """Django reads a form before the page is asked for, so it must be small before the sign-in."""
    signed_in = open_browser(acme)
    sign_in(signed_in, "tara@acme.example")

    answers = [
        browser.post("/admin/login/", {"file": SimpleUploadedFile("users.csv", bytes(2**21))})
        for browser in (open_browser(acme), open_browser(globex), signed_in)
    ]

    assert [each.status_code for each in answers] == [400, 400, 200]
