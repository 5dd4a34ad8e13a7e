"""When, from where and how often a secret token was used; written at most once a minute."""

import pytest

from accounts.models import SecretToken
from tenants.current import in_tenant
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, user

ENTRA = {"User-Agent": "AzureAD-Provisioning/1.0"}


@pytest.fixture
def use(acme):
    """`use()`: what is noted about acme's only token."""

    def noted():
        with in_tenant(acme):
            token = SecretToken.objects.get()
        at = token.last_used_at and f"{token.last_used_at:%H:%M:%S}"
        return at, token.last_used_address, token.last_used_user_agent, token.use_count

    return noted


def test_a_new_token_was_never_used(at_acme, use):
    assert use() == (None, None, "", 0)


def test_the_first_use_is_noted_at_once(at_acme, use):
    at_acme.get("/Users", headers=ENTRA)

    assert use() == ("10:00:00", "127.0.0.1", "AzureAD-Provisioning/1.0", 1)


def test_uses_that_follow_are_counted_and_noted_once_a_minute(at_acme, use, later):
    for _ in range(6):
        at_acme.get("/Users")
        later(10)
    assert use() == ("10:00:00", "127.0.0.1", "", 1)

    at_acme.get("/Users", headers=ENTRA)

    assert use() == ("10:01:00", "127.0.0.1", "AzureAD-Provisioning/1.0", 7)


def test_most_requests_do_not_write_the_token(at_acme, statements):
    at_acme.get("/Users")

    with statements() as executed:
        for number in range(10):
            at_acme.post("/Users", user(f"u{number}"))

    assert not any("UPDATE accounts_secrettoken" in each for each in executed)


def test_a_refused_request_was_a_use_all_the_same(at_acme, use):
    assert at_acme.post("/Users", {}).status == 400

    assert use() == ("10:00:00", "127.0.0.1", "", 1)


def test_a_refused_token_was_not_used(at_acme, acme, use):
    ScimClient(acme, at_acme.token[:-1]).post("/Users", BJENSEN)

    assert use() == (None, None, "", 0)


def test_a_user_agent_is_cut_and_harmless(at_acme, use):
    at_acme.get("/Users", headers={"User-Agent": "x" * 500 + "\r\n\0"})

    assert use()[2] == "x" * 200
