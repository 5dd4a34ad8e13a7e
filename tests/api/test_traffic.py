"""What the requests of a tenant's client make of its connection, seen through HTTP."""

import pytest

from accounts import actions
from accounts.models import SecretToken
from tenants import clock as clocks
from tenants import connection, traffic
from tenants.current import in_public, in_tenant
from tenants.models import Traffic, TrafficDay
from tests.support import people
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, JSMITH, replace, user


@pytest.fixture
def state(acme):
    """`state()`: what staff read of acme's connection now, and why it fails."""

    def read():
        found = connection.connection_of(acme, clocks.now())
        return found.state.name, found.failure

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
    assert connection.connection_of(globex, clocks.now()).state.name == "never"


def test_a_wrong_token_before_the_first_good_one_is_told(at_acme, acme, state):
    ScimClient(acme, at_acme.token[:-1]).get("/Users")

    assert state() == ("failing", "401 malformed")


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

    assert state() == ("failing", "401 revoked")


def test_a_refused_user_is_a_failure_until_one_is_accepted(at_acme, state, later):
    at_acme.post("/Users", BJENSEN)
    later(2)
    at_acme.post("/Users", BJENSEN)
    at_acme.get("/Users")
    refused = state()
    later(2)

    at_acme.post("/Users", JSMITH)

    assert refused == ("failing", "409 uniqueness")
    assert state() == ("connected", "")


def test_a_user_that_is_not_there_is_part_of_working(at_acme, state, acme, today):
    at_acme.get("/Users")
    at_acme.get("/Users/019ab8c4-0000-7000-8000-000000000001")

    assert today(acme) == (2, 1)
    assert state() == ("connected", "")


def test_a_filter_that_is_refused_keeps_entra_from_working(at_acme, state):
    at_acme.get("/Users", filter="userName eq")

    assert state() == ("failing", "400 invalidFilter")


def test_an_oauth_client_that_is_refused_is_told(acme, state):
    form = "grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    client = ScimClient(acme, None).http

    client.post("/scim/oauth/token", form, "application/x-www-form-urlencoded")

    assert state() == ("failing", "token invalid_client")


def test_what_bodies_carry_is_kept_as_names_without_values(at_acme, bjensen, acme):
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
