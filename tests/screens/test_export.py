"""Lists as CSV: what they hold, who may take them away, and what they leave in the audit log."""

import csv
import io
from datetime import timedelta

import pytest

from accounts.console.export import safe
from accounts.models import AuditEntry
from accounts.permissions import Role
from tenants import clock, yielding
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import exported, nonce_in

USERS = "/admin/scim/user/"
VISIT = "/t/acme"


@pytest.fixture
def people(acme, provision, bjensen):
    """bjensen and jsmith of acme."""
    return [bjensen, provision(acme, JSMITH)]


def test_users_are_exported_newest_first(own_host, people):
    answer, (john, barbara) = exported(own_host, USERS)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="users-')
    assert "no-store" in answer.headers["Cache-Control"]
    assert john["userName"] == "jsmith@globex.example"
    moments = {name: barbara.pop(name) for name in ("created", "last modified")}
    assert set(moments.values()) == {people[0].created.isoformat(timespec="seconds")}
    assert barbara == {
        "id": str(people[0].id),
        "userName": "bjensen@acme.example",
        "externalId": BJENSEN["externalId"],
        "state": "Active",
        "displayName": "Barbara Jensen",
        "givenName": "Barbara",
        "familyName": "Jensen",
        "work e-mail": "Barbara.Jensen@acme.example",
        "department": "Tour Operations",
        "manager": "",
        "deleted": "",
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?state=active", ["jsmith@globex.example", "bjensen@acme.example"]),
        ("?state=deleted", []),
        ("?q=barbara", ["bjensen@acme.example"]),
        ("?changed=hour&q=jsmith", ["jsmith@globex.example"]),
    ],
)
def test_the_file_holds_what_filters_and_search_find(query, names, own_host, people):
    _, lines = exported(own_host, USERS + query)

    assert [line["userName"] for line in lines] == names


def test_the_lists_button_keeps_filters_and_search_and_forgets_the_page(own_host, people):
    page = own_host.get(f"{USERS}?state=active&q=barbara&o=1")

    assert f'href="{USERS}export/?state=active&amp;q=barbara"' in page.text


@pytest.mark.usefixtures("people")
def test_an_export_lets_other_requests_go_first_before_each_line(own_host, monkeypatch):
    others = []
    monkeypatch.setattr(yielding, "_give_way", lambda _work: others.append(None))

    exported(own_host, USERS)

    assert len(others) == 2


def test_a_long_list_is_read_chunk_by_chunk_and_complete(
    own_host, acme, provision, monkeypatch, statements
):
    monkeypatch.setattr("accounts.console.export.CHUNK", 3)
    made = [provision(acme, JSMITH | {"userName": f"user{number}"}) for number in range(7)]
    asked = f"{USERS}export/"
    answer = own_host.post(asked, {"nonce": nonce_in(own_host.get(asked))})

    with statements() as executed:
        text = b"".join(answer.streaming_content).decode("utf-8-sig")

    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["id"] for line in lines] == [str(user.id) for user in reversed(made)]
    assert len(executed) == 4  # three chunks, and one that finds nothing more


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text, own_host, acme, provision):
    provision(acme, JSMITH | {"displayName": text})

    _, (line,) = exported(own_host, USERS)

    assert line["displayName"] == f"'{text}"


@pytest.mark.parametrize("text", ["Barbara", "a=b", "", 'say "x", y\nz', "'quoted"])
def test_other_text_stays_as_it_is(text):
    assert safe(text) == text


def test_support_leads_export_and_the_audit_logs_say_so(lena, acme, operator, people):
    exported(lena, f"{VISIT}{USERS}?state=active&q=barbara")

    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="users exported")
    assert entry.actor == "lena@mypolicies.example (staff)"
    assert (entry.subject, entry.details) == ("acme", {"filters": ["state=active"]})
    with in_tenant(operator):
        assert AuditEntry.objects.filter(act="users exported").count() == 1


def test_support_and_auditors_may_not(alice, operator, staff, people, open_browser):
    for browser in (alice, open_browser(operator, staff[Role.AUDITOR])):
        assert browser.get(f"{VISIT}{USERS}export/").status_code == 403
        assert browser.post(f"{VISIT}{USERS}export/").status_code == 403
        assert "export/" not in browser.get(f"{VISIT}{USERS}").text


def test_another_tenants_users_are_in_no_file(globex, gus, people, jsmith, open_browser):
    _, lines = exported(open_browser(globex, gus), USERS)

    assert [line["id"] for line in lines] == [str(jsmith.id)]


def test_the_page_before_says_how_many(own_host, people):
    page = own_host.get(f"{USERS}export/?q=barbara")

    assert "1 user will be exported." in page.text
    assert f'href="{USERS}?q=barbara"' in page.text


def test_the_page_before_counts_up_to_a_limit(own_host, people, monkeypatch):
    monkeypatch.setattr("accounts.console.listing.COUNTED_ROWS", 1)

    assert "More than 1 users are exported." in own_host.get(f"{USERS}export/").text


@pytest.mark.parametrize(
    ("query", "status"), [("?document__userName=x", 400), ("?state=nonsense", 200), ("?p=99", 200)]
)
def test_a_list_that_is_none_is_refused_as_the_list_itself(query, status, own_host, people):
    assert own_host.get(f"{USERS}export/{query}").status_code == status


def test_a_users_deletion_is_in_the_file(own_host, acme, people, remove):
    remove(people[0])

    _, lines = exported(own_host, f"{USERS}?state=deleted")

    (line,) = lines
    assert line["state"] == "Deleted"
    assert line["deleted"] >= (clock.now() - timedelta(minutes=5)).isoformat(timespec="seconds")
