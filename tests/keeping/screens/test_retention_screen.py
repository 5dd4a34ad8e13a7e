"""Retention and legal hold on a tenant's page: changed by support leads, seen by all staff."""

import pytest

from accounts.models import AuditEntry
from accounts.permissions import Role
from tenants.current import in_public, in_tenant
from tenants.models import LegalHold, Retention
from tests.support.pages import facts_of, nonce_in


@pytest.fixture
def lead(operator, staff, open_browser):
    return open_browser(operator, staff[Role.SUPPORT_LEAD])


def path(tenant, action="change"):
    return f"/admin/tenants/tenant/{tenant.pk}/{action}/"


def send(browser, tenant, action, **form):
    page = browser.get(path(tenant, action))
    return browser.post(path(tenant, action), form | {"nonce": nonce_in(page)}, follow=True)


def test_the_page_shows_the_default_retention(alice, acme):
    assert facts_of(alice.get(path(acme)), "Retention") == {
        "Changes and history": "13 months",
        "Reads and request bodies": "30 days",
        "Deleted users are erased": "On request",
        "Last pruned": "Never",
        "Legal hold": "None",
    }


def test_a_lead_changes_the_retention(lead, acme, globex):
    page = send(
        lead, acme, "retention", changes_months="25", reads_days="14", erase_after_days="60"
    )

    assert "Retention changed." in page.text
    with in_public():
        (found,) = Retention.objects.all()
    assert (found.tenant, found.changes_months, found.reads_days) == (acme, 25, 14)
    assert found.erase_after_days == 60
    with in_tenant(acme):
        assert AuditEntry.objects.first().act == "retention changed"


def test_reads_are_not_kept_longer_than_changes(lead, acme):
    page = send(lead, acme, "retention", changes_months="1", reads_days="60")

    assert "Reads cannot be kept longer than changes." in page.text
    with in_public():
        assert not Retention.objects.exists()


def test_a_lead_sets_and_lifts_a_legal_hold(lead, acme):
    send(lead, acme, "hold", reason="Case 2026-114")

    held = facts_of(lead.get(path(acme)), "Retention")["Legal hold"]
    assert held.startswith("The whole tenant, since ")
    assert held.endswith("Case 2026-114")
    send(lead, acme, "lift-hold")
    with in_public():
        assert LegalHold.objects.get().lifted_at is not None
    with in_tenant(acme):
        acts = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))
    assert acts[-2:] == ["legal hold set", "legal hold lifted"]


@pytest.mark.parametrize("action", ["retention", "hold", "lift-hold"])
def test_the_support_team_may_not(action, alice, acme):
    assert alice.get(path(acme, action)).status_code == 403
