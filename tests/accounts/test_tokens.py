"""A secret token's shape, and every way in which one is accepted or refused."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction

from accounts import actions, tokens
from accounts.actions import TokenRequest
from accounts.models import Account, SecretToken, not_ended
from accounts.permissions import Role
from accounts.tokens import Reason, TokenRefused, Verified
from tenants import clock
from tenants.current import in_tenant

ACME = UUID("00000000-0000-4000-8000-00000000ac3e")
GLOBEX = UUID("00000000-0000-4000-8000-000000910bec")
# The CRC-32 of a token of zeros, worked out once: whoever changes the shape breaks issued tokens.
ZEROS = "mypscim_" + 43 * "0"
ZEROS_SIGNED = ZEROS + "2CHwB2"


def test_a_token_is_a_prefix_43_random_letters_and_a_checksum_of_6():
    value = tokens.generate()

    assert re.fullmatch(r"mypscim_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", value)
    assert tokens.is_well_formed(value)


def test_the_random_letters_carry_at_least_256_bits():
    assert len(set(tokens.ALPHABET)) ** tokens.BODY_LENGTH >= 2**256


def test_tokens_use_every_letter_of_the_alphabet_and_none_occurs_twice():
    values = {tokens.generate() for _ in range(500)}

    assert len(values) == 500
    assert set("".join(value[8:51] for value in values)) == set(tokens.ALPHABET)


def test_the_checksum_is_the_crc_32_of_all_before_it_in_base_62():
    assert tokens.is_well_formed(ZEROS_SIGNED)


@pytest.mark.parametrize("position", [0, 8, 30, 50, 51, 56])
def test_a_token_with_one_wrong_letter_is_malformed(position):
    value = tokens.generate()
    other = "x" if value[position] != "x" else "y"

    assert not tokens.is_well_formed(value[:position] + other + value[position + 1 :])


@pytest.mark.parametrize(
    "mistyped",
    [
        "",
        ZEROS,
        ZEROS_SIGNED[:-1],
        ZEROS_SIGNED + "0",
        " " + ZEROS_SIGNED,
        ZEROS_SIGNED + "\n",
        ZEROS_SIGNED.upper(),
        ZEROS_SIGNED.removeprefix("mypscim_"),
        ZEROS_SIGNED.replace("00", "0é", 1),
        ZEROS_SIGNED.replace("00", "0\0", 1),
        ZEROS_SIGNED.replace("00", "0\ud800", 1),
        ZEROS_SIGNED.replace("00", "0-", 1),
    ],
)
def test_a_value_that_was_cut_or_mistyped_is_malformed(mistyped):
    assert not tokens.is_well_formed(mistyped)


def test_the_digest_of_a_value_differs_from_tenant_to_tenant():
    value = tokens.generate()

    assert tokens.digest(ACME, value) != tokens.digest(GLOBEX, value)
    assert len(tokens.digest(ACME, value)) == 32


def test_the_public_id_is_the_beginning_of_the_digest():
    assert tokens.public_id(bytes.fromhex("0a1b2c3d4e5f" + 52 * "0")) == "0a1b2c3d"


def test_a_live_token_is_verified_with_the_account_that_answers_for_it(acme, tara, minted):
    with in_tenant(acme):
        verified = tokens.verify(acme.id, minted.value, clock.now())

    assert verified == Verified(
        token_id=minted.token.id,
        public_id=minted.token.public_id,
        label="Microsoft Entra ID",
        account_id=tara.id,
        account_email="tara@acme.example",
    )


def test_verifying_costs_one_statement(acme, minted, statements):
    with in_tenant(acme), statements() as executed:
        tokens.verify(acme.id, minted.value, clock.now())

    assert len(executed) == 1


def test_a_malformed_token_is_refused_without_a_statement(acme, minted, statements):
    with in_tenant(acme), statements() as executed, pytest.raises(TokenRefused) as refused:
        tokens.verify(acme.id, minted.value[:-1], clock.now())

    assert executed == []
    assert refused.value.reason is Reason.MALFORMED
    assert refused.value.detail == (
        "The secret token is not a myPolicies secret token: it is incomplete or mistyped. "
        "Check that you copied all of it; if it is lost, ask support@mypolicies.com for a new one."
    )


def test_a_token_that_was_never_minted_is_unknown(acme, minted):
    refused = refusal(acme, tokens.generate())

    assert refused.reason is Reason.UNKNOWN
    assert refused.detail == (
        "The secret token is not known to this tenant: check that you copied all of it and that "
        "it belongs to this Tenant URL. If it is lost, ask support@mypolicies.com for a new one."
    )


def test_a_token_of_acme_is_unknown_in_globex(globex, gus, minted):
    assert refusal(globex, minted.value).reason is Reason.UNKNOWN


def test_a_digest_copied_into_another_tenant_is_unknown_there(globex, gus, minted):
    with in_tenant(globex):
        minted.token.issued_for = gus
        minted.token.save(force_insert=True)

    assert refusal(globex, minted.value).reason is Reason.UNKNOWN


def test_a_token_is_refused_from_the_moment_it_expires(acme, minted):
    expiry = minted.token.expires_at

    with in_tenant(acme):
        tokens.verify(acme.id, minted.value, expiry - timedelta(microseconds=1))

    assert refusal(acme, minted.value, expiry).reason is Reason.EXPIRED


def test_the_refusal_of_an_expired_token_names_the_day(acme, minted):
    with in_tenant(acme):
        SecretToken.objects.update(expires_at=datetime(2026, 11, 12, 23, 30, tzinfo=UTC))

    assert refusal(acme, minted.value).detail == (
        f"The secret token {minted.token.public_id} expired on 2026-11-12 (UTC). "
        "Ask support@mypolicies.com for a new one and enter it as Secret Token in the "
        "provisioning settings."
    )


def test_a_token_without_expiry_is_verified_in_any_year(acme, tara, command):
    request = TokenRequest("On-premises agent", tara.email, None, "no one can renew it there")
    minted = actions.mint_token(command, acme, request)

    with in_tenant(acme):
        verified = tokens.verify(acme.id, minted.value, datetime(2199, 1, 1, tzinfo=UTC))

    assert verified.token_id == minted.token.id


def test_a_revoked_token_is_refused_at_once_and_the_refusal_names_the_day(acme, minted, command):
    token = actions.revoke_token(command, acme, minted.token.public_id)

    refused = refusal(acme, minted.value)

    assert refused.reason is Reason.REVOKED
    assert refused.detail == (
        f"The secret token {token.public_id} was revoked on {token.revoked_at:%Y-%m-%d} (UTC). "
        "Ask support@mypolicies.com for a new one and enter it as Secret Token in the "
        "provisioning settings."
    )


def test_a_token_is_refused_when_its_account_is_no_longer_an_admin(acme, minted, command, second):
    actions.change_role(command, acme, "tara@acme.example", Role.MEMBER)

    refused = refusal(acme, minted.value)

    assert refused.reason is Reason.NOT_ADMIN
    assert refused.detail == (
        f"The myPolicies account that the secret token {minted.token.public_id} was issued for is "
        "no longer an active admin: ensure that the myPolicies account has Admin permissions, or "
        "ask support@mypolicies.com to move the token to another admin account."
    )


def test_a_token_is_refused_when_its_account_is_deactivated(acme, minted, command, second):
    actions.deactivate_account(command, acme, "tara@acme.example")

    assert refusal(acme, minted.value).reason is Reason.NOT_ADMIN


def test_a_token_works_again_when_its_account_is_an_active_admin_again(
    acme, minted, command, second
):
    actions.deactivate_account(command, acme, "tara@acme.example")
    actions.reactivate_account(command, acme, "tara@acme.example")

    with in_tenant(acme):
        assert tokens.verify(acme.id, minted.value, clock.now())


def test_a_revoked_token_of_a_former_admin_is_called_revoked(acme, minted, command, second):
    actions.deactivate_account(command, acme, "tara@acme.example")
    actions.revoke_token(command, acme, minted.token.id)

    assert refusal(acme, minted.value).reason is Reason.REVOKED


@pytest.mark.parametrize("revoked_at", [None, datetime(2026, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("ends_in", [None, timedelta(0), timedelta(seconds=1), timedelta(-1)])
@pytest.mark.parametrize("is_active", [True, False])
def test_screens_statements_and_requests_agree_on_how_a_token_stands(
    acme, minted, tara, revoked_at, ends_in, is_active
):
    now = clock.now()
    with in_tenant(acme):
        Account.objects.update(is_active=is_active)
        SecretToken.objects.update(
            revoked_at=revoked_at,
            expires_at=None if ends_in is None else now + ends_in,
            no_expiry_reason="none",
        )
        token = SecretToken.objects.get()

        assert SecretToken.objects.filter(not_ended(now)).exists() != token.standing.has_ended(now)
        if token.state(now) == "live":
            assert tokens.verify(acme.id, minted.value, now).token_id == token.id
        else:
            assert refusal(acme, minted.value, now).reason.value == token.state(now)


def test_no_refusal_holds_the_value(acme, minted, command):
    actions.revoke_token(command, acme, minted.token.id)

    for value in (minted.value, minted.value[:-1], tokens.generate()):
        assert value[8:51] not in repr(refusal(acme, value))


@pytest.fixture
def second(acme, command):
    """Another admin of acme, so that tara may step down."""
    return actions.create_account(command, acme, "tim@acme.example", "", Role.ADMIN)


def refusal(tenant, value, now=None):
    with in_tenant(tenant), transaction.atomic(), pytest.raises(TokenRefused) as refused:
        tokens.verify(tenant.id, value, now or clock.now())
    return refused.value
