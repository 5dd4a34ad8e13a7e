"""Uses of a secret token, with time, address and number: written within seconds."""

import pytest

from accounts import actions, uses
from accounts.models import ClientSecret, SecretToken
from tenants.current import in_tenant
from tests.support import people
from tests.support.clients import ScimClient
from tests.support.oauth import create, scim_client
from tests.support.payloads import BJENSEN, user

ENTRA = {"User-Agent": "AzureAD-Provisioning/1.0"}


@pytest.fixture
def use(acme):
    """`use()`: what is noted about acme's only token."""

    def noted():
        uses.flush()  # as the worker's thread does every few seconds
        with in_tenant(acme):
            token = SecretToken.objects.get()
        at = token.last_used_at and f"{token.last_used_at:%H:%M:%S}"
        return at, token.last_used_address, token.last_used_user_agent, token.use_count

    return noted


def test_a_new_token_was_never_used(at_acme, use):
    assert use() == (None, None, "", 0)


def test_every_use_is_noted(at_acme, use, later):
    for _ in range(6):
        at_acme.get("/Users")
        later(1)
    at_acme.get("/Users", headers=ENTRA)

    assert use() == ("10:00:06", "127.0.0.1", "AzureAD-Provisioning/1.0", 7)


def test_the_uses_of_a_token_that_was_revoked_are_noted(at_acme, acme, use):
    for _ in range(7):
        at_acme.get("/Users")
    with in_tenant(acme):
        token = SecretToken.objects.get()
    actions.revoke_token(people.COMMAND, acme, token.id)
    assert at_acme.get("/Users").status == 401

    assert use() == ("10:00:00", "127.0.0.1", "", 7)


def test_a_request_with_an_access_token_is_a_use_of_its_client_and_secret(acme, clock):
    provisioning = scim_client(acme, create(acme))
    clock.shift(600)

    assert provisioning.get("/Users").status == 200

    uses.flush()
    with in_tenant(acme):
        found = ClientSecret.objects.select_related("client").get()
    moments = [found.last_used_at, found.client.last_used_at]
    assert [f"{at:%H:%M:%S}" for at in moments] == ["10:10:00", "10:10:00"]


def test_no_request_writes_the_token(at_acme, statements):
    with statements() as executed:
        for number in range(10):
            at_acme.post("/Users", user(f"u{number}"))

    assert not any("UPDATE" in each and "accounts_" in each for each in executed)


def test_a_read_that_is_logged_takes_the_uses_so_far_along(at_acme, acme, at_globex, globex):
    at_globex.post("/Users", BJENSEN)
    at_acme.post("/Users", BJENSEN)
    at_acme.get("/Users")

    counts = []
    for tenant in (acme, globex):
        with in_tenant(tenant):
            counts.append(SecretToken.objects.get().use_count)
    assert counts == [2, 0]


def test_a_refused_request_was_a_use_all_the_same(at_acme, use):
    assert at_acme.post("/Users", {}).status == 400

    assert use() == ("10:00:00", "127.0.0.1", "", 1)


def test_a_refused_token_was_not_used(at_acme, acme, use):
    ScimClient(acme, at_acme.token[:-1]).post("/Users", BJENSEN)

    assert use() == (None, None, "", 0)


def test_a_user_agent_is_cut_and_harmless(at_acme, use):
    at_acme.get("/Users", headers={"User-Agent": "x" * 500 + "\r\n\0"})

    assert use()[2] == "x" * 200
