"""Signing in by single sign-on: linked accounts, each answer once, nothing across tenants."""

from datetime import timedelta

import pytest
import time_machine

from accounts import actions
from accounts.actions import ActionRefused, single_sign_on
from accounts.models import AuditEntry, IdentityLink, IdentityProvider
from accounts.permissions import Role
from accounts.screens import signing_on
from accounts.sso import documents, flow
from tenants import clock
from tenants.current import in_tenant
from tests.support import identity

KINDS = ("oidc", "saml")
FAILED = "Sign-in failed"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def ready(acme, globex, tara, set_up, link):
    """Both protocols work at both tenants; Tara of acme is linked."""
    set_up(acme)
    set_up(globex)
    for each in KINDS:
        link(acme, tara, each)


def refused(answer):
    """The reason on the page of a refusal."""
    assert answer.status_code == 403
    assert FAILED in answer.text
    return answer.text.partition("Reason: ")[2].partition("<")[0]


def test_a_linked_account_signs_in(ready, acme, tara, kind, open_browser, visit, come_back):
    browser = open_browser(acme)

    back = visit(browser, f"/admin/sso/{kind}/start/?next=/admin/setup/")
    answer = come_back(browser, back)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/setup/")
    assert browser.get("/admin/setup/").status_code == 200
    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="signed in").get()
        link = IdentityLink.objects.get(kind=kind)
    assert (entry.actor, entry.details) == (
        "tara@acme.example (acme)",
        {"method": "single sign-on"},
    )
    assert (link.login, link.last_used_at is not None) == (identity.LOGIN, True)


def test_the_sign_in_page_offers_it_where_it_is_enabled(ready, acme, operator, open_browser):
    own = open_browser(acme).get("/admin/login/?next=/admin/setup/").text
    of_staff = open_browser(operator).get("/admin/login/").text

    assert '/admin/sso/oidc/start/?next=/admin/setup/"' in own
    assert "/admin/sso/saml/start/" in own
    assert "sso" not in of_staff


def test_the_provider_decides_nothing_about_where_one_goes_next(
    ready, acme, kind, open_browser, visit, come_back
):
    browser = open_browser(acme)

    back = visit(browser, f"/admin/sso/{kind}/start/?next=https://evil.example/")

    assert come_back(browser, back).headers["Location"] == "/admin/"


def test_the_session_has_another_key_afterwards(ready, acme, kind, open_browser, visit, come_back):
    browser = open_browser(acme)
    back = visit(browser, f"/admin/sso/{kind}/start/")
    before = browser.cookies["sessionid"].value

    come_back(browser, back)

    assert browser.cookies["sessionid"].value != before


def test_an_answer_is_good_once(ready, acme, kind, open_browser, visit, come_back):
    browser = open_browser(acme)
    back = visit(browser, f"/admin/sso/{kind}/start/")
    come_back(browser, back)
    browser.post("/admin/logout/")

    again = come_back(browser, back)

    assert refused(again) == {"oidc": "sso.state", "saml": "sso.replay"}[kind]
    assert browser.get("/admin/").status_code == 302


def test_an_answer_is_good_in_the_browser_that_asked(
    ready, acme, kind, open_browser, visit, come_back
):
    """Nobody is signed in by a link that somebody else prepared (RFC 6749 §10.12)."""
    back = visit(open_browser(acme), f"/admin/sso/{kind}/start/")
    victim = open_browser(acme)
    visit(victim, f"/admin/sso/{kind}/start/")

    assert refused(come_back(victim, back)) == "sso.state"
    assert refused(come_back(open_browser(acme), back)) in {"sso.state", "sso.replay"}


def test_an_answer_for_one_tenant_is_refused_at_another(
    ready, acme, globex, kind, open_browser, visit, come_back
):
    there = open_browser(globex)
    back = visit(open_browser(acme), f"/admin/sso/{kind}/start/")
    visit(there, f"/admin/sso/{kind}/start/")

    assert refused(come_back(there, back)) == {"oidc": "sso.state", "saml": "sso.recipient"}[kind]
    with in_tenant(globex):
        assert not IdentityLink.objects.exists()


