"""The number of statements of a request, beside BEGIN, SET and COMMIT (docs/performance.md).

The tenant is known and the reads have been logged for this minute: what remains is the token's
look-up and the work itself. A create, its history and its event are one statement.
"""

import pytest

from scim.events.models import DeliveryMethod
from tests.support import streams
from tests.support.payloads import BJENSEN, JSMITH, replace, user

TOKEN = "FROM accounts_secrettoken"
HOST = 'FROM "tenants_tenant"'


@pytest.fixture
def warm(at_acme, bjensen):
    """bjensen's path, after a read of each kind has been logged."""
    path = f"/Users/{bjensen['id']}"
    at_acme.get(path)
    at_acme.get("/Users", filter='userName eq "x"')
    at_acme.get("/Users")
    at_acme.get("/Schemas")
    at_acme.post("/.search", {"filter": 'userName eq "x"'})
    return path


@pytest.fixture
def cost(at_acme, warm, statements):
    """`cost(status, method, path, body)`: the statements of a request that has that answer."""

    def count(status, method, path, body=None, **options):
        with statements() as executed:
            answer = at_acme.send(method, path, body, **options)
        assert answer.status == status
        known = [each for each in executed if HOST not in each]  # looked up once a second
        assert TOKEN in known[0]
        return len(known)

    return count


def test_a_look_up_is_one_statement_beside_the_token(cost):
    assert cost(200, "GET", "/Users?filter=userName+eq+%22bjensen@acme.example%22") == 2
    assert cost(200, "GET", "/Users") == 2
    assert cost(200, "POST", "/.search", {"filter": 'userName eq "bjensen@acme.example"'}) == 2


def test_a_read_is_one_statement_beside_the_token(cost, warm):
    assert cost(200, "GET", warm) == 2


def test_discovery_reads_no_table_beside_the_token(cost):
    assert cost(200, "GET", "/Schemas") == 1


def test_a_create_with_history_and_event_is_one_statement_beside_the_token(cost):
    assert cost(201, "POST", "/Users", JSMITH) == 2


def test_a_create_with_many_attributes_is_not_more(cost):
    many = user("many", emails=[{"type": f"t{n}", "value": f"{n}@x.org"} for n in range(100)])
    many["emails"][0]["type"] = "work"

    assert cost(201, "POST", "/Users", many) == 2


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("PATCH", replace("title", "Guide"), 200),
        ("PATCH", replace("userName", "barbara@acme.example"), 200),
        ("PUT", {**BJENSEN, "title": "Guide"}, 200),
    ],
)
def test_a_change_is_a_locked_read_and_one_write_beside_the_token(method, body, status, cost, warm):
    assert cost(status, method, warm, body) == 3


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("DELETE", None, 204), ("PATCH", replace("active", "False"), 200)],
)
def test_a_user_who_leaves_costs_one_more_for_the_guard(method, body, status, cost, warm):
    assert cost(status, method, warm, body) == 4


def test_a_disabled_user_who_is_deleted_costs_what_any_change_does(cost, warm, at_acme):
    at_acme.patch(warm, replace("active", "False"))

    assert cost(204, "DELETE", warm) == 3


def test_a_change_that_changes_nothing_writes_only_its_event(cost, warm):
    assert cost(200, "PATCH", warm, replace("active", "True")) == 3


def test_a_refusal_writes_its_event_afterwards(cost, warm):
    assert cost(400, "POST", "/Users", b"{") == 2
    assert cost(409, "POST", "/Users", BJENSEN) == 3
    assert cost(404, "GET", "/Users/019ab8c4-0000-7000-8000-000000000001") == 3
    assert cost(412, "DELETE", warm, headers={"If-Match": '"9"'}) == 3


def test_the_cost_of_a_list_does_not_grow_with_the_list(cost, at_acme):
    for number in range(20):
        at_acme.post("/Users", user(f"u{number}"))

    assert cost(200, "GET", "/Users") == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_stream_that_wants_a_change_costs_one_statement_more(method, cost, warm, acme):
    streams.created(acme, DeliveryMethod.POLL)
    streams.created(acme, DeliveryMethod.POLL)

    match method:
        case "POST":
            assert cost(201, "POST", "/Users", JSMITH) == 3
        case "PATCH":
            assert cost(200, "PATCH", warm, replace("title", "Guide")) == 4
        case _:
            assert cost(204, "DELETE", warm) == 5  # one of them for the guard


def test_a_stream_that_wants_other_changes_costs_none(cost, warm, acme):
    only = (f"{streams.PROV}delete",)
    streams.created(acme, DeliveryMethod.POLL, event_uris=only)

    assert cost(201, "POST", "/Users", JSMITH) == 2
    assert cost(200, "PATCH", warm, replace("title", "Guide")) == 3
