"""Open problems on the screens: both overviews, the list, one problem, mute and unmute."""

import html
from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from accounts.permissions import Role
from scim.problems import ledger
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Problem
from tests.support.database import statements
from tests.support.pages import facts_of, nonce_in, rows_of, table_of
from tests.support.payloads import patch, user

LIST = "/admin/tenants/problem/"
NO_MAIL = patch({"op": "remove", "path": "emails"})


@pytest.fixture
def refused(acme, bjensen, scim):
    """The problem of bjensen, whose work e-mail is to be removed."""
    scim(acme).patch(f"/Users/{bjensen.id}", NO_MAIL)
    ledger.flush()
    with in_public():
        return Problem.objects.get()


@pytest.fixture
def never_created(globex, scim):
    """The problem of grace at globex, who has no e-mail."""
    body = {name: value for name, value in user("grace").items() if name != "emails"}
    scim(globex).post("/Users", body)
    ledger.flush()
    with in_public():
        return Problem.objects.get(tenant=globex)


def send(browser, path, **form):
    return browser.post(path, form | {"nonce": nonce_in(browser.get(path))}, follow=True)


def titles(page):
    return [row[0] for row in rows_of(page)]


def test_the_overview_of_the_tenant_leads_with_its_problems(own_host, refused):
    page = own_host.get("/admin/")

    ((problem, affected, *_, remedy),) = table_of(page, "Open problems")
    assert (problem, affected) == ("No work e-mail", "1")
    assert remedy.startswith("Map emails")
    assert page.text.index("<h2>Open problems") < page.text.index('<dl class="stats">')


def test_the_overview_of_staff_has_those_of_all_tenants(alice, refused, never_created):
    found = table_of(alice.get("/admin/"), "Open problems")
    whole = table_of(alice.get("/admin/problems/"), "Open problems")

    assert sorted(row[:3] for row in found) == [
        ["Acme Ltd", "No work e-mail", "1"],
        ["Globex Inc", "No work e-mail", "1"],
    ]
    assert sorted(found) == sorted(whole)


def test_overviews_without_problems_say_so(alice, own_host):
    for browser in (alice, own_host):
        assert "No open problems" in browser.get("/admin/").text


def test_the_list_says_in_words_what_was_refused(own_host, refused):
    assert titles(own_host.get(LIST)) == ["Update of Barbara Jensen refused: no work e-mail"]


def test_one_who_was_never_created_is_called_as_in_the_request(
    globex, gus, open_browser, never_created
):
    browser = open_browser(globex, gus)

    (title,) = titles(browser.get(LIST))
    page = browser.get(f"{LIST}{never_created.pk}/change/")

    assert title.startswith("Creation of grace")
    assert html.escape(title) in page.text
    assert len(table_of(page, "Its requests")) == 1


def test_staff_without_personal_data_see_the_name_masked(alice, refused):
    page = alice.get(f"/t/acme{LIST}")

    assert titles(page) == ["Update of B••• refused: no work e-mail"]
    assert "Jensen" not in page.text


def test_a_tenant_sees_its_own_problems_only(own_host, refused, never_created):
    assert len(titles(own_host.get(LIST))) == 1
    assert own_host.get(f"{LIST}{never_created.pk}/change/").status_code == 404


def test_the_page_has_the_remedy_and_the_requests(own_host, refused):
    page = own_host.get(f"{LIST}{refused.pk}/change/")

    facts = facts_of(page, "Remedy")
    (request,) = table_of(page, "Its requests")
    assert facts["Remedy"].startswith("Map emails")
    assert "Synchronize Microsoft Entra users" in facts["Place"]
    assert request[1] == refused.request_id
    assert "Still failing" in page.text


def test_the_newest_ten_requests_are_in_sight_and_the_others_fold(
    own_host, acme, bjensen, scim, refused
):
    for _ in range(11):
        scim(acme).patch(f"/Users/{bjensen.id}", NO_MAIL)

    page = own_host.get(f"{LIST}{refused.pk}/change/").text

    in_sight, fold, folded = page.partition("Its requests</h2>")[2].partition("<summary>2 more")
    assert fold
    assert [part.count("is missing. myPolicies") for part in (in_sight, folded)] == [10, 2]


def test_the_users_page_leads_with_it(own_host, bjensen, refused):
    page = own_host.get(f"/admin/scim/user/{bjensen.id}/change/").text

    assert "Update refused just now: no work e-mail." in page
    assert f"{LIST}{refused.pk}/change/" in page


def test_staffs_page_of_the_tenant_leads_with_it(alice, acme, refused):
    page = alice.get(f"/admin/tenants/tenant/{acme.pk}/change/").text

    assert "1 user or group is refused: no work e-mail." in page
    assert f"/t/acme{LIST}" in page


def test_a_later_change_that_succeeds_is_listed_as_resolved(own_host, acme, bjensen, scim, refused):
    scim(acme).patch(
        f"/Users/{bjensen.id}", patch({"op": "replace", "path": "title", "value": "x"})
    )
    ledger.flush()

    assert titles(own_host.get(LIST)) == []
    assert [row[1] for row in rows_of(own_host.get(f"{LIST}?state=settled"))] == ["Resolved"]
    assert "No open problems" in own_host.get("/admin/").text


