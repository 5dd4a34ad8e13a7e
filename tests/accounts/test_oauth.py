"""The client credentials grant: client secrets, and how long an access token serves."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import access, actions, oauth, tokens, uses
from accounts.models import AccessToken, ClientSecret
from accounts.oauth import ErrorCode
from accounts.permissions import Role
from accounts.tokens import ALL_SCOPES, Reason, Scope, TokenRefused, Verified
from tenants import clock
from tenants.current import in_tenant
from tests.support.oauth import refusal_of

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def access_token(acme, created):
    """The value of an access token that the secret obtained."""
    now = clock.now()
    with in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(created.client.id), created.value, now)
        return oauth.issue(acme.id, proven, ALL_SCOPES, now).value


def token_refusal(tenant, value, now=None):
    with in_tenant(tenant), pytest.raises(TokenRefused) as refused:
        access.verify(tenant.id, value, now or clock.now())
    return refused.value


def test_a_client_proves_itself_with_its_id_and_secret(acme, tara, created):
    client = created.client

    with in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(client.id), created.value, clock.now())

    assert (proven.client, proven.secret) == (client, created.secret)
    assert proven.verified == Verified(
        token_id=client.id,
        public_id=client.id.hex[:8],
        label="Microsoft Entra ID",
        account_id=tara.id,
        account_email="tara@acme.example",
        is_client=True,
        secret_id=created.secret.id,
        secret_public_id=created.secret.public_id,
    )


def test_a_client_secret_is_looked_up_in_one_statement_and_a_malformed_one_in_none(
    acme, created, statements
):
    client_id = str(created.client.id)

    with in_tenant(acme), statements() as executed:
        oauth.by_secret(acme.id, client_id, created.value, clock.now())
        assert len(executed) == 1
        refused = refusal_of(
            lambda: oauth.by_secret(acme.id, client_id, created.value[:-1], clock.now())
        )

    assert len(executed) == 1
    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail.startswith("The client secret is not a myPolicies client secret")


@pytest.mark.parametrize("spoil", ["other id", "other secret"])
def test_an_id_and_a_secret_that_do_not_belong_together_are_refused(acme, created, spoil):
    client_id = acme.id if spoil == "other id" else created.client.id
    value = tokens.generate(oauth.SECRET_PREFIX) if spoil == "other secret" else created.value

    with in_tenant(acme):
        refused = refusal_of(lambda: oauth.by_secret(acme.id, str(client_id), value, clock.now()))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == (
        "Client id and client secret are not known together to this tenant: check that both were "
        "copied completely and belong to this Tenant URL. If they are lost, ask support@mypolicies.com"
        " for new ones."
    )


def test_a_client_of_acme_is_unknown_in_globex(globex, gus, created):
    with in_tenant(globex):
        refused = refusal_of(
            lambda: oauth.by_secret(globex.id, str(created.client.id), created.value, clock.now())
        )

    assert refused.code is ErrorCode.INVALID_CLIENT


def test_rows_copied_into_another_tenant_are_no_use_there(globex, gus, created):
    with in_tenant(globex):
        created.client.issued_for = gus
        created.client.save(force_insert=True)
        created.secret.save(force_insert=True)
        refused = refusal_of(
            lambda: oauth.by_secret(globex.id, str(created.client.id), created.value, clock.now())
        )

    assert refused.code is ErrorCode.INVALID_CLIENT


def test_a_secret_is_refused_from_the_moment_it_expires(acme, created):
    client_id, expiry = str(created.client.id), created.secret.expires_at

    with in_tenant(acme):
        oauth.by_secret(acme.id, client_id, created.value, expiry - timedelta(microseconds=1))
        refused = refusal_of(lambda: oauth.by_secret(acme.id, client_id, created.value, expiry))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == (
        f"The client secret {created.secret.public_id} is expired since {expiry:%Y-%m-%d}."
        " Ask support@mypolicies.com for a new one."
    )


def test_a_client_of_an_account_that_is_no_active_admin_gets_no_token(acme, tara, created, command):
    actions.create_account(command, acme, "tim@acme.example", "", Role.ADMIN)
    actions.deactivate_account(command, acme, tara.email)

    with in_tenant(acme):
        refused = refusal_of(
            lambda: oauth.by_secret(acme.id, str(created.client.id), created.value, clock.now())
        )

    assert refused.code is ErrorCode.UNAUTHORIZED_CLIENT
    assert "ensure that the myPolicies account has Admin permissions" in refused.detail


def test_an_access_token_stands_for_its_client(acme, tara, created, access_token):
    with in_tenant(acme):
        verified = access.verify(acme.id, access_token, clock.now())

    assert verified == Verified(
        token_id=created.client.id,
        public_id=created.client.public_id,
        label="Microsoft Entra ID",
        account_id=tara.id,
        account_email="tara@acme.example",
        scopes=frozenset({Scope.READ, Scope.WRITE}),
        is_client=True,
        secret_id=created.secret.id,
        secret_public_id=created.secret.public_id,
    )


def test_verifying_an_access_token_costs_one_statement(acme, access_token, statements):
    with in_tenant(acme), statements() as executed:
        access.verify(acme.id, access_token, clock.now())

    assert len(executed) == 1


def test_an_access_token_serves_for_an_hour_unless_set_otherwise(acme, created, settings):
    lifetimes = []
    for minutes in (settings.ACCESS_TOKEN_MINUTES, 360):
        settings.ACCESS_TOKEN_MINUTES = minutes
        with in_tenant(acme):
            proven = oauth.by_secret(acme.id, str(created.client.id), created.value, NOW)
            issued = oauth.issue(acme.id, proven, ALL_SCOPES, NOW)
            token = AccessToken.objects.get(digest=tokens.digest(acme.id, issued.value))
        lifetimes.append((issued.seconds, token.expires_at - NOW))

    assert lifetimes == [(3600, timedelta(hours=1)), (21_600, timedelta(hours=6))]


def test_an_access_token_of_acme_is_unknown_in_globex(globex, gus, access_token):
    assert token_refusal(globex, access_token).reason is Reason.UNKNOWN


def test_a_malformed_access_token_is_refused_without_a_statement(acme, access_token, statements):
    with statements() as executed:
        refused = token_refusal(acme, access_token[:-1])

    assert executed == []
    assert refused.reason is Reason.MALFORMED


def test_an_access_token_is_refused_when_it_has_expired(acme, created, access_token):
    refused = token_refusal(acme, access_token, clock.now() + timedelta(minutes=61))

    assert refused.reason is Reason.EXPIRED
    assert refused.detail.startswith(f"The access token of the OAuth client {created.client}")


def test_revoking_the_secret_ends_the_access_tokens_that_it_obtained(
    acme, created, access_token, command
):
    actions.revoke_client_secret(command, acme, created.secret.id)

    assert token_refusal(acme, access_token).reason is Reason.REVOKED


def test_revoking_another_secret_leaves_the_access_token_alone(
    acme, created, access_token, command
):
    other = actions.add_client_secret(command, acme, created.client.id, 1)
    actions.revoke_client_secret(command, acme, other.secret.id)

    with in_tenant(acme):
        assert access.verify(acme.id, access_token, clock.now()).label == "Microsoft Entra ID"


def test_revoking_the_client_ends_its_access_tokens(acme, created, access_token, command):
    actions.revoke_oauth_client(command, acme, created.client.id)

    assert token_refusal(acme, access_token).reason is Reason.REVOKED


def test_an_access_token_is_forbidden_when_its_account_is_no_active_admin(
    acme, tara, access_token, command
):
    actions.create_account(command, acme, "tim@acme.example", "", Role.ADMIN)
    actions.change_role(command, acme, tara.email, Role.MEMBER)

    refused = token_refusal(acme, access_token)

    assert refused.reason is Reason.NOT_ADMIN
    assert "ensure that the myPolicies account has Admin permissions" in refused.detail


def test_access_tokens_that_expired_a_week_ago_are_removed_when_one_is_issued(
    acme, created, access_token
):
    later = clock.now() + timedelta(days=7, minutes=61)

    with in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(created.client.id), created.value, later)
        oauth.issue(acme.id, proven, ALL_SCOPES, later)

        assert AccessToken.objects.count() == 1


def test_issuing_notes_when_client_and_secret_were_last_used(acme, created, access_token):
    uses.flush()

    with in_tenant(acme):
        secret = ClientSecret.objects.select_related("client").get()
    assert secret.last_used_at is not None
    assert secret.last_used_at == secret.client.last_used_at


def test_no_value_is_in_a_repr_or_a_row(acme, created, access_token):
    with in_tenant(acme):
        rows = [*ClientSecret.objects.values(), *AccessToken.objects.values()]
        issued = oauth.Issued(access_token, "scim.read", 3600)

    shown = repr((created, issued, rows))
    assert created.value not in shown
    assert access_token not in shown
