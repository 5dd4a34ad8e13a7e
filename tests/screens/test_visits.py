"""Staff open a tenant's screens on the staff host, and nothing gets mixed up by it."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_script_prefix, get_urlconf

from accounts.models import Account, AuditEntry, Session
from accounts.permissions import Role
from scim.screens.users import UserAdmin
from tenants.current import in_tenant
from tests.support.at_screens import JSMITH
from tests.support.installed import needs
from tests.support.pages import nonce_in

USERS = "/t/acme/admin/scim/user/"
_ADDRESS = r"[\w.]+@(?:acme|globex)\.example"


def hrefs(response):
    return set(re.findall(r'(?:href|src|action)="(/[^"]*)"', response.text))


def test_a_visit_shows_the_visited_tenants_users(lena, bjensen, jsmith):
    acme, globex = lena.get(USERS).text, lena.get("/t/globex/admin/scim/user/").text

    assert ["bjensen@acme.example" in acme, "jsmith@globex.example" in acme] == [True, False]
    assert ["bjensen@acme.example" in globex, "jsmith@globex.example" in globex] == [False, True]


def test_every_link_stays_in_the_visit_but_static_files_and_the_ways_back(alice, acme, bjensen):
    pages = [alice.get(path) for path in ("/t/acme/admin/", USERS, f"{USERS}{bjensen.id}/change/")]

    outside = {h for page in pages for h in hrefs(page) if not h.startswith("/t/acme/admin/")}
    assert {h for h in outside if not h.startswith("/static/")} == {
        f"/admin/tenants/tenant/{acme.pk}/change/",
        *("/admin/", "/admin/tenants/tenant/", "/admin/you/", "/admin/logout/"),
    }


def test_the_next_page_after_a_visit_is_staffs_own_again(alice, bjensen):
    alice.get(USERS)

    page = alice.get("/admin/accounts/account/")

    assert "Staff · myPolicies" in page.text
    assert {h for h in hrefs(page) if h.startswith("/t/")} == set()
    assert (get_script_prefix(), get_urlconf()) == ("/", None)


def test_the_header_names_the_visited_tenant(alice, acme):
    page = alice.get("/t/acme/admin/").text

    assert 'title="acme.mypolicies.localhost">Acme Ltd <span' in page
    assert ">Visiting</span>" in page


def test_an_own_host_has_no_way_to_other_tenants(acme, tara, open_browser):
    page = open_browser(acme, tara).get("/admin/").text

    assert "switcher" not in page
    assert "Visiting" not in page


def test_an_account_of_the_tenant_with_the_same_key_is_not_taken_for_the_visitor(
    alice, acme, staff
):
    """The trap of a lazy request.user: read inside the visit, the key names someone else."""
    twin = Account(pk=staff[Role.SUPPORT].pk, email="twin@acme.example", role=Role.MEMBER)
    with transaction.atomic(), in_tenant(acme):
        twin.save(force_insert=True)

    page = alice.get(USERS)

    assert page.status_code == 200
    assert "alice@mypolicies.example" in page.text
    with in_tenant(acme):
        assert set(AuditEntry.objects.values_list("actor", flat=True)) >= {
            "alice@mypolicies.example (staff)"
        }


def test_the_session_is_saved_in_staffs_schema_only(alice, acme, operator, tara):
    alice.get("/t/acme/admin/accounts/secrettoken/add/")

    with in_tenant(operator):
        assert "form_nonces" in Session.objects.get().get_decoded()
    with in_tenant(acme):
        assert not Session.objects.exists()


def test_a_message_of_an_act_is_shown_inside_the_visit_once(alice, minted):
    path = f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/revoke/"
    nonce = nonce_in(alice.get(path))

    first = alice.post(path, {"nonce": nonce}, follow=True)
    second = alice.get("/t/acme/admin/")

    assert ["is revoked" in page.text for page in (first, second)] == [True, False]


def test_a_form_of_a_visit_needs_its_csrf_token(operator, staff, minted, open_browser):
    browser = open_browser(operator, staff[Role.SUPPORT])
    strict = Client(HTTP_HOST=operator.host, enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    path = f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/revoke/"
    page = strict.get(path)
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]

    without = strict.post(path, {"nonce": nonce_in(page)})
    complete = strict.post(path, {"nonce": nonce_in(page), "csrfmiddlewaretoken": token})

    assert (without.status_code, complete.status_code) == (403, 302)


def test_an_error_in_a_visit_leaves_nothing_behind(alice, acme, bjensen, monkeypatch):
    def fail(*_args):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(UserAdmin, "page", fail)
    alice.raise_request_exception = False
    failed = alice.get(f"{USERS}{bjensen.id}/change/")

    after = alice.get("/admin/")

    assert (failed.status_code, after.status_code) == (500, 200)
    assert "Staff · myPolicies" in after.text
    assert (get_script_prefix(), get_urlconf()) == ("/", None)


@pytest.mark.parametrize(
    ("path", "act"),
    [
        ("scim/user/", "user list viewed"),
        ("scim/user/{bjensen}/change/", "user viewed"),
        pytest.param(
            "scim/provisioningevent/", "provisioning log viewed", marks=needs("inspector")
        ),
        ("accounts/secrettoken/", "secret tokens listed"),
        ("accounts/account/", "accounts listed"),
    ],
)
def test_pages_that_staff_open_are_in_the_tenants_audit_log(path, act, alice, acme, bjensen):
    alice.get(f"/t/acme/admin/{path}".format(bjensen=bjensen.id))

    with in_tenant(acme):
        entry = AuditEntry.objects.filter(actor__startswith="alice").get()
    subject = str(bjensen.id) if "bjensen" in path else "acme"
    assert (entry.act, entry.subject, entry.address) == (act, subject, "127.0.0.1")


def test_pages_that_tenant_admins_open_are_not_audited(acme, tara, bjensen, open_browser):
    with in_tenant(acme):
        before = AuditEntry.objects.count()

    open_browser(acme, tara).get("/admin/scim/user/")

    with in_tenant(acme):
        assert AuditEntry.objects.count() == before


def test_another_tenants_rows_are_not_found_on_a_visit(alice, jsmith, minted):
    paths = [
        f"{USERS}{jsmith.id}/change/",
        f"/t/globex/admin/accounts/secrettoken/{minted.token.pk}/change/",
    ]

    assert [alice.get(path).status_code for path in paths] == [404, 404]


def test_an_own_hosts_session_is_no_session_on_another_host(
    acme, globex, operator, tara, open_browser
):
    stolen = open_browser(acme, tara).cookies
    statuses = []
    for tenant in (globex, operator):
        browser = open_browser(tenant)
        browser.cookies = stolen
        statuses.append(browser.get("/admin/").status_code)

    assert statuses == [302, 302]


def test_a_staff_session_is_no_session_on_a_tenants_host(acme, alice, open_browser):
    browser = open_browser(acme)
    browser.cookies = alice.cookies

    assert browser.get("/admin/").status_code == 302


def test_visits_of_two_tenants_by_turns_stay_apart(lena, provision, bjensen, acme, globex):
    provision(globex, JSMITH | {"userName": "bjensen@acme.example"})

    shown = [
        list(dict.fromkeys(re.findall(_ADDRESS, lena.get(f"/t/{name}/admin/scim/user/").text)))
        for name in ("acme", "globex", "acme", "globex")
    ]

    assert shown[0] == shown[2] == ["bjensen@acme.example", "Barbara.Jensen@acme.example"]
    assert shown[1] == shown[3] == ["bjensen@acme.example", "john.smith@globex.example"]
