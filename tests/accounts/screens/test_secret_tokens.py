"""Generating a secret token, which is shown once, and revoking it."""

import re
from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django.db import transaction

from accounts import actions, tokens, uses
from accounts.actions import TokenRequest
from accounts.models import AuditEntry, SecretToken, Session
from accounts.permissions import Role
from accounts.uses import Credential, Kind, Use
from tenants import clock, resolution
from tenants.current import in_tenant
from tests.support.pages import facts_of, nonce_in

LIST = "/t/acme/admin/accounts/secrettoken/"
FORM = LIST + "add/"


def filled(browser, account, **changes):
    """The form as it is sent when it is opened, filled in and sent once."""
    return {
        "nonce": nonce_in(browser.get(FORM)),
        "label": "Microsoft Entra ID",
        "expiry": "365",
        "no_expiry_reason": "",
        "issued_for": account.pk,
    } | changes


def value_in(response):
    return re.findall(r"mypscim_\w{49}", response.text)[0]


@pytest.fixture
def rows_of_acme(acme):
    def rows(model):
        with in_tenant(acme):
            return list(model.objects.all())

    return rows


def test_the_answer_to_the_form_shows_tenant_url_and_secret_token(alice, acme, tara):
    answer = alice.post(FORM, filled(alice, tara))

    assert answer.status_code == 200
    assert "http://acme.mypolicies.localhost:8000/scim</code>" in answer.text
    assert "shown only once" in answer.text
    with transaction.atomic(), in_tenant(acme):
        verified = tokens.verify(acme.id, value_in(answer), clock.now())
    assert (verified.label, verified.account_email) == ("Microsoft Entra ID", tara.email)


def test_the_way_on_asks_whether_the_token_is_stored(alice, acme, tara):
    """The browser does, without a script: the check mark is required."""
    answer = alice.post(FORM, filled(alice, tara))

    form = answer.text[answer.text.index('<div class="onward">') :].partition("</form>")[0]
    assert '<form action="/t/acme/admin/accounts/secrettoken/">' in form
    assert '<input type="checkbox" id="stored" required>' in form
    assert "I have stored the secret token" in form
    assert "method" not in form


def test_the_page_with_the_secret_token_is_kept_by_no_browser_and_no_proxy(alice, tara):
    answer = alice.post(FORM, filled(alice, tara))

    assert {"no-store", "private"} <= set(answer.headers["Cache-Control"].split(", "))


def test_the_secret_token_is_in_no_row_no_cookie_and_on_no_other_page(
    alice, acme, operator, tara, caplog
):
    caplog.set_level("DEBUG")
    value = value_in(alice.post(FORM, filled(alice, tara)))

    kept = [alice.get(LIST).text, alice.get("/t/acme/admin/").text, str(alice.cookies), caplog.text]
    for tenant in (acme, operator):
        with in_tenant(tenant):
            kept += [serialize("json", m.objects.all()) for m in (SecretToken, AuditEntry)]
            kept += [str(session.get_decoded()) for session in Session.objects.all()]

    assert len(kept) > 8
    assert not [text for text in kept if value in text or value[8:51] in text]


def test_a_form_that_is_sent_twice_generates_one_token(alice, tara, rows_of_acme):
    form = filled(alice, tara)
    alice.post(FORM, form)

    again = alice.post(FORM, form)

    assert again.status_code == 409
    assert "This form has been sent before" in again.text
    assert len(rows_of_acme(SecretToken)) == 1


@pytest.mark.parametrize("nonce", ["", "made-up"])
def test_a_form_without_its_mark_generates_nothing(nonce, alice, tara, rows_of_acme):
    answer = alice.post(FORM, filled(alice, tara, nonce=nonce))

    assert answer.status_code == 409
    assert rows_of_acme(SecretToken) == []


def test_a_mark_of_one_session_is_no_use_in_another(alice, lena, tara, rows_of_acme):
    answer = lena.post(FORM, filled(alice, tara))

    assert answer.status_code == 409
    assert rows_of_acme(SecretToken) == []


