"""Rotating a secret token with an overlap, and having another admin answer for it."""

import re
from datetime import timedelta

import pytest

from accounts.actions import TokenRequest, mint_token, revoke_token
from accounts.models import AuditEntry, SecretToken
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import AddressPreset
from tests.support.clients import ScimClient
from tests.support.pages import facts_of, nonce_in

LIST = "/t/acme/admin/accounts/secrettoken/"


@pytest.fixture
def act(minted):
    """`act(browser, name, **fields)`: the answer to the form of an action on acme's token."""

    def posted(browser, name, **fields):
        path = f"{LIST}{minted.token.pk}/{name}/"
        return browser.post(path, {"nonce": nonce_in(browser.get(path)), **fields})

    return posted


@pytest.fixture
def stored(acme, minted):
    """`stored()`: acme's token as it is now."""

    def read():
        with in_tenant(acme):
            return SecretToken.objects.select_related("issued_for").get(pk=minted.token.pk)

    return read


def test_a_token_offers_what_can_be_done_with_it_to_those_who_may(
    operator, staff, minted, open_browser
):
    def offered(role):
        page = open_browser(operator, staff[role]).get(f"{LIST}{minted.token.pk}/change/")
        return [button.label for button in page.context["page"].buttons]

    assert offered(Role.SUPPORT) == [
        "Rotate",
        "Move to another account",
        "Change allowed addresses",
        "Revoke",
    ]
    assert offered(Role.AUDITOR) == []


def test_rotating_offers_the_former_label_and_account_and_seven_days(alice, minted, tara):
    form = alice.get(f"{LIST}{minted.token.pk}/rotate/").context["form"]

    offered = {name: form[name].value() for name in ("label", "issued_for", "overlap")}
    assert offered == {"label": "Microsoft Entra ID", "issued_for": tara.pk, "overlap": "7d"}


ROTATED = {"label": "Microsoft Entra ID", "expiry": "365", "no_expiry_reason": "", "overlap": "7d"}


@pytest.fixture
def hr_export(acme, tara, command):
    """A token of acme that another integration uses."""
    return mint_token(command, acme, TokenRequest("HR export", tara.pk, days=365)).token


def test_a_rotated_token_works_beside_the_new_one_until_the_overlap_is_over(
    alice, act, acme, tara, minted, stored
):
    answer = act(alice, "rotate", **ROTATED, issued_for=tara.pk)

    assert "it is shown only once" in answer.text
    assert list(facts_of(answer, "Tokens that end")) == [str(minted.token)]
    assert ScimClient(acme, minted.value).get("/Users").status == 200
    left = stored().expires_at - clock.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_rotating_leaves_the_other_tokens_alone(alice, act, acme, tara, hr_export):
    act(alice, "rotate", **ROTATED, issued_for=tara.pk)

    with in_tenant(acme):
        kept = SecretToken.objects.get(pk=hr_export.pk)
    assert (kept.expires_at, kept.revoked_at) == (hr_export.expires_at, None)


def test_others_end_with_it_only_if_they_are_checked_by_name(
    alice, act, acme, tara, minted, hr_export
):
    asked = alice.get(f"{LIST}{minted.token.pk}/rotate/").text
    answer = act(alice, "rotate", **ROTATED, issued_for=tara.pk, replaces=[hr_export.pk])

    assert re.findall(r">([^<]+), never used</label>", asked) == [str(hr_export)]
    assert set(facts_of(answer, "Tokens that end")) == {str(minted.token), str(hr_export)}


def test_a_token_that_was_revoked_meanwhile_is_not_rotated(alice, act, acme, tara, minted, command):
    revoke_token(command, acme, minted.token.pk)

    answer = act(alice, "rotate", **ROTATED, issued_for=tara.pk)

    assert f"The secret token {minted.token} has ended already." in answer.text
    with in_tenant(acme):
        assert SecretToken.objects.count() == 1


def test_a_token_moves_to_another_admin_and_goes_on_working(alice, act, acme, add, minted, stored):
    nora = add(acme, "nora@acme.example", Role.ADMIN)

    answer = act(alice, "move", issued_for=nora.pk)

    assert answer.status_code == 302
    assert stored().issued_for == nora
    assert ScimClient(acme, minted.value).get("/Users").status == 200
    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="secret token moved").get()
    assert entry.details == {"from": "tara@acme.example", "to": "nora@acme.example"}


def test_a_token_moves_to_an_active_admin_only(alice, act, acme, globex, gus, add, tara, stored):
    member = add(acme, "mo@acme.example", Role.MEMBER)

    answers = [act(alice, "move", issued_for=account.pk) for account in (member, gus)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert stored().issued_for == tara


def test_a_revoked_token_offers_nothing(alice, act, minted):
    act(alice, "revoke")

    page = alice.get(f"{LIST}{minted.token.pk}/change/")

    assert page.context["page"].buttons == ()


def test_the_page_says_from_where_a_token_works(alice, act, minted):
    page = f"{LIST}{minted.token.pk}/change/"
    before = facts_of(alice.get(page), "Secret token")["Allowed addresses"]
    answer = act(alice, "restrict", allowed_networks="203.0.113.0/24\n2001:db8::/32")

    assert (before, answer.status_code) == ("Anywhere", 302)
    assert facts_of(alice.get(page), "Secret token")["Allowed addresses"] == (
        "203.0.113.0/24, 2001:db8::/32"
    )


def test_a_list_without_the_address_in_use_is_saved_once_that_is_confirmed(
    alice, acme, act, stored
):
    with in_tenant(acme):
        SecretToken.objects.update(last_used_at=clock.now(), last_used_address="198.51.100.9")
    refused = act(alice, "restrict", allowed_networks="203.0.113.0/24")
    left = stored().allowed_networks
    act(alice, "restrict", allowed_networks="203.0.113.0/24", leaves_out_used="on")

    assert "was last used from 198.51.100.9, which is not in this list" in refused.text
    assert (left, stored().allowed_networks) == ("", "203.0.113.0/24")


def test_the_ranges_of_entra_are_offered_with_their_day_once_they_are_loaded(alice, act, stored):
    without = alice.get(f"{LIST}{stored().pk}/restrict/").text
    with in_public():
        AddressPreset.objects.create(
            name="entra",
            published_on=clock.now().date() - timedelta(days=61),
            networks="20.20.32.0/19 2603:1006:2000::/48",
            updated_at=clock.now(),
            updated_by="root",
        )
    offered = alice.get(f"{LIST}{stored().pk}/restrict/").text
    act(alice, "restrict", allowed_networks="", entra="on")

    assert 'name="entra"' not in without
    assert "The 2 networks that Microsoft published on" in offered
    assert "newer ones are probably there" in offered
    assert stored().preset_networks == "20.20.32.0/19 2603:1006:2000::/48"


def test_a_rotated_token_hands_its_addresses_on(alice, act, acme, minted):
    act(alice, "restrict", allowed_networks="203.0.113.0/24")

    page = alice.get(f"{LIST}{minted.token.pk}/rotate/").text

    assert "203.0.113.0/24</textarea>" in page
