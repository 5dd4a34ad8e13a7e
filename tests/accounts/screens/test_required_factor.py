"""A second factor is required of staff, and of a tenant's admins where the tenant says so."""

import re

import pyotp
import pytest
from django.core.management import call_command
from django.db import transaction

from accounts import factors
from accounts.models import AuditEntry, Factor
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.pages import facts_of, nonce_in

YOU = "/admin/you/"
SET_UP = f"{YOU}authenticator/"
ACCOUNTS = "/admin/accounts/account/"


def sign_in(tenant, account):
    browser = clients.client_for(tenant)
    form = {"username": account.email, "password": people.PASSWORD}
    return browser, browser.post("/admin/login/", form)


def set_up(browser):
    page = browser.get(SET_UP)
    [key] = re.findall(r">([A-Z2-7]{32})<", page.text)
    return browser.post(
        SET_UP, {"nonce": nonce_in(page), "code": pyotp.TOTP(key).at(clock.now())}, follow=True
    )


def send(browser, path, **form):
    return browser.post(path, {"nonce": nonce_in(browser.get(path)), **form}, follow=True)


def entries(tenant, act):
    with transaction.atomic(), in_tenant(tenant):
        return list(AuditEntry.objects.filter(act=act).values_list("subject", "details"))


def with_factor(tenant, account):
    with transaction.atomic(), in_tenant(tenant):
        Factor.objects.create(account=account, kind=Factor.Kind.CODES, name="Authenticator app")
        factors.new_recovery_codes(account)


@pytest.mark.parametrize("path", ["/admin/", "/admin/tenants/tenant/", "/t/acme/admin/", "/"])
def test_staff_without_one_set_it_up_before_they_see_anything(operator, acme, path):
    browser, answer = sign_in(operator, people.support_staff(operator))
    led = browser.get(path)
    page = browser.get(YOU)

    done = set_up(browser)

    assert answer.headers["Location"] == led.headers["Location"] == YOU
    assert "Your account needs a second factor." in page.text
    assert "None yet." in page.text
    assert "your password alone lets you in" not in page.text
    assert "Store these codes" in done.text
    assert browser.get("/admin/tenants/tenant/").status_code == 200


def test_tenant_admins_need_none_until_the_tenant_says_so(acme, globex, own_host, tara):
    other = people.tenant_admin(globex)
    done = send(own_host, f"{ACCOUNTS}require-factor/")

    assert done.redirect_chain[-1][0] == YOU
    assert entries(acme, "second factor required") == [("acme", {})]
    assert sign_in(globex, other)[1].headers["Location"] == "/admin/"


def test_admins_without_one_are_signed_out_when_it_is_required(acme, add, own_host, open_browser):
    without, having = (add(acme, f"{name}@acme.example", Role.ADMIN) for name in ("nora", "hal"))
    with_factor(acme, having)
    browsers = [open_browser(acme, account) for account in (without, having)]

    send(own_host, f"{ACCOUNTS}require-factor/")

    assert [each.get("/admin/").status_code for each in browsers] == [302, 200]


def test_a_tenant_stops_requiring_it(acme, own_host, tara):
    with_factor(acme, tara)
    send(own_host, f"{ACCOUNTS}require-factor/")

    done = send(own_host, f"{ACCOUNTS}stop-requiring-factor/")

    assert "A password is enough again." in done.text
    assert entries(acme, "second factor no longer required") == [("acme", {})]


def test_the_last_one_cannot_be_removed_while_it_is_required(acme, own_host, tara):
    with_factor(acme, tara)
    send(own_host, f"{ACCOUNTS}require-factor/")
    with transaction.atomic(), in_tenant(acme):
        factor = Factor.objects.get()

    answer = send(own_host, f"{YOU}remove-factor/", factor=factor.pk)

    assert "A second factor is required here" in answer.text
    with transaction.atomic(), in_tenant(acme):
        assert Factor.objects.exists()


def test_support_resets_a_lost_factor_with_a_reason(acme, tara, alice, operator, own_host):
    with_factor(acme, tara)
    path = f"/t/acme{ACCOUNTS}{tara.pk}/"
    before = facts_of(alice.get(f"{path}change/"), "Account")["Second factor"]

    done = send(alice, f"{path}reset-factors/", reason="Ticket 4711, called back")

    details = {"factors": 1, "reason": "Ticket 4711, called back"}
    assert before == "Authenticator app"
    assert "tara@acme.example has no second factor any more." in done.text
    assert own_host.get("/admin/").status_code == 302
    assert entries(acme, "second factors reset") == [(tara.email, details)]
    assert entries(operator, "second factors reset") == [
        (tara.email, {"tenant": "acme", **details})
    ]


def test_a_reset_without_a_reason_changes_nothing(acme, tara, alice):
    with_factor(acme, tara)

    send(alice, f"/t/acme{ACCOUNTS}{tara.pk}/reset-factors/", reason="  ")

    with transaction.atomic(), in_tenant(acme):
        assert Factor.objects.exists()


def test_an_operator_resets_factors_of_staff_by_command(operator, acme):
    account = people.support_staff(operator)
    with_factor(operator, account)

    call_command("account", "reset-factors", "admin", account.email, "--reason", "Ticket 4711")

    details = {"factors": 1, "reason": "Ticket 4711"}
    assert entries(operator, "second factors reset") == [(account.email, details)]