@pytest.mark.parametrize(("expiry", "days"), [("90", 90), ("180", 180), ("365", 365), ("730", 730)])
def test_the_expiry_is_the_chosen_one(expiry, days, alice, tara, rows_of_acme):
    alice.post(FORM, filled(alice, tara, expiry=expiry))

    token = rows_of_acme(SecretToken)[0]
    assert token.expires_at - token.created_at == timedelta(days=days)


def test_a_token_that_never_expires_needs_a_reason(lena, tara, rows_of_acme):
    refused = lena.post(FORM, filled(lena, tara, expiry="none"))
    lena.post(FORM, filled(lena, tara, expiry="none", no_expiry_reason="Legacy gateway."))

    assert "Say why this token may work forever." in refused.text
    assert [(t.expires_at, t.no_expiry_reason) for t in rows_of_acme(SecretToken)] == [
        (None, "Legacy gateway.")
    ]


def test_only_active_admins_of_the_visited_tenant_can_be_chosen(
    alice, acme, add, tara, gus, command, rows_of_acme
):
    member = add(acme, "mo@acme.example", Role.MEMBER)
    gone = add(acme, "gone@acme.example", Role.ADMIN)
    actions.deactivate_account(command, acme, gone.email)

    form = alice.get(FORM).text
    answers = [alice.post(FORM, filled(alice, account)) for account in (member, gone, gus)]

    assert [account.email in form for account in (tara, member, gone, gus)] == [
        True,
        False,
        False,
        False,
    ]
    assert ["Not saved." in answer.text for answer in answers] == [True, True, True]
    assert rows_of_acme(SecretToken) == []


def test_without_tokens_the_form_does_not_ask_which_of_them_end(alice, tara):
    assert "replaces" not in alice.get(FORM).text


@pytest.mark.parametrize(
    ("overlap", "left"),
    [("now", None), ("24h", timedelta(hours=24)), ("7d", timedelta(days=7))],
)
def test_only_the_checked_tokens_end_and_when_is_said(
    overlap, left, alice, acme, tara, minted, command, rows_of_acme
):
    other = actions.mint_token(command, acme, TokenRequest("HR export", tara.pk, days=365)).token
    before = clock.now()
    answer = alice.post(FORM, filled(alice, tara, replaces=[minted.token.pk], overlap=overlap))

    old, kept = (
        next(t for t in rows_of_acme(SecretToken) if t.pk == pk)
        for pk in (minted.token.pk, other.pk)
    )
    assert (kept.revoked_at, kept.expires_at) == (None, other.expires_at)
    ends = facts_of(answer, "Tokens that end")
    assert list(ends) == [str(old)]
    if left is None:
        assert (old.revoked_at is not None, ends[str(old)]) == (True, "Revoked")
    else:
        assert abs(old.expires_at - before - left) < timedelta(minutes=1)
        assert ends[str(old)].startswith("Works until ")


def test_the_form_names_the_live_tokens_and_checks_none(alice, acme, tara, minted, command):
    old = actions.mint_token(command, acme, TokenRequest("Old", tara.pk, days=365)).token
    actions.revoke_token(command, acme, old.pk)

    page = alice.get(FORM).text

    assert f"{minted.token}, never used</label>" in page
    assert str(old) not in page
    assert not re.search(r'<input[^>]*name="replaces"[^>]*checked', page)


def test_tokens_of_another_tenant_cannot_be_checked(alice, globex, tara, gus, minted, command):
    theirs = actions.mint_token(command, globex, TokenRequest("Theirs", gus.pk, days=365)).token

    answer = alice.post(FORM, filled(alice, tara, replaces=[theirs.pk], overlap="now"))

    assert "Not saved." in answer.text
    with in_tenant(globex):
        theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_generating_is_in_the_audit_logs_of_the_tenant_and_of_staff(alice, acme, operator, tara):
    alice.post(FORM, filled(alice, tara))

    entries = []
    for tenant in (acme, operator):
        with in_tenant(tenant):
            entries.append(AuditEntry.objects.filter(act="secret token minted").get())
    assert [entry.actor for entry in entries] == 2 * ["alice@mypolicies.example (staff)"]
    assert [entry.details.get("tenant") for entry in entries] == [None, "acme"]


