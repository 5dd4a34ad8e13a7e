"""The number of statements of a request, beside BEGIN, SET and COMMIT (docs/performance.md).

The tenant is known and the reads have been logged for this minute: what remains is the token's
look-up and the work itself. A create, its history and its event are one statement.
"""

import pytest

from tests.support.payloads import BJENSEN, JSMITH, replace, user


def test_a_look_up_is_one_statement_beside_the_token(cost):
    assert cost(200, "GET", "/Users?filter=userName+eq+%22bjensen@acme.example%22") == 2
    assert cost(200, "GET", "/Users") == 2
    assert cost(200, "POST", "/.search", {"filter": 'userName eq "bjensen@acme.example"'}) == 2


def test_a_read_is_one_statement_beside_the_token(cost, warm):
    assert cost(200, "GET", warm) == 2


def test_the_groups_of_all_who_are_shown_are_one_statement_more(cost, warm, at_acme):
    mine = [warm.removeprefix("/Users/"), at_acme.post("/Users", JSMITH).json["id"]]
    members = [{"value": each} for each in mine]
    at_acme.post("/Groups", {"displayName": "Guides", "externalId": "g", "members": members})

    assert cost(200, "GET", warm) == 3
    assert cost(200, "GET", "/Users") == 3
    assert cost(200, "GET", "/Users?filter=userName+eq+%22bjensen@acme.example%22") == 3
    assert cost(200, "GET", f"{warm}?excludedAttributes=groups") == 2


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


def test_a_disabled_user_who_is_deleted_costs_one_statement_more_than_a_change(cost, warm, at_acme):
    at_acme.patch(warm, replace("active", "False"))

    assert cost(204, "DELETE", warm) == 4  # and the user leaves its groups


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
