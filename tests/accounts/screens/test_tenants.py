"""Tenants on the staff site: finding one, adding one, suspending and resuming."""

import re

import pytest

from accounts import actions
from accounts.models import Account, AuditEntry
from tenants import resolution
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support.installed import needs
from tests.support.pages import nonce_in, rows_of

LIST = "/admin/tenants/tenant/"


def confirm(browser, path):
    return browser.post(path, {"nonce": nonce_in(browser.get(path))}, follow=True)


def test_the_list_shows_every_customer_and_not_staffs_own_tenant(alice, acme, globex):
    assert [row[1] for row in rows_of(alice.get(LIST))] == ["acme", "globex"]


def test_the_tenant_url_is_a_column_for_those_who_choose_it(alice, acme):
    """A narrow list has the column's name before each value, in the same letters."""
    assert acme.tenant_url not in alice.get(LIST).text

    alice.post(f"{LIST}choose/", {"what": "columns", "columns": ["url"]})

    page = alice.get(LIST).text
    assert f"{acme.tenant_url}</td>" in page
    assert 'data-label="Tenant URL"' in page


@pytest.mark.parametrize("term", ["globex", "GLOBEX", "lobe", "users.globex.example"])
def test_search_finds_by_name_custom_domain_and_host_name(term, alice, acme, globex, command):
    actions.add_host(command, globex, "users.globex.example")

    assert [row[1] for row in rows_of(alice.get(LIST, {"q": term}))] == ["globex"]


@needs("events", "extensions", "guard", "inspector", "monitoring")
def test_a_tenants_page_repeats_nothing_of_its_navigation(alice, acme):
    page = alice.get(f"{LIST}{acme.pk}/change/").text

    behind = page[page.index("<main") :]
    assert re.findall(r'href="(/t/[^"]+)"', behind) == [
        "/t/acme/admin/accounts/secrettoken/add/",
    ]


def test_adding_a_tenant_makes_its_schema_and_its_first_admin(olaf):
    page = olaf.get(LIST + "add/")

    answer = olaf.post(
        LIST + "add/",
        {
            "nonce": nonce_in(page),
            "custom_domain": "Initech",
            "name": "Initech Inc",
            "admin_email": "bill@initech.example",
        },
        follow=True,
    )

    tenant = Tenant.objects.get(custom_domain="initech")
    assert answer.redirect_chain == [(f"{LIST}{tenant.pk}/change/", 302)]
    with in_tenant(tenant):
        assert Account.objects.get().email == "bill@initech.example"


def test_a_custom_domain_that_is_taken_is_refused_in_words(olaf, acme):
    form = {"custom_domain": "acme", "name": "Acme", "admin_email": "a@acme.example"}
    page = olaf.get(LIST + "add/")

    answer = olaf.post(LIST + "add/", form | {"nonce": nonce_in(page)})

    assert answer.status_code == 200
    assert "Not saved." in answer.text
    assert Tenant.objects.filter(custom_domain="acme").count() == 1


def test_a_refused_form_can_be_corrected_and_sent_again(olaf, acme):
    form = {"custom_domain": "acme", "name": "Acme", "admin_email": "a@acme.example"}
    page = olaf.get(LIST + "add/")
    refused = olaf.post(LIST + "add/", form | {"nonce": nonce_in(page)})

    corrected = form | {"custom_domain": "acme-two", "nonce": nonce_in(refused)}
    answer = olaf.post(LIST + "add/", corrected)

    assert answer.status_code == 302


def test_suspending_takes_a_confirmation_and_refuses_the_tenants_requests(
    lena, acme, tara, open_browser
):
    path = f"{LIST}{acme.pk}/suspend/"
    asked = lena.get(path).text
    before = open_browser(acme).get("/admin/login/").status_code

    answer = confirm(lena, path)

    assert "Every request to acme.mypolicies.localhost is refused" in asked
    assert "Acme Ltd is suspended" in answer.text
    assert (before, open_browser(acme).get("/admin/login/").status_code) == (200, 403)


def test_staff_still_visit_a_suspended_tenant_and_are_told(lena, acme):
    confirm(lena, f"{LIST}{acme.pk}/suspend/")

    page = lena.get("/t/acme/admin/scim/user/")

    assert page.status_code == 200
    assert "Acme Ltd is suspended: its provisioning requests are refused." in page.text


def test_resuming_serves_it_again(lena, acme, open_browser):
    confirm(lena, f"{LIST}{acme.pk}/suspend/")

    confirm(lena, f"{LIST}{acme.pk}/resume/")

    assert open_browser(acme).get("/admin/login/").status_code == 200


def test_suspending_and_resuming_are_audited(lena, acme, operator):
    confirm(lena, f"{LIST}{acme.pk}/suspend/")
    confirm(lena, f"{LIST}{acme.pk}/resume/")

    for tenant in (acme, operator):
        with in_tenant(tenant):
            acts = AuditEntry.objects.filter(actor__startswith="lena").values_list("act", flat=True)
            assert list(acts.order_by("id")) == ["tenant suspended", "tenant resumed"]


def test_the_number_of_queries_of_the_list_does_not_grow(
    alice, olaf, acme, globex, command, statements
):
    def queries():
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            alice.get(LIST)
        return len(executed)

    few = queries()
    for number in range(3):
        actions.create_tenant(command, f"more{number}", "More", "more@more.example")

    assert queries() == few