def test_the_list_shows_state_and_last_use(alice, acme, minted):
    use = Use(clock.now(), "203.0.113.9", "Entra/1.0", 7)
    uses.note(acme, [Credential(Kind.TOKEN, minted.token.pk)], use)
    uses.flush()

    page = alice.get(LIST).text

    shown = [minted.token.public_id, "Microsoft Entra ID", "Live", "tara@acme.example"]
    assert [text for text in shown if text not in page] == []
    assert re.search(r"Works until \d+ \w+ \d{4}, used just now by Entra<", page)


def test_a_token_that_ends_soon_has_a_banner_on_its_page(alice, acme, minted, tara):
    with in_tenant(acme):
        SecretToken.objects.update(expires_at=clock.now() + timedelta(days=6, hours=1))

    page = alice.get(f"{LIST}{minted.token.pk}/change/").text

    assert "This secret token expires in 6 days." in page


def test_the_page_before_revoking_says_what_will_stop(alice, minted):
    page = alice.get(f"{LIST}{minted.token.pk}/revoke/").text

    said = [
        f"Revoke Microsoft Entra ID ({minted.token.public_id})?",
        "stops provisioning users of Acme",
        "acme.mypolicies.localhost",
        "Last used",
    ]
    assert [text for text in said if text not in page] == []


def test_revoking_takes_a_post_and_stops_the_token(alice, acme, minted):
    path = f"{LIST}{minted.token.pk}/revoke/"
    page = alice.get(path)

    answer = alice.post(path, {"nonce": nonce_in(page)}, follow=True)

    assert answer.redirect_chain == [(f"{LIST}{minted.token.pk}/change/", 302)]
    assert "the next request with it is refused" in answer.text
    with (
        transaction.atomic(),
        in_tenant(acme),
        pytest.raises(tokens.TokenRefused, match="was revoked"),
    ):
        tokens.verify(acme.id, minted.value, clock.now())


def test_another_tenants_token_cannot_be_revoked_on_a_visit(alice, globex, minted):
    answer = alice.post(f"/t/globex/admin/accounts/secrettoken/{minted.token.pk}/revoke/")

    assert answer.status_code == 404


def test_a_revoked_token_offers_no_second_revocation(alice, acme, command, minted):
    actions.revoke_token(command, acme, minted.token.pk)

    page = alice.get(f"{LIST}{minted.token.pk}/change/").text

    assert "root (command line)" in page
    assert "revoke/" not in page


def test_tenant_admins_see_their_tokens_and_no_way_to_make_or_end_one(
    acme, tara, minted, open_browser
):
    browser = open_browser(acme, tara)

    pages = [
        browser.get(path).text
        for path in (
            "/admin/accounts/secrettoken/",
            f"/admin/accounts/secrettoken/{minted.token.pk}/change/",
        )
    ]

    assert [minted.token.public_id in page for page in pages] == [True, True]
    assert [path in page for page in pages for path in ("add/", "revoke/")] == 4 * [False]


def test_the_number_of_queries_of_the_list_does_not_grow(
    alice, acme, tara, minted, command, statements
):
    def queries():
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            alice.get(LIST)
        return len(executed)

    few = queries()
    for _ in range(10):
        actions.mint_token(command, acme, TokenRequest("Another", tara.pk, days=90))

    assert queries() == few


def test_a_token_that_never_expires_is_a_support_leads_to_generate(alice, lena, acme, tara):
    never = {"expiry": "none", "no_expiry_reason": "No one can renew it there."}
    refused = alice.post(FORM, filled(alice, tara) | never)
    done = lena.post(FORM, filled(lena, tara) | never)

    assert "A support lead generates tokens that never expire" in refused.text
    assert value_in(done)
    with in_tenant(acme):
        assert [token.created_by for token in SecretToken.objects.all()] == [
            "lena@mypolicies.example (staff)"
        ]