def test_an_identity_signs_in_to_no_account_of_another_tenant(
    ready, globex, gus, kind, open_browser, visit, come_back
):
    browser = open_browser(globex)

    back = visit(browser, f"/admin/sso/{kind}/start/")

    assert refused(come_back(browser, back)) == "sso.not-linked"
    assert browser.get("/admin/").status_code == 302
    with in_tenant(globex):
        entry = AuditEntry.objects.filter(act="sign-in refused").get()
    assert (entry.actor, entry.details["reason"]) == (
        f"{identity.LOGIN} (single sign-on)",
        "sso.not-linked",
    )


def test_an_equal_e_mail_address_links_nobody(
    acme, add, set_up, kind, open_browser, visit, come_back
):
    add(acme, identity.LOGIN, Role.ADMIN)
    set_up(acme, kind)
    browser = open_browser(acme)

    assert (
        refused(come_back(browser, visit(browser, f"/admin/sso/{kind}/start/"))) == "sso.not-linked"
    )


def test_a_deactivated_account_is_not_signed_in(
    ready, acme, tara, add, command, kind, open_browser, visit, come_back
):
    add(acme, "second@acme.example", Role.ADMIN)
    actions.deactivate_account(command, acme, tara.email)
    browser = open_browser(acme)

    assert (
        refused(come_back(browser, visit(browser, f"/admin/sso/{kind}/start/"))) == "sso.not-linked"
    )


def test_a_request_is_open_for_ten_minutes(
    ready, acme, kind, open_browser, visit, come_back, monkeypatch
):
    browser = open_browser(acme)
    back = visit(browser, f"/admin/sso/{kind}/start/")
    monkeypatch.setattr(flow, "OPEN_FOR", timedelta(seconds=-1))

    assert refused(come_back(browser, back)) == "sso.state"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nonce": "of another request"}, "sso.nonce"),
        ({"aud": "another application"}, "sso.audience"),
        ({"iss": "https://login.microsoftonline.com/other/v2.0"}, "sso.issuer"),
        ({"exp": 1_000_000_000}, "sso.time"),
        ({"signed_by": "another"}, "sso.signature"),
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_request_signs_nobody_in(
    ready, provider, acme, open_browser, visit, come_back, changed, reason
):
    browser = open_browser(acme)
    back = visit(browser, "/admin/sso/oidc/start/")
    provider.answers = changed

    assert refused(come_back(browser, back)) == reason
    assert browser.get("/admin/").status_code == 302


def test_a_tenant_exchanges_one_code_at_a_time_and_the_others_can_be_sent_again(
    ready, acme, globex, open_browser, visit, come_back
):
    """A provider that answers slowly holds up no other tenant."""
    browser, other = open_browser(acme), open_browser(globex)
    back, elsewhere = (visit(each, "/admin/sso/oidc/start/") for each in (browser, other))

    with signing_on._exchanges.place(acme.custom_domain):
        busy = come_back(browser, back)
        not_held_up = come_back(other, elsewhere)
    again = come_back(browser, back)

    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "1")
    assert refused(not_held_up) == "sso.not-linked"
    assert again.status_code == 302


def test_a_code_needs_the_verifier_of_its_request(ready, acme, open_browser, visit, come_back):
    """RFC 7636: a code that was intercepted is worth nothing in another browser."""
    victim, attacker = open_browser(acme), open_browser(acme)
    intercepted = visit(victim, "/admin/sso/oidc/start/")
    own = visit(attacker, "/admin/sso/oidc/start/")

    answer = come_back(attacker, {**own, "code": intercepted["code"]})

    assert refused(answer) == "sso.exchange"


def test_a_refusal_of_the_provider_is_said(ready, acme, open_browser, visit, come_back):
    browser = open_browser(acme)
    back = visit(browser, "/admin/sso/oidc/start/")

    answer = come_back(browser, {"state": back["state"], "error": "access_denied"})

    assert refused(answer) == "sso.provider"


def test_an_answer_of_another_issuer_is_refused(ready, acme, open_browser, visit, come_back):
    """RFC 9207: mix-up of two providers."""
    browser = open_browser(acme)
    back = visit(browser, "/admin/sso/oidc/start/")

    assert refused(come_back(browser, {**back, "iss": "https://evil.example"})) == "sso.issuer"


