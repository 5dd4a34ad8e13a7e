"""Deleted users in the list, with when and by whom, and several of them brought back at once."""

import re

import pytest

from accounts.models import AuditEntry
from scim.history import restore_many
from scim.models import User
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.clients import ScimClient
from tests.support.pages import nonce_in, rows_of, table_of

USERS = "/t/acme/admin/scim/user/"
FORM = f"{USERS}restore-many/"


@pytest.fixture
def leavers(acme, provision):
    """Three users of acme, before they leave."""
    bodies = [
        BJENSEN | {"userName": f"{name}@acme.example", "externalId": name, "displayName": name}
        for name in ("ann", "ben", "cleo")
    ]
    return [provision(acme, body) for body in bodies]


@pytest.fixture
def gone(acme, leavers, minted):
    """The ids of the three, whom Entra has deleted with a secret token."""
    entra = ScimClient(acme, minted.value)
    for user in leavers:
        entra.delete(f"/Users/{user.id}")
    return [user.id for user in leavers]


def choices(page):
    return re.findall(r'name="users" value="([^"]+)"', page.text)


def restore(browser, *ids, query="?state=deleted"):
    page = browser.get(FORM + query)
    data = {"nonce": nonce_in(page), "users": [str(each) for each in ids], "with_groups": "on"}
    return browser.post(FORM + query, data)


def present(tenant):
    with in_tenant(tenant):
        return set(User.objects.filter(deleted_at=None).values_list("pk", flat=True))


def test_the_list_of_deleted_users_says_when_and_by_which_credential(lena, gone, minted):
    deleted, others = (lena.get(USERS, {"state": state}) for state in ("deleted", "active"))

    assert all(f"by {minted.token.label}" in " ".join(row) for row in rows_of(deleted))
    assert len(rows_of(deleted)) == 3
    assert "column-deleted" not in others.text


def test_the_list_of_deleted_users_costs_one_statement_more(lena, gone, statements):
    def cost(state):
        with statements() as executed:
            lena.get(USERS, {"state": state})
        return len(executed)

    cost("active")
    assert cost("deleted") == cost("active") + 1


def test_the_button_stands_above_deleted_users_alone_and_keeps_the_search(lena, alice, gone):
    assert f'href="{FORM}?state=deleted&amp;q=ann"' in lena.get(f"{USERS}?state=deleted&q=ann").text
    assert FORM not in lena.get(USERS).text
    assert FORM not in alice.get(f"{USERS}?state=deleted").text
    assert alice.get(FORM).status_code == 403


def test_the_chosen_users_are_back_and_the_others_are_not(lena, acme, gone):
    ann, ben, cleo = gone

    page = restore(lena, ann, cleo)

    assert "<h1>2 of 2 users restored" in page.text
    assert sorted(table_of(page, "Results")) == [["ann", "Restored"], ["cleo", "Restored"]]
    assert present(acme) == {ann, cleo}
    assert ben not in present(acme)


def test_the_audit_log_has_an_entry_for_each(lena, acme, gone):
    restore(lena, *gone)

    with in_tenant(acme):
        entries = AuditEntry.objects.filter(act="user restored")
        assert set(entries.values_list("subject", flat=True)) == {str(each) for each in gone}


def test_a_name_that_is_taken_leaves_that_user_and_restores_the_rest(lena, acme, gone, provision):
    ann, ben, _ = gone
    provision(acme, BJENSEN | {"userName": "ann@acme.example", "externalId": "another"})

    page = restore(lena, ann, ben)

    results = dict(table_of(page, "Results"))
    assert "<h1>1 of 2 users restored" in page.text
    assert results["ben"] == "Restored"
    assert results["ann"].startswith("Another user has its userName now")


def test_a_search_narrows_the_choice(lena, gone):
    assert choices(lena.get(f"{FORM}?state=deleted&q=ann@acme.example")) == [str(gone[0])]
    assert choices(lena.get(f"{FORM}?state=deleted&q=nobody")) == []


def test_no_more_are_offered_than_one_request_restores(lena, gone, monkeypatch):
    monkeypatch.setattr(restore_many, "AT_ONCE", 2)

    assert choices(lena.get(FORM)) == [str(gone[2]), str(gone[1])]


def test_users_that_are_not_offered_are_refused(lena, acme, globex, gone, provision):
    elsewhere = provision(globex, JSMITH)

    for wrong in ("", "no-id", str(elsewhere.id)):
        page = restore(lena, wrong)
        assert "Not saved." in page.text

    assert "Choose at least one user." in restore(lena).text
    assert present(acme) == set()
