"""Actions that matter ask for the password again when the last proof is older than ten minutes."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts.models import AuditEntry, SecretToken
from accounts.screens.accounts import AccountAdmin
from accounts.screens.clients import OAuthClientAdmin
from accounts.screens.tenants import TenantAdmin
from accounts.screens.tokens import SecretTokenAdmin
from tenants import clock
from tenants.current import in_tenant
from tests.support import people
from tests.support.pages import nonce_in

MINT = "/t/acme/admin/accounts/secrettoken/add/"
CONFIRM = "/admin/confirm/?next=%2Ft%2Facme%2Fadmin%2Faccounts%2Fsecrettoken%2Fadd%2F"


@pytest.fixture
def moving():
    """A clock that moves only when the test says so."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def mint(browser, acme, nonce):
    account = people.tenant_admin(acme)
    form = {"label": "Entra", "issued_for": account.pk, "expiry": "90", "nonce": nonce}
    return browser.post(MINT, form)


def tokens(acme):
    with transaction.atomic(), in_tenant(acme):
        return SecretToken.objects.count()


def test_a_recent_sign_in_is_proof_enough(acme, staff_client, moving):
    people.tenant_admin(acme)
    moving.shift(timedelta(minutes=9))

    assert staff_client.get(MINT).status_code == 200


def test_later_the_password_is_asked_for_and_leads_on(acme, staff_client, moving, operator):
    people.tenant_admin(acme)
    moving.shift(timedelta(minutes=10))

    asked = staff_client.get(MINT)
    page = staff_client.get(CONFIRM)
    confirmed = staff_client.post(CONFIRM, {"password": people.PASSWORD})

    assert (asked.status_code, asked.headers["Location"]) == (302, CONFIRM)
    assert "Confirm that it is you" in page.text
    assert (confirmed.status_code, confirmed.headers["Location"]) == (302, MINT)
    assert staff_client.get(MINT).status_code == 200
    with transaction.atomic(), in_tenant(operator):
        assert (
            AuditEntry.objects.get(act="identity confirmed").subject == "alice@mypolicies.example"
        )


def test_a_form_that_was_open_too_long_changes_nothing(acme, staff_client, moving):
    people.tenant_admin(acme)
    nonce = nonce_in(staff_client.get(MINT))
    moving.shift(timedelta(minutes=11))

    answer = mint(staff_client, acme, nonce)

    assert (answer.status_code, answer.headers["Location"]) == (302, CONFIRM)
    assert "Nothing changed: confirm that it is you" in staff_client.get(CONFIRM).text
    assert tokens(acme) == 0


def test_a_wrong_password_proves_nothing_and_is_counted(acme, staff_client, moving):
    people.tenant_admin(acme)
    moving.shift(timedelta(minutes=10))

    wrong = [staff_client.post(CONFIRM, {"password": "wrong"}) for _ in range(5)]

    assert [each.status_code for each in wrong] == [200] * 4 + [429]
    assert "This is neither your password nor a code" in wrong[0].text
    assert staff_client.get(MINT).status_code == 302


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_confirming_never_leads_to_another_host(staff_client, way):
    answer = staff_client.post(f"/admin/confirm/?next={way}", {"password": people.PASSWORD})

    assert answer.headers["Location"] == "/admin/"


def test_every_action_on_credentials_and_accounts_asks():
    screens = (SecretTokenAdmin, OAuthClientAdmin, AccountAdmin, TenantAdmin)

    assert [
        each.name for screen in screens for each in screen.action_table if not each.needs_proof
    ] == ["view_as_admin"]  # which takes rights away, for a reason
