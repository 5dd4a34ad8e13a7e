"""The commands for OAuth clients: what they print where, and how they refuse."""

import json

import pytest
import time_machine
from django.core.management.base import CommandError
from joserfc.jwk import ECKey

from accounts import oauth
from accounts.models import ClientSecret, OAuthClient
from tenants.current import in_tenant
from tests.support.commands import run

NOW = "2026-11-25T09:30:00Z"


def only(tenant, model):
    with in_tenant(tenant):
        return model.objects.get()


@time_machine.travel(NOW, tick=False)
def test_create_oauth_client_prints_the_secret_alone_on_standard_output(acme, tara):
    out, err = run("client", "create", "acme", "--label", "Microsoft Entra ID", "--years", "2")

    client, secret = only(acme, OAuthClient), only(acme, ClientSecret)
    with in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(client.id), out.removesuffix("\n"), client.created_at)
    assert proven.client == client
    assert err == (
        "Tenant URL: http://acme.mypolicies.localhost:8000/scim\n"
        "Token endpoint: http://acme.mypolicies.localhost:8000/scim/oauth/token\n"
        f"Client id: {client.id}, for tara@acme.example\n"
        f"Client secret {secret.public_id}, expires 2028-11-24.\n"
        "It is shown this once:\n"
    )


def test_create_oauth_client_takes_public_keys_in_place_of_a_secret(acme, tara, tmp_path):
    keys = tmp_path / "keys.json"
    key = ECKey.generate_key("P-256", {"kid": "entra-1"})
    keys.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))

    out, err = run("client", "create", "acme", "--label", "Signer", "--public-keys", str(keys))

    assert out == ""
    assert err.endswith(f"Client id: {only(acme, OAuthClient).id}, for tara@acme.example\n")
    assert run("client", "list", "acme")[0].splitlines()[1].split()[1:] == [
        "Signer",
        "live",
        "tara@acme.example",
        "keys",
        "never",
        "never",
        "anywhere",
    ]


def test_create_oauth_client_says_which_file_cannot_be_read(acme, tara, tmp_path):
    with pytest.raises(CommandError, match=r"missing\.json cannot be read"):
        run(
            *("client", "create", "acme", "--label", "Signer"),
            *("--public-keys", str(tmp_path / "missing.json")),
        )


@time_machine.travel(NOW, tick=False)
def test_add_client_secret_prints_the_secret_alone_on_standard_output(acme, created):
    client_id = str(created.client.id)

    out, err = run("client", "add-secret", "acme", client_id, "--years", "3")

    with in_tenant(acme):
        proven = oauth.by_secret(
            acme.id, client_id, out.removesuffix("\n"), created.client.created_at
        )
    assert err == (
        f"Client secret {proven.secret.public_id}, expires 2029-11-24.\nIt is shown this once:\n"
    )


@time_machine.travel(NOW, tick=False)
def test_list_oauth_clients_has_a_line_for_each_secret(acme, tara):
    run("client", "create", "acme", "--label", "Entra")
    client, secret = only(acme, OAuthClient), only(acme, ClientSecret)

    assert run("client", "list", "acme")[0] == (
        "CLIENT ID                             LABEL  STATE  FOR                SECRET    "
        "EXPIRES     LAST USED  WORKS FROM\n"
        f"{client.id}  Entra  live   tara@acme.example  {secret.public_id}  2027-11-25  never      anywhere\n"
    )


def test_a_client_is_restricted_by_command_from_the_start_or_later(acme, tara):
    run("client", "create", "acme", "--label", "Entra", "--from", "203.0.113.0/24")
    client = only(acme, OAuthClient)

    _, narrower = run("client", "restrict", "acme", str(client.id), "--from", "203.0.113.7")
    _, free = run("client", "restrict", "acme", str(client.id), "--from-anywhere")

    assert client.allowed_networks == "203.0.113.0/24"
    assert narrower == f"The OAuth client {client} of Acme Ltd works from: 203.0.113.7/32.\n"
    assert free == f"The OAuth client {client} of Acme Ltd works from: anywhere.\n"


@pytest.mark.parametrize("arguments", [(), ("--from", "203.0.113.7", "--from-anywhere")])
def test_restricting_a_client_wants_addresses_or_none(acme, created, arguments):
    with pytest.raises(CommandError, match="--from-anywhere"):
        run("client", "restrict", "acme", str(created.client.id), *arguments)


def test_revoke_oauth_client_revokes_the_client_or_one_secret(acme, created):
    client, secret = created.client, created.secret

    _, of_secret = run("client", "revoke", "acme", "--secret", secret.public_id)
    _, of_client = run("client", "revoke", "acme", str(client.id))

    assert of_secret == f"The client secret {secret} of Acme Ltd is revoked.\n"
    assert of_client == f"The OAuth client {client} of Acme Ltd is revoked.\n"
    assert only(acme, ClientSecret).revoked_at
    assert only(acme, OAuthClient).revoked_at


@pytest.mark.parametrize("arguments", [(), ("0a1b2c3d", "--secret", "0a1b2c3d")])
def test_revoke_oauth_client_wants_the_one_or_the_other(acme, arguments):
    with pytest.raises(CommandError):
        run("client", "revoke", "acme", *arguments)


def test_a_client_that_is_not_there_is_refused_in_a_sentence(acme):
    with pytest.raises(CommandError, match=r"Acme Ltd has no OAuth client 0a1b2c3d\."):
        run("client", "revoke", "acme", "0a1b2c3d")
