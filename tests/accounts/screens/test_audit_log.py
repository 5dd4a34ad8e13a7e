"""The audit log on the screens: actions apart from looks, by whom and when, and a tenant's own."""

from datetime import timedelta

import pytest
import time_machine

from accounts.actions.performing import note
from accounts.audit import Actor
from accounts.models import AuditEntry
from tenants import clock
from tenants.current import in_tenant
from tests.support.pages import exported, facts_of, rows_of, view_as_admin

LIST = "/admin/accounts/auditentry/"
STAFF = Actor("alice@mypolicies.example (staff)", "203.0.113.9")
OWN = "tara@acme.example (acme)"


def entries(browser, query="", prefix=""):
    """Act, subject, actor and reason of the rows."""
    return [row[1:] for row in rows_of(browser.get(f"{prefix}{LIST}?{query}"))]


@pytest.fixture
def written(acme, command):
    """An action of each kind of actor in acme's log, and two looks of staff; nothing before."""
    with in_tenant(acme):
        tara = Actor(OWN, "198.51.100.7", tenant_id=acme.id)
        note(tara, acme, "guard changed", "acme", {})
        note(command, acme, "host added", "scim.acme.example", {})
        note(STAFF, acme, "view as tenant admin started", "acme", {"reason": "Ticket 4711"})
        note(STAFF, acme, "user list viewed", "acme", {})
        note(STAFF, acme, "user viewed", "01a227b0-0000-7000-8000-000000000001", {})


def acts(browser, query="", prefix=""):
    return [row[0] for row in entries(browser, query, prefix)][:3]


def test_actions_come_first_and_looks_are_apart(own_host, written):
    assert acts(own_host) == ["view as tenant admin started", "host added", "guard changed"]
    assert acts(own_host, "kind=views")[:2] == ["user viewed", "user list viewed"]
    assert acts(own_host, "kind=all")[:2] == ["user viewed", "user list viewed"]


def test_a_tenant_admin_sees_which_staff_looked_and_why(own_host, written):
    assert entries(own_host)[0] == [
        *("view as tenant admin started", "acme", STAFF.name, "Ticket 4711"),
    ]


def test_a_view_as_tenant_admin_is_there_with_its_pages(own_host, alice, acme):
    view_as_admin(alice, acme, reason="Ticket 4712")
    alice.get("/t/acme/admin/scim/user/")

    assert entries(own_host)[0][3] == "Ticket 4712"
    assert acts(own_host, "kind=views")[0] == "user list viewed"


def test_entries_are_filtered_by_who_acted(own_host, written):
    assert acts(own_host, "by=staff")[0] == "view as tenant admin started"
    assert acts(own_host, "by=command")[0] == "host added"
    assert acts(own_host, "by=own") == ["guard changed"]


def test_entries_are_filtered_by_period(own_host, acme, written):
    with in_tenant(acme), time_machine.travel(clock.now() - timedelta(days=6)):
        note(STAFF, acme, "tenant suspended", "acme", {})

    assert "tenant suspended" not in acts(own_host, "period=day")
    assert acts(own_host, "period=week")[0] == "tenant suspended"


def test_entries_are_searched(own_host, written):
    assert acts(own_host, "q=GUARD") == ["guard changed"]
    assert acts(own_host, "q=nobody") == []


def test_a_subject_leads_to_its_page(own_host, written):
    page = own_host.get(f"{LIST}?kind=views").text

    assert 'href="/admin/scim/user/01a227b0-0000-7000-8000-000000000001/change/"' in page


def test_a_subject_without_a_page_on_the_site_is_text(olaf, written):
    page = olaf.get(f"{LIST}?kind=views").text

    assert "01a227b0-0000-7000-8000-000000000001" in page
    assert "/admin/scim/user/" not in page


def test_the_address_of_staff_is_shown_to_staff_alone(own_host, alice, acme, written):
    with in_tenant(acme):
        by_staff = AuditEntry.objects.filter(act="view as tenant admin started").latest("id")
        own = AuditEntry.objects.filter(act="guard changed").latest("id")

    def address(browser, entry, prefix=""):
        page = browser.get(f"{prefix}{LIST}{entry.pk}/change/")
        return facts_of(page, "Entry")["From address"]

    assert address(own_host, by_staff) == "-"
    assert address(own_host, own) == "198.51.100.7"
    assert address(alice, by_staff, "/t/acme") == "203.0.113.9"


def test_the_log_is_exported_as_it_is_filtered(own_host, written):
    _, lines = exported(own_host, f"{LIST}?by=staff")

    assert [(each["act"], each["address"], each["details"]) for each in lines][:1] == [
        ("view as tenant admin started", "", "reason: Ticket 4711"),
    ]


def test_an_auditor_exports_it_and_support_does_not(alice, staff, operator, open_browser, written):
    auditor = open_browser(operator, staff["auditor"])

    assert exported(auditor, f"/t/acme{LIST}?by=command")[1][0]["act"] == "host added"
    assert alice.get(f"/t/acme{LIST}export/").status_code == 403


def test_the_log_of_another_tenant_is_not_there(own_host, globex, written):
    with in_tenant(globex):
        note(STAFF, globex, "host added", "scim.globex.example", {})
        theirs = AuditEntry.objects.latest("id")

    assert "globex" not in own_host.get(LIST).text
    answer = own_host.get(f"{LIST}?q=globex")
    assert rows_of(answer) == []
    assert theirs.subject == "scim.globex.example"