def test_a_problem_that_is_no_longer_sent_leaves_the_overview(own_host, refused):
    with in_public():
        Problem.objects.update(last_at=clock.now() - timedelta(days=8))

    assert titles(own_host.get(LIST)) == []
    assert [row[1] for row in rows_of(own_host.get(f"{LIST}?state=quiet"))] == ["No longer sent"]


def test_a_reason_filters_the_list(own_host, refused):
    assert len(titles(own_host.get(f"{LIST}?reason=user.email-missing"))) == 1
    assert titles(own_host.get(f"{LIST}?reason=user.name-taken")) == []


def test_muting_takes_a_reason_and_leaves_the_overview(own_host, acme, refused):
    path = f"{LIST}{refused.pk}/mute/"

    without = send(own_host, path, reason="")
    answer = send(own_host, path, reason="Ticket 4711")

    assert "Not saved." in without.text
    assert facts_of(answer, "Muted")["Reason"] == "Ticket 4711"
    assert "No open problems" in own_host.get("/admin/").text
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="problem muted")
    assert entry.details == {"reason": "Ticket 4711"}


def test_a_muted_problem_can_be_unmuted(own_host, refused):
    send(own_host, f"{LIST}{refused.pk}/mute/", reason="Ticket 4711")

    send(own_host, f"{LIST}{refused.pk}/unmute/")

    assert len(titles(own_host.get(LIST))) == 1


def test_it_is_muted_once(own_host, refused):
    path = f"{LIST}{refused.pk}/mute/"
    first, second = (nonce_in(own_host.get(path)) for _ in range(2))
    own_host.post(path, {"nonce": first, "reason": "one"})

    answer = own_host.post(path, {"nonce": second, "reason": "two"})

    assert "muted already" in answer.text
    with in_public():
        assert Problem.objects.get().muted_reason == "one"


def test_a_tenant_cannot_mute_anothers_problem(own_host, never_created):
    assert own_host.get(f"{LIST}{never_created.pk}/mute/").status_code == 404
    assert own_host.post(f"{LIST}{never_created.pk}/mute/", {"reason": "x"}).status_code == 404


def test_an_auditor_sees_problems_and_mutes_none(operator, add, open_browser, refused):
    browser = open_browser(operator, add(operator, "aude@mypolicies.example", Role.AUDITOR))

    assert len(titles(browser.get(f"/t/acme{LIST}"))) == 1
    assert browser.get(f"/t/acme{LIST}{refused.pk}/mute/").status_code == 403


def test_a_tenant_admin_does_not_reach_the_page_of_all_tenants(own_host):
    assert own_host.get("/admin/problems/").status_code == 404


def test_a_look_of_staff_is_in_the_audit_log(alice, acme, refused):
    alice.get(f"/t/acme{LIST}{refused.pk}/change/")

    with in_tenant(acme):
        assert AuditEntry.objects.filter(act="problem viewed").count() == 1


def test_the_list_costs_the_same_whatever_it_lists(own_host, acme, scim, refused):
    def cost():
        with statements() as executed:
            own_host.get(LIST)
        return len(executed)

    one = cost()
    for number in range(5):
        body = {k: v for k, v in user(f"user{number}").items() if k != "emails"}
        scim(acme).post("/Users", body)
    ledger.flush()

    assert len(titles(own_host.get(LIST))) == 6
    assert cost() <= one + 1


# --- the search for somebody who is not there -----------------------------------------------------

GRACE = user("grace")["userName"]
SEARCH = "/admin/search/"


def test_staff_come_from_the_name_of_one_who_was_never_created_to_the_reason(
    alice, operator, acme, never_created
):
    """Grace is not in the application, why: no user is to be found, yet a refusal is."""
    answer = alice.get(SEARCH, {"q": GRACE.upper()})

    path = f"/t/globex/admin/tenants/problem/{never_created.pk}/change/"
    assert (answer.status_code, answer.headers.get("Location")) == (302, path)
    with in_tenant(operator):
        entry = AuditEntry.objects.get(act="found across tenants")
    assert entry.details == {"tenants": ["globex"], "found": ["Open problems"]}


def test_a_tenant_finds_its_own_and_nobody_elses(own_host, acme, globex, scim, never_created):
    elsewhere = own_host.get(SEARCH, {"q": GRACE}).text
    body = {name: value for name, value in user("grace").items() if name != "emails"}
    scim(acme).post("/Users", body)
    ledger.flush()

    page = own_host.get(SEARCH, {"q": GRACE}).text

    assert "Nothing matches" in elsewhere
    assert "Creation of grace" in page
    assert str(never_created.pk) not in page


@pytest.mark.parametrize("asked", [{"q": "grac"}, {"q": GRACE, "part": ""}, {"q": "somebody@else"}])
def test_part_of_a_name_or_typing_finds_nobody(asked, alice, operator, never_created):
    page = alice.get(SEARCH, asked).text

    assert str(never_created.pk) not in page
    with in_tenant(operator):
        assert not AuditEntry.objects.filter(act="found across tenants").exists()


def test_one_who_was_created_since_is_no_longer_found_as_a_problem(
    alice, globex, scim, never_created
):
    scim(globex).post("/Users", user("grace"))
    ledger.flush()

    assert str(never_created.pk) not in alice.get(SEARCH, {"q": GRACE}).text


def test_nothing_found_says_that_the_name_has_to_be_complete(alice, acme):
    page = alice.get(SEARCH, {"q": "nobody@acme.example"}).text

    assert "never created is found by the complete user name that was sent" in page
