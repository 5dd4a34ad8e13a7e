"""Acts on OAuth clients: who may, what is written, what the audit log says."""

import json
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from accounts import actions
from accounts.actions import ActionRefused, Actor, ClientRequest, NotPermitted
from accounts.models import Account, AuditEntry, ClientSecret, OAuthClient
from accounts.permissions import Role
from tenants.current import in_tenant

KEYS = json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]})


def entries(tenant, words):
    """Act, subject and details of what the tenant's audit log says about them."""
    with in_tenant(tenant):
        return [
            (entry.act, entry.subject, entry.details)
            for entry in AuditEntry.objects.filter(act__iregex=words).order_by("id")
        ]


def test_support_creates_a_client_with_a_secret_and_both_logs_say_so(acme, operator, tara, alice):
    created = actions.create_oauth_client(alice, acme, ClientRequest(" Entra ", tara.email))

    client, secret = created.client, created.secret
    said = [
        (
            "OAuth client created",
            str(client),
            {
                "issued_for": tara.email,
                "has_keys": False,
                "allowed_networks": [],
                "entra_ranges_of": None,
            },
        ),
        (
            "client secret added",
            str(secret),
            {"expires": secret.expires_at.isoformat(timespec="seconds")},
        ),
    ]
    assert str(client) == f"Entra ({client.id.hex[:8]})"
    assert secret.expires_at - secret.created_at == timedelta(days=365)
    assert created.value.startswith("mypscim_secret_")
    assert entries(acme, "client") == said
    assert entries(operator, "client") == [
        (act, subject, {"tenant": "acme"} | details) for act, subject, details in said
    ]


def test_a_client_with_keys_gets_no_secret(acme, tara, alice):
    request = ClientRequest("Gateway", tara.email, public_keys=KEYS)

    created = actions.create_oauth_client(alice, acme, request)

    assert (created.secret, created.value) == (None, "")
    assert len(created.client.public_keys["keys"]) == 1


@pytest.mark.parametrize("years", [1, 2, 3])
def test_a_further_secret_leaves_the_first_one_alone(acme, tara, alice, years):
    first = actions.create_oauth_client(alice, acme, ClientRequest("Entra", tara.email))

    second = actions.add_client_secret(alice, acme, first.client.id, years)

    assert second.secret.expires_at - second.secret.created_at == timedelta(days=365 * years)
    with in_tenant(acme):
        live = ClientSecret.objects.filter(revoked_at=None).values_list("public_id", flat=True)
        assert set(live) == {first.secret.public_id, second.secret.public_id}


@pytest.mark.parametrize("years", [0, 4])
def test_a_secret_lasts_one_to_three_years(acme, created, alice, years):
    with pytest.raises(ActionRefused, match="expires after 1 to 3 years"):
        actions.add_client_secret(alice, acme, created.client.id, years)


def test_a_revoked_client_gets_no_further_secret(acme, created, alice):
    actions.revoke_oauth_client(alice, acme, created.client.id)

    with pytest.raises(ActionRefused, match="is revoked"):
        actions.add_client_secret(alice, acme, created.client.id, 1)


def test_the_first_revocation_counts(acme, created, alice, command):
    by_alice = actions.revoke_oauth_client(alice, acme, created.client.id)
    again = actions.revoke_oauth_client(command, acme, str(created.client.id))

    assert (again.revoked_by, again.revoked_at) == (alice.name, by_alice.revoked_at)
    assert entries(acme, "client revoked") == [("OAuth client revoked", str(created.client), {})]


@pytest.mark.parametrize("name", ["id", "public_id"])
def test_one_secret_is_revoked_by_either_of_its_names(acme, created, alice, name):
    revoked = actions.revoke_client_secret(alice, acme, getattr(created.secret, name))

    assert revoked.revoked_by == alice.name
    assert entries(acme, "secret revoked") == [("client secret revoked", str(created.secret), {})]


@pytest.mark.parametrize(
    ("role", "email"), [(Role.MEMBER, "mo@acme.example"), (None, "nobody@acme.example")]
)
def test_a_client_is_issued_for_an_active_admin_only(acme, tara, alice, command, role, email):
    if role:
        actions.create_account(command, acme, email, "", role)

    with pytest.raises(ActionRefused, match=email):
        actions.create_oauth_client(alice, acme, ClientRequest("Entra", email))

    with in_tenant(acme):
        assert not OAuthClient.objects.exists()


@pytest.mark.parametrize(
    ("label", "keys", "reason"),
    [("", "", "The label must be"), ("two\nlines", "", "The label must be"), ("E", "{}", "JWK")],
)
def test_a_label_or_keys_that_are_no_good_create_nothing(acme, tara, alice, label, keys, reason):
    with pytest.raises(ActionRefused, match=reason):
        actions.create_oauth_client(alice, acme, ClientRequest(label, tara.email, public_keys=keys))


@pytest.mark.parametrize("name", ["ffffffff", "not an id", "6a8e2ad4-1ae9-4b5a-8f0e-3f6f2a8b1c11"])
def test_an_unknown_client_or_secret_cannot_be_revoked(acme, created, alice, name):
    with pytest.raises(ActionRefused, match="has no OAuth client"):
        actions.revoke_oauth_client(alice, acme, name)
    with pytest.raises(ActionRefused):
        actions.revoke_client_secret(alice, acme, name)


def test_a_client_of_acme_is_not_there_in_globex(globex, gus, created, alice):
    with pytest.raises(ActionRefused, match="has no OAuth client"):
        actions.revoke_oauth_client(alice, globex, created.client.id)
    with pytest.raises(ActionRefused, match="has no client secret"):
        actions.revoke_client_secret(alice, globex, created.secret.id)
    with pytest.raises(ActionRefused, match="has no OAuth client"):
        actions.add_client_secret(alice, globex, created.client.id, 1)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
def test_roles_that_only_read_may_do_none_of_it(acme, operator, tara, created, role):
    home = acme if role is Role.ADMIN else operator
    actor = Actor.account(Account(email="aude@mypolicies.example", role=role), home, None)
    acts = (
        lambda: actions.create_oauth_client(actor, acme, ClientRequest("Entra", tara.email)),
        lambda: actions.add_client_secret(actor, acme, created.client.id, 1),
        lambda: actions.revoke_client_secret(actor, acme, created.secret.id),
        lambda: actions.revoke_oauth_client(actor, acme, created.client.id),
    )

    for act in acts:
        with pytest.raises(NotPermitted):
            act()
