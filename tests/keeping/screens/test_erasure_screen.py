"""Erasure and legal hold on a user's page: asked for by leads, with a reason and a second look."""

import pytest

from accounts.models import AuditEntry
from accounts.permissions import Role
from scim.keeping import erasing
from tenants.current import in_public, in_tenant
from tenants.models import Erasure, LegalHold
from tests.support import database
from tests.support.pages import facts_of, nonce_in


@pytest.fixture
def lead(operator, staff, open_browser):
    return open_browser(operator, staff[Role.SUPPORT_LEAD])


@pytest.fixture
def gone(bjensen, remove):
    """A user whom Entra has deleted."""
    remove(bjensen)
    return bjensen


def path(user, action="change"):
    return f"/t/acme/admin/scim/user/{user.id}/{action}/"


def send(browser, user, action, **form):
    page = browser.get(path(user, action))
    return browser.post(path(user, action), form | {"nonce": nonce_in(page)}, follow=True)


def test_a_lead_sees_the_rows_to_be_erased_and_confirms_by_the_id(lead, gone, acme):
    page = lead.get(path(gone, "erase"))
    assert int(facts_of(page, "To be erased")["Requests in the log"]) >= 1

    wrong = send(lead, gone, "erase", reason="Request 31", days="0", confirmation="no")
    assert "This is not the id of this user." in wrong.text
    done = send(lead, gone, "erase", reason="Request 31", days="0", confirmation=str(gone.id))

    assert "Erasure planned." in done.text
    assert "will be erased after" in done.text
    with in_public():
        (planned,) = Erasure.objects.all()
    assert (planned.tenant, planned.user_id, planned.reason) == (acme, gone.id, "Request 31")


def test_the_page_of_an_erased_user_shows_the_record_alone(lead, gone, acme):
    send(lead, gone, "erase", reason="Request 31", days="0", confirmation=str(gone.id))
    with database.owned():
        while erasing.advance(acme):
            pass

    page = lead.get(path(gone))

    assert "The personal data of this user have been erased." in page.text
    assert "bjensen" not in page.text
    assert "Barbara" not in page.text
    assert lead.get("/t/acme/admin/scim/user/?state=deleted").status_code == 200
    assert lead.get(path(gone, "then")).status_code == 200


def test_a_lead_withdraws_an_erasure(lead, gone, acme):
    send(lead, gone, "erase", reason="Request 31", days="7", confirmation=str(gone.id))

    send(lead, gone, "withdraw-erasure")

    with in_public():
        assert Erasure.objects.get().outcome == "Withdrawn."
    with in_tenant(acme):
        assert AuditEntry.objects.filter(act="erasure withdrawn").exists()


def test_a_lead_holds_a_user(lead, gone):
    send(lead, gone, "hold", reason="Case 2026-114")

    page = lead.get(path(gone))
    assert facts_of(page, "Retention")["Legal hold"].endswith("Case 2026-114")
    assert "Erase personal data" not in page.text
    send(lead, gone, "lift-hold")
    with in_public():
        assert LegalHold.objects.get().lifted_at is not None


def test_a_user_that_entra_provisions_offers_no_erasure(lead, bjensen):
    assert "Erase personal data" not in lead.get(path(bjensen)).text


@pytest.mark.parametrize("action", ["erase", "withdraw-erasure", "hold", "lift-hold"])
def test_others_may_not(action, alice, gone):
    assert alice.get(path(gone, action)).status_code == 403
