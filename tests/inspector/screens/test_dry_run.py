"""The dry run on the request's page: who may, what it shows, and what it leaves."""

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from accounts.permissions import Role
from scim.models import ProvisioningEvent, User
from scim.protocol.definitions import USER
from scim.protocol.errors import Uniqueness
from scim.provider import provisioning_log
from scim.provider.provisioning_log import Call
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH, requester
from tests.support.database import contents
from tests.support.pages import facts_of, nonce_in, table_of

LOG = "/t/acme/admin/scim/provisioningevent/"
MOVED = {"Operations": [{"op": "Replace", "path": "name.familyName", "value": "Smith"}]}


@pytest.fixture
def event(acme, bjensen, change):
    """The request that renamed the user, who was renamed again since."""
    change(bjensen, MOVED)
    change(bjensen, {"Operations": [{"op": "Replace", "path": "name.familyName", "value": "Li"}]})
    with in_tenant(acme):
        return ProvisioningEvent.objects.filter(operation="modify").order_by("id")[0]


@pytest.fixture
def refused(acme, minted):
    """Log a refused creation."""

    def record(body):
        call = Call(requester(acme, minted.token), "create", USER, None, body)
        with transaction.atomic(), in_tenant(acme):
            found = provisioning_log.refused(
                call, Uniqueness("user.name-taken", "Another User already has this userName")
            )
            provisioning_log.record(found)
        return found

    return record


def run(browser, event):
    path = f"{LOG}{event.id}/dry-run/"
    return browser.post(path, {"nonce": nonce_in(browser.get(path))})


def test_a_dry_run_shows_what_the_request_would_change_now(lena, event):
    page = run(lena, event)

    assert page.status_code == 200
    assert "This was a dry run: nothing has changed" in page.text
    assert facts_of(page, "Answer now") == {
        "Status now": "200",
        "Status then": "200",
    }
    assert table_of(page, "Sent values and their changes now") == [
        ["Replace: name.familyName", "Smith", "name.familyName", "Li", "Smith"]
    ]


def test_a_dry_run_leaves_nothing_but_the_audit_entry(lena, acme, event):
    before = contents(acme)

    run(lena, event)

    after = contents(acme)
    assert {table for table in after if after[table] != before[table]} == {"accounts_auditentry"}
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="request replayed as a dry run")
    assert (entry.actor, entry.subject) == ("lena@mypolicies.example (staff)", str(event.pk))
    assert entry.details == {"operation": "modify", "status": 200}


def test_support_sees_it_masked(alice, event):
    page = run(alice, event)

    assert table_of(page, "Sent values and their changes now") == [
        ["Replace: name.familyName", "S•••", "name.familyName", "L•••", "S•••"]
    ]


def test_a_refusal_that_would_repeat_is_explained(lena, bjensen, refused):
    page = run(lena, refused(BJENSEN))

    assert facts_of(page, "Answer now")["Status now"] == "409 uniqueness"
    assert facts_of(page, "Why it would be refused")["Explanation"] == "user.name-taken"


def test_a_refusal_whose_cause_is_gone_would_succeed(lena, acme, bjensen, refused, remove):
    event = refused(BJENSEN)
    remove(bjensen)

    page = run(lena, event)

    assert facts_of(page, "Answer now")["Status now"] == "201"
    with in_tenant(acme):
        assert User.objects.filter(deleted_at=None).count() == 0


def test_redaction_is_mentioned_before_and_after_the_dry_run(lena, refused):
    event = refused(JSMITH | {"password": "t1meMa$heen"})

    asked, answered = lena.get(f"{LOG}{event.id}/dry-run/"), run(lena, event)

    for page in (asked, answered):
        assert "[redacted] was sent in their place" in page.text
        assert "t1meMa" not in page.text


def test_a_request_whose_body_was_not_kept_is_not_replayed(lena, refused):
    event = refused({"omitted": "The request's body was too large to keep (70000 bytes)."})

    assert "dry-run" not in lena.get(f"{LOG}{event.id}/change/").text
    assert "Its body is not in the log" in run(lena, event).text


def test_the_button_is_for_those_who_may(lena, alice, operator, staff, event, open_browser):
    auditor = open_browser(operator, staff[Role.AUDITOR])

    shown = ["dry-run/" in b.get(f"{LOG}{event.pk}/change/").text for b in (lena, alice, auditor)]

    assert shown == [True, True, False]


def test_a_tenant_admin_and_an_auditor_may_not(own_host, operator, staff, event, open_browser):
    auditor = open_browser(operator, staff[Role.AUDITOR])
    own = f"/admin/scim/provisioningevent/{event.pk}/dry-run/"

    assert own_host.get(own).status_code == own_host.post(own).status_code == 403
    assert auditor.post(f"{LOG}{event.pk}/dry-run/").status_code == 403


def test_the_request_of_another_tenant_is_not_there(lena, event):
    assert (
        lena.get(f"/t/globex/admin/scim/provisioningevent/{event.pk}/dry-run/").status_code == 404
    )


def test_it_asks_for_a_token_against_forgery(lena, event):
    lena.handler.enforce_csrf_checks = True

    assert lena.post(f"{LOG}{event.pk}/dry-run/").status_code == 403


def test_a_page_that_is_loaded_again_runs_nothing(lena, acme, event):
    path = f"{LOG}{event.pk}/dry-run/"
    nonce = {"nonce": nonce_in(lena.get(path))}

    assert [lena.post(path, nonce).status_code for _ in range(2)] == [200, 409]
    with in_tenant(acme):
        assert AuditEntry.objects.filter(act="request replayed as a dry run").count() == 1