def test_an_unsigned_response_is_refused(ready, acme, open_browser, visit, come_back):
    browser = open_browser(acme)
    visit(browser, "/admin/sso/saml/start/")
    response = identity.Response("a", "b", "c")
    assertion = response.assertion()
    assertion.remove(assertion[1])

    fields = {"SAMLResponse": identity.encoded(response.wrapped(assertion))}

    assert refused(come_back(browser, fields)) == "sso.signature"


def test_a_protocol_that_is_not_enabled_signs_nobody_in(
    ready, acme, command, kind, open_browser, visit, come_back
):
    browser = open_browser(acme)
    back = visit(browser, f"/admin/sso/{kind}/start/")
    single_sign_on.disable(command, acme, kind)

    assert refused(come_back(browser, back)) == "sso.off"
    assert refused(open_browser(acme).get(f"/admin/sso/{kind}/start/")) == "sso.off"
    assert refused(open_browser(acme).get("/admin/sso/ldap/start/")) == "sso.off"


def test_the_provider_s_keys_are_read_again_after_an_unknown_one(
    ready, provider, acme, open_browser, visit, come_back
):
    with in_tenant(acme):
        IdentityProvider.objects.update(read_at=clock.now() - timedelta(hours=1))
    browser = open_browser(acme)
    back = visit(browser, "/admin/sso/oidc/start/")
    provider.answers = {"signed_by": "next"}
    come_back(browser, back)
    provider.keys = ("signing", "next")

    due = [each.custom_domain for each in documents.tenants_due()]
    documents.advance(acme)
    back = visit(browser, "/admin/sso/oidc/start/")
    provider.answers = {"signed_by": "next"}

    assert due == ["acme"]
    assert come_back(browser, back).status_code == 302


def test_staff_and_visits_have_no_single_sign_on(ready, acme, operator, olaf, open_browser):
    paths = ("/admin/sso/oidc/start/", "/t/acme/admin/sso/oidc/start/", "/t/acme/admin/sso/saml/")

    assert [olaf.get(path).status_code for path in paths] == [404, 404, 404]


def test_the_metadata_of_a_tenant_are_its_own(acme, globex, open_browser):
    texts = [open_browser(t).get("/admin/sso/saml/metadata/").text for t in (acme, globex)]

    assert [acme.host in texts[0], globex.host in texts[1]] == [True, True]
    assert acme.host not in texts[1]


def test_one_person_signs_in_to_one_account(ready, acme, add, link, kind):
    other = add(acme, "second@acme.example", Role.ADMIN)

    with pytest.raises(ActionRefused) as caught:
        link(acme, other, kind)

    assert caught.value.reason == "sso.linked"


def test_refused_sign_ons_of_one_person_are_told_once_a_minute(
    acme, globex, set_up, kind, open_browser, visit, come_back
):
    set_up(acme, kind)
    browser = open_browser(acme)

    def entries():
        with in_tenant(acme):
            found = AuditEntry.objects.filter(act="sign-in refused").order_by("id")
            return [entry.details.get("times", 1) for entry in found]

    with time_machine.travel(clock.now(), tick=False) as clocks:
        for _ in range(3):
            back = visit(browser, f"/admin/sso/{kind}/start/")
            assert refused(come_back(browser, back)) == "sso.not-linked"
        first = entries()
        clocks.shift(timedelta(minutes=1))
        come_back(browser, visit(browser, f"/admin/sso/{kind}/start/"))

    assert (first, entries()) == ([1], [1, 3])
    with in_tenant(globex):
        assert not AuditEntry.objects.filter(act="sign-in refused").exists()


def test_answers_that_nobody_asked_for_are_told_once_a_minute(
    ready, acme, kind, open_browser, visit, come_back
):
    back = visit(open_browser(acme), f"/admin/sso/{kind}/start/")
    for _ in range(3):
        stranger = open_browser(acme)
        visit(stranger, f"/admin/sso/{kind}/start/")
        assert refused(come_back(stranger, back)) in {"sso.state", "sso.replay"}

    with in_tenant(acme):
        [entry] = AuditEntry.objects.filter(act="sign-in refused")
    assert (entry.actor, entry.subject) == ("somebody", "acme")
    assert entry.details["method"] == "single sign-on"
