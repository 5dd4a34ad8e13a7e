"""The state of a tenant's connection after its client's requests, seen through HTTP."""

import pytest

from accounts import actions
from accounts.models import SecretToken
from tenants import clock as clocks
from tenants import connectivity, traffic
from tenants.current import in_public, in_tenant
from tenants.models import Traffic, TrafficDay
from tests.support import oauth, people
from tests.support.clients import ScimClient
from tests.support.installed import needs
from tests.support.payloads import BJENSEN, JSMITH, replace, user


@pytest.fixture
def state(acme):
    """`state()`: what staff read of acme's connection now, and why it fails."""

    def read():
        found = connectivity.connection_of(acme, clocks.now())
        return found.state.name, found.failure.reason if found.failure else ""

    return read


@pytest.fixture
def today():
    """`today(tenant)`: requests and failures, all that was counted."""

    def read(tenant):
        traffic.flush()
        with in_public():
            return (
                TrafficDay.objects.filter(tenant=tenant).values_list("requests", "failures").first()
            )

    return read


def test_the_first_request_connects_the_tenant_at_once_and_no_other(at_acme, globex, state):
    assert state() == ("never", "")

    at_acme.get("/Users", filter='userName eq "c9b1"')

    assert state() == ("connected", "")
    assert connectivity.connection_of(globex, clocks.now()).state.name == "never"


def test_a_wrong_token_before_the_first_good_one_is_told(at_acme, acme, state):
    ScimClient(acme, at_acme.token[:-1]).get("/Users")

    assert state() == ("failing", "token.malformed")


def test_a_wrong_token_of_anybody_beside_a_good_one_is_counted_only(at_acme, acme, state, today):
    at_acme.get("/Users")
    ScimClient(acme, None).get("/Users")

    assert today(acme) == (2, 1)
    assert state() == ("connected", "")


def test_a_revoked_token_is_a_failure_at_once(at_acme, acme, state, later):
    at_acme.get("/Users")
    with in_tenant(acme):
        token = SecretToken.objects.get()
    actions.revoke_token(people.COMMAND, acme, token.id)
    later(2)

    at_acme.get("/Users")

    assert state() == ("failing", "token.revoked")


def minted(tenant, label):
    """Another secret token of the tenant: its client, and its id."""
    admin = people.tenant_admin(tenant)
    request = actions.TokenRequest(label, admin.email, days=90)
    made = actions.mint_token(people.COMMAND, tenant, request)
    return ScimClient(tenant, made.value), made.token


def test_a_revoked_token_beside_one_that_works_is_told_and_no_failure(at_acme, acme, later):
    old, token = minted(acme, "HR export")
    at_acme.get("/Users")
    actions.revoke_token(people.COMMAND, acme, token.id)
    later(180)

    old.get("/Users", headers={"User-Agent": "curl/8.5"})
    later(2)

    found = connectivity.connection_of(acme, clocks.now())
    assert (found.state.name, found.failure) == ("connected", None)
    assert (found.beside.reason, found.beside.credential, found.beside.user_agent) == (
        "token.revoked",
        f"secret token HR export ({token.public_id})",
        "curl/8.5",
    )
    assert found.sentence == "Connected, last request 3 minutes ago."


def test_the_token_that_entra_uses_is_a_failure_though_another_was_used_an_hour_ago(
    at_acme, acme, state, later
):
    other, _ = minted(acme, "HR export")
    other.get("/Users")
    later(3600)
    at_acme.get("/Users")
    with in_tenant(acme):
        token = SecretToken.objects.get(label="Microsoft Entra ID")
    actions.revoke_token(people.COMMAND, acme, token.id)
    later(2)

    at_acme.get("/Users")
    refused = state()
    other.get("/Users")
    traffic.flush()

    assert refused == ("failing", "token.revoked")
    assert state() == ("connected", "")


@needs("problems")
def test_a_user_that_is_refused_needs_attention_until_it_succeeds_though_others_do(
    at_acme, acme, state, write_problems
):
    other, _ = minted(acme, "HR export")
    at_acme.post("/Users", {name: value for name, value in BJENSEN.items() if name != "emails"})
    other.post("/Users", JSMITH)
    write_problems()
    refused = state()
    at_acme.post("/Users", BJENSEN)
    write_problems()
    traffic.flush()

    assert refused == ("attention", "")
    assert state() == ("connected", "")


@needs("problems")
def test_a_filter_that_is_refused_needs_attention_until_a_look_up_succeeds(
    at_acme, state, write_problems
):
    at_acme.get("/Users", filter="userName eq")
    write_problems()
    refused = state()
    at_acme.get("/Users", filter='userName eq "c9b1"')
    write_problems()

    assert refused == ("attention", "")
    assert state() == ("connected", "")


def test_a_refusal_at_one_tenant_says_nothing_of_another(at_acme, at_globex, acme, globex):
    old, token = minted(acme, "HR export")
    at_acme.get("/Users")
    at_globex.get("/Users")
    actions.revoke_token(people.COMMAND, acme, token.id)
    old.get("/Users")
    traffic.flush()

    assert connectivity.connection_of(acme, clocks.now()).beside is not None
    assert connectivity.connection_of(globex, clocks.now()).beside is None


def test_an_access_token_that_has_expired_is_part_of_working(acme, state, later):
    client = oauth.scim_client(acme, oauth.create(acme))
    client.get("/Users")
    later(3601)

    assert client.get("/Users").status == 401
    assert state() == ("connected", "")


def test_a_revoked_client_secret_beside_one_that_works_is_told_and_no_failure(acme, state, later):
    created = oauth.create(acme)
    old = oauth.scim_client(acme, created)
    added = actions.add_client_secret(people.COMMAND, acme, created.client.pk, 1)
    oauth.scim_client(acme, added).get("/Users")
    actions.revoke_client_secret(people.COMMAND, acme, created.secret.pk)
    later(2)

    statuses = [old.get("/Users").status, oauth.ask(acme, oauth.grant(created)).status_code]
    traffic.flush()

    assert statuses == [401, 401]
    assert state() == ("connected", "")
    beside = connectivity.connection_of(acme, clocks.now()).beside
    assert beside.credential == f"client secret {created.secret}"


def test_a_user_that_is_not_there_is_part_of_working(at_acme, state, acme, today):
    at_acme.get("/Users")
    at_acme.get("/Users/019ab8c4-0000-7000-8000-000000000001")

    assert today(acme) == (2, 1)
    assert state() == ("connected", "")


def test_an_oauth_client_that_is_refused_is_told(acme, state):
    form = "grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    client = ScimClient(acme, None).http

    client.post("/scim/oauth/token", form, "application/x-www-form-urlencoded")

    assert state() == ("failing", "client.malformed")


def test_attributes_of_bodies_are_kept_as_names_without_values(at_acme, bjensen, acme):
    at_acme.patch(f"/Users/{bjensen['id']}", replace("active", "False"))
    traffic.flush()

    with in_public():
        marks = Traffic.objects.get(tenant=acme).marks
    assert {"user created", "userName", "externalId", "active", "legacy PATCH"} <= set(marks)
    assert set(marks.values()) == {"2026-11-25T10:00:00+00:00"}


def test_counting_costs_most_requests_no_statement(at_acme, statements):
    at_acme.post("/Users", user("u0"))

    with statements() as executed:
        for number in range(1, 11):
            at_acme.post("/Users", user(f"u{number}"))

    assert not any("tenants_traffic" in each for each in executed)
