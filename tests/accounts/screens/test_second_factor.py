"""The second factor: an authenticator app set up on one's own page, asked for after the password."""

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from django.db import transaction

from accounts.models import AuditEntry, Factor, RecoveryCode
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.pages import nonce_in, table_of

YOU = "/admin/you/"
SET_UP = f"{YOU}authenticator/"


@pytest.fixture(autouse=True)
def moving():
    """A clock that moves only when the test says so."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def code_now(key):
    return pyotp.TOTP(key).at(clock.now())


def set_up(browser):
    """The key of the app, and the recovery codes."""
    page = browser.get(SET_UP)
    [key] = re.findall(r">([A-Z2-7]{32})<", page.text)
    done = browser.post(SET_UP, {"nonce": nonce_in(page), "code": code_now(key)}, follow=True)
    shown = done.text.partition('id="recovery-codes"')[2]
    return key, re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", shown)


def password(tenant, **extra):
    browser = clients.client_for(tenant)
    form = {"username": "tara@acme.example", "password": people.PASSWORD, **extra}
    return browser, browser.post("/admin/login/", form)


def acts(tenant):
    with transaction.atomic(), in_tenant(tenant):
        return [(each.act, each.details) for each in AuditEntry.objects.order_by("id")]


def test_an_app_is_set_up_with_a_code_and_shows_recovery_codes_once(acme, admin_client):
    browser = admin_client(acme)

    page = browser.get(SET_UP)
    _, codes = set_up(browser)

    assert "<svg" in page.text
    assert len(set(codes)) == 10
    assert not any(code in browser.get(YOU).text for code in codes)
    rows = table_of(browser.get(YOU), "Second factor")
    assert [row[0] for row in rows] == ["Authenticator app", "10 recovery codes"]
    assert acts(acme)[-1] == (
        "second factor added",
        {"factor": "Authenticator app: Authenticator app"},
    )


def test_after_the_password_the_code_is_asked_for_and_leads_on(acme, admin_client, moving):
    key, _ = set_up(admin_client(acme))
    moving.shift(timedelta(seconds=60))

    browser, first = password(acme, next="/admin/scim/user/")
    before = browser.get("/admin/").status_code
    second = browser.post(first.headers["Location"], {"code": code_now(key)})

    assert (first.headers["Location"], before) == ("/admin/login/second/", 302)
    assert second.headers["Location"] == "/admin/scim/user/"
    assert browser.get("/admin/").status_code == 200
    assert acts(acme)[-1] == ("signed in", {"method": "authenticator app"})


def test_a_code_lets_in_once(acme, admin_client, moving):
    key, _ = set_up(admin_client(acme))
    at_once = password(acme)[0].post("/admin/login/second/", {"code": code_now(key)})
    moving.shift(timedelta(seconds=30))
    answers = [
        password(acme)[0].post("/admin/login/second/", {"code": code_now(key)}) for _ in "ab"
    ]

    assert at_once.status_code == 200
    assert [each.status_code for each in answers] == [302, 200]
    assert "This code does not work." in answers[1].text


def test_a_recovery_code_lets_in_once(acme, admin_client):
    _, codes = set_up(admin_client(acme))
    typed = codes[3].upper().replace("-", " ")

    answers = [password(acme)[0].post("/admin/login/second/", {"code": typed}) for _ in "ab"]

    assert [each.status_code for each in answers] == [302, 200]
    assert ("signed in", {"method": "recovery code"}) in acts(acme)


def test_wrong_codes_are_counted_like_wrong_passwords(acme, admin_client, moving):
    set_up(admin_client(acme))
    browser, _ = password(acme)

    answers = [browser.post("/admin/login/second/", {"code": "abcde-fghij"}) for _ in range(5)]

    assert [each.status_code for each in answers] == [200] * 4 + [429]
    assert password(acme)[1].status_code == 429


def test_the_second_page_is_only_for_those_who_proved_the_password(acme, client_for, admin_client):
    key, _ = set_up(admin_client(acme))

    answer = client_for(acme).post("/admin/login/second/", {"code": code_now(key)})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/")


@pytest.mark.parametrize("change", ["ten minutes", "another password"])
def test_the_password_counts_for_ten_minutes_and_while_it_is_the_password(
    acme, admin_client, moving, change
):
    key, _ = set_up(admin_client(acme))
    moving.shift(timedelta(seconds=60))
    browser, _ = password(acme)
    if change == "ten minutes":
        moving.shift(timedelta(minutes=10))
    else:
        account = people.tenant_admin(acme)
        account.set_password("another long phrase 9")
        with transaction.atomic(), in_tenant(acme):
            account.save()

    answer = browser.post("/admin/login/second/", {"code": code_now(key)})

    assert answer.headers["Location"] == "/admin/login/"


def test_a_factor_of_one_tenant_is_none_in_another(acme, globex, admin_client):
    set_up(admin_client(acme))

    answer = clients.client_for(globex)
    people.tenant_admin(globex)
    form = {"username": "tom@globex.example", "password": people.PASSWORD}

    assert answer.post("/admin/login/", form).headers["Location"] == "/admin/"


def test_a_wrong_code_sets_nothing_up(acme, admin_client):
    browser = admin_client(acme)

    answer = browser.post(SET_UP, {"nonce": nonce_in(browser.get(SET_UP)), "code": "000000"})

    assert "This is not the code that the app shows now." in answer.text
    with transaction.atomic(), in_tenant(acme):
        assert not Factor.objects.exists()


def test_another_factor_ends_the_other_sessions(acme, admin_client):
    other, browser = admin_client(acme), admin_client(acme)

    set_up(browser)

    assert [each.get("/admin/").status_code for each in (other, browser)] == [302, 200]


def test_new_recovery_codes_replace_the_former_ones(acme, admin_client):
    browser = admin_client(acme)
    _, former = set_up(browser)
    path = f"{YOU}recovery-codes/"

    page = browser.post(path, {"nonce": nonce_in(browser.get(path))})

    assert "Store these codes" in page.text
    answer = password(acme)[0].post("/admin/login/second/", {"code": former[0]})
    assert "This code does not work." in answer.text


def test_with_the_last_factor_its_recovery_codes_end(acme, admin_client):
    browser = admin_client(acme)
    set_up(browser)
    path = f"{YOU}remove-factor/"
    with transaction.atomic(), in_tenant(acme):
        factor = Factor.objects.get()

    browser.post(path, {"nonce": nonce_in(browser.get(path)), "factor": factor.pk})

    with transaction.atomic(), in_tenant(acme):
        assert not RecoveryCode.objects.exists()
    assert password(acme)[1].headers["Location"] == "/admin/"


def test_neither_key_nor_codes_are_stored_in_clear(acme, admin_client):
    key, codes = set_up(admin_client(acme))

    with transaction.atomic(), in_tenant(acme):
        stored = str(list(Factor.objects.values())) + str(list(RecoveryCode.objects.values()))
        stored += str(list(AuditEntry.objects.values()))

    assert not any(secret in stored for secret in (key, *codes))


def test_a_code_confirms_that_it_is_you(acme, admin_client, moving):
    browser = admin_client(acme)
    key, _ = set_up(browser)
    moving.shift(timedelta(minutes=11))

    answer = browser.post("/admin/confirm/?next=/admin/you/", {"password": code_now(key)})

    assert answer.headers["Location"] == YOU
    assert acts(acme)[-1] == ("identity confirmed", {"method": "authenticator app"})
