"""Accounts: those of staff on the staff site, those of a tenant on a visit; operators change them."""

import pytest
from django.db import transaction

from accounts.models import Account, AuditEntry
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support.pages import nonce_in
from tests.support.people import PASSWORD

STAFF = "/admin/accounts/account/"
OF_ACME = "/t/acme/admin/accounts/account/"


def send(browser, path, **form):
    return browser.post(path, form | {"nonce": nonce_in(browser.get(path))}, follow=True)


def account(tenant, email):
    with transaction.atomic(), in_tenant(tenant):
        return Account.objects.get(email=email)


def test_each_site_lists_its_own_accounts(olaf, acme, tara):
    staff, of_acme = olaf.get(STAFF).text, olaf.get(OF_ACME).text

    assert ["alice@mypolicies.example" in page for page in (staff, of_acme)] == [True, False]
    assert ["tara@acme.example" in page for page in (staff, of_acme)] == [False, True]


@pytest.mark.parametrize("query", ["password__startswith=x", "nothing=1", "_to_field=x"])
def test_a_list_that_nobody_has_is_a_bad_request_and_no_error_is_logged(query, olaf, acme, caplog):
    statuses = [olaf.get(f"{path}?{query}").status_code for path in (STAFF, OF_ACME)]

    assert statuses == [400, 400]
    logged = {(each.name, each.levelname, each.exc_info) for each in caplog.records}
    assert logged == {("mypolicies.requests", "INFO", None)}


@pytest.mark.parametrize(
    ("path", "role", "email"),
    [(STAFF, Role.AUDITOR, "new@mypolicies.example"), (OF_ACME, Role.ADMIN, "new@acme.example")],
)
def test_an_operator_adds_an_account(path, role, email, olaf, acme, operator):
    answer = send(olaf, f"{path}add/", email=email, name="New", role=role.value)

    made = account(operator if path == STAFF else acme, email)
    assert (made.role, made.name) == (role, "New")
    assert answer.redirect_chain == [(f"{path}{made.pk}/change/", 302)]


def test_a_tenants_account_cannot_get_a_staff_role(olaf, acme):
    answer = send(olaf, f"{OF_ACME}add/", email="new@acme.example", name="", role="operator")

    assert "Not saved." in answer.text
    with in_tenant(acme):
        assert not Account.objects.filter(email="new@acme.example").exists()


def test_an_address_that_has_an_account_is_refused_in_words(olaf, acme, tara):
    answer = send(olaf, f"{OF_ACME}add/", email=tara.email, name="", role="admin")

    assert "has an account tara@acme.example already" in answer.text


def test_an_operator_sets_a_password(olaf, acme, tara):
    path = f"{OF_ACME}{tara.pk}/password/"

    weak = send(olaf, path, password="short")
    send(olaf, path, password=PASSWORD)

    assert "too short" in weak.text
    assert PASSWORD not in weak.text
    assert account(acme, tara.email).check_password(PASSWORD)


def test_deactivating_and_reactivating_take_a_confirmation_and_are_audited(olaf, acme, add, tara):
    other = add(acme, "other@acme.example", Role.ADMIN)

    asked = olaf.get(f"{OF_ACME}{other.pk}/deactivate/").text
    send(olaf, f"{OF_ACME}{other.pk}/deactivate/")
    gone = account(acme, other.email).is_active
    send(olaf, f"{OF_ACME}{other.pk}/reactivate/")

    assert "secret tokens issued for this account are refused" in asked
    assert (gone, account(acme, other.email).is_active) == (False, True)
    with in_tenant(acme):
        acts = AuditEntry.objects.filter(subject=other.email, actor__startswith="olaf")
        assert list(acts.order_by("id").values_list("act", flat=True)) == [
            "account deactivated",
            "account reactivated",
        ]


def test_the_last_admin_of_a_tenant_cannot_be_deactivated(olaf, acme, tara):
    answer = send(olaf, f"{OF_ACME}{tara.pk}/deactivate/")

    assert "tara@acme.example is the last active tenant admin" in answer.text
    assert account(acme, tara.email).is_active


def test_search_finds_an_account_by_address(olaf, acme, add, tara):
    add(acme, "other@acme.example", Role.ADMIN)

    page = olaf.get(OF_ACME, {"q": "TARA"}).text

    assert ["tara@acme.example" in page, "other@acme.example" in page] == [True, False]
