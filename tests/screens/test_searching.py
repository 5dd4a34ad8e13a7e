"""The search over everything: what each account finds, and nothing of another tenant."""

import re
from itertools import pairwise

import pytest

from accounts.models import AuditEntry
from accounts.screens import site
from scim.models import ProvisioningEvent
from tenants.current import in_tenant
from tenants.rates import Rate
from tests.support.installed import needs

STAFF, ACME = "/admin/search/", "/t/acme/admin/search/"
_LINK = re.compile(r'<li><a href="([^"]+)">([^<]+)</a>(?: <span>([^<]*)</span>)?')
_OPTION = re.compile(r'data-path="([^"]+)"><span>([^<]+)</span> <small>([^<]*)</small>')


def found(page):
    """The hits on a page of results, by their kinds."""
    text = page.text
    heads = [*re.finditer(r'<h2 id="found-\d+">([^<]+)</h2>', text), None]
    return {
        head[1]: _LINK.findall(text[head.end() : behind.start() if behind else None])
        for head, behind in pairwise(heads)
    }


def typed(browser, path, term, **more):
    """The hits below a box into which the term is typed."""
    return _OPTION.findall(browser.get(path, {"q": term, "part": "", **more}).text)


@pytest.fixture
def tara_at_acme(acme, tara, open_browser):
    return open_browser(acme, tara)


def test_a_tenant_admin_finds_users_by_the_beginning_of_a_name(tara_at_acme, bjensen, jsmith):
    page = tara_at_acme.get(STAFF, {"q": "barb"})

    path = f"/admin/scim/user/{bjensen.id}/change/"
    assert found(page) == {
        "Users": [(path, "Barbara Jensen", "bjensen@acme.example · Active")],
    }


def test_users_of_another_tenant_are_not_found(tara_at_acme, bjensen, jsmith):
    assert found(tara_at_acme.get(STAFF, {"q": "jsmith@globex.example"})) == {}
    assert found(tara_at_acme.get(STAFF, {"q": str(jsmith.id)})) == {}


def test_pages_and_actions_are_found_by_the_beginnings_of_words(tara_at_acme):
    page = tara_at_acme.get(STAFF, {"q": "inv"})
    pages = tara_at_acme.get(STAFF, {"q": "sec tok"})

    assert found(page) == {
        "Actions": [("/admin/accounts/account/invite/", "Invite an admin", "Accounts")]
    }
    [(path, label, _)] = found(pages)["Pages"]
    assert (path, label) == ("/admin/accounts/secrettoken/", "Secret tokens")


def test_an_action_that_the_role_does_not_include_is_not_found(tara_at_acme, lena):
    term = {"q": "generate secret"}

    assert "Actions" not in found(tara_at_acme.get(STAFF, term))
    assert found(lena.get(ACME, term))["Actions"] == [
        ("/t/acme/admin/accounts/secrettoken/add/", "Generate secret token", "Secret tokens")
    ]


def test_a_token_is_found_by_its_public_id(lena, minted):
    hits = found(lena.get(ACME, {"q": minted.token.public_id}))["Secret tokens"]

    assert [(path, label) for path, label, _ in hits] == [
        (f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/change/", minted.token.label)
    ]
    assert found(lena.get("/t/globex/admin/search/", {"q": minted.token.public_id})) == {}


@needs("inspector")
def test_a_request_is_found_by_its_id(lena, acme, scim):
    answer = scim(acme).get("/Users/nobody")
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()

    hits = found(lena.get(ACME, {"q": answer.headers["Request-Id"]}))

    path = f"/t/acme/admin/scim/provisioningevent/{event.pk}/change/"
    assert [(hit[0], hit[2]) for hit in hits["Requests"]] == [(path, event.request_id)]
    elsewhere = lena.get("/t/globex/admin/search/", {"q": answer.headers["Request-Id"]})
    assert found(elsewhere) == {}


def test_the_box_tells_each_role_what_it_finds(alice, lena, acme):
    path = "/t/acme/admin/scim/user/"

    assert "Only complete values are found" in alice.get(path).text
    assert "Beginning of a name" not in alice.get(path).text
    assert "Beginning of a name" in lena.get(path).text


def test_a_masked_role_finds_complete_values_only_and_is_told(alice, bjensen):
    part, whole = (alice.get(ACME, {"q": q}) for q in ("bjen", "BJensen@acme.example"))

    assert found(part) == {}
    assert "Only complete values are found" in part.text
    [(path, name, _)] = found(whole)["Users"]
    assert (path, name) == (f"/t/acme/admin/scim/user/{bjensen.id}/change/", "B•••")


def test_staff_find_tenants_by_name_domain_and_host(alice, acme, globex):
    for term in ("glob", "Globex Inc", "globex.mypolicies.localhost"):
        assert found(alice.get(STAFF, {"q": term})) == {
            "Tenants": [("/t/globex/admin/", "Globex Inc", "globex · Never connected")]
        }


def test_the_switcher_keeps_the_list_that_is_open(alice, acme, globex):
    page = alice.get("/t/acme/admin/accounts/secrettoken/")
    [at] = re.findall(r'name="at" value="([^"]*)"', page.text)

    hits = typed(alice, STAFF, "", only="Tenants", at=at)

    assert [path for path, _, _ in hits] == [
        "/t/acme/admin/accounts/secrettoken/",
        "/t/globex/admin/accounts/secrettoken/",
    ]


def test_the_switcher_leads_to_no_other_page_than_a_list(alice, acme, globex):
    hits = typed(alice, STAFF, "glo", only="Tenants", at="admin:logout")

    assert [path for path, _, _ in hits] == ["/t/globex/admin/"]


def test_typing_on_a_visit_finds_no_rows_and_leaves_no_trace(lena, acme, bjensen):
    assert typed(lena, ACME, "barbara") == []
    with in_tenant(acme):
        assert not AuditEntry.objects.filter(act="searched").exists()

    assert "Users" in found(lena.get(ACME, {"q": "barbara"}))
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="searched")
    assert (entry.actor, entry.details) == ("lena@mypolicies.example (staff)", {})


def test_typing_as_tenant_admin_finds_rows(tara_at_acme, bjensen):
    path = f"/admin/scim/user/{bjensen.id}/change/"

    assert typed(tara_at_acme, STAFF, "barbara") == [
        (path, "Barbara Jensen", "bjensen@acme.example · Active")
    ]


@pytest.mark.parametrize("term", ["", " ", "\0", "%", "<b>", "x" * 5_000, "'; DROP TABLE x"])
def test_any_term_is_answered(term, tara_at_acme, lena):
    for browser in (tara_at_acme, lena):
        assert browser.get(STAFF, {"q": term}).status_code == 200
        assert browser.get(STAFF, {"q": term, "part": ""}).status_code == 200
        assert browser.post(STAFF, {"q": term}).status_code == 403


def test_the_search_needs_an_account(acme, operator, client_for):
    answers = [client_for(tenant).get(STAFF, {"q": "x"}) for tenant in (acme, operator)]

    assert [answer.status_code for answer in answers] == [302, 302]


def test_an_account_that_searches_too_often_has_to_wait(
    tara_at_acme, gus, globex, open_browser, monkeypatch
):
    monkeypatch.setattr(site, "SEARCHES", Rate(per_second=0.01, burst=2))

    answers = [tara_at_acme.get(STAFF, {"q": "x"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert "You have searched too often" in answers[2].text
    assert open_browser(globex, gus).get(STAFF, {"q": "x"}).status_code == 200
