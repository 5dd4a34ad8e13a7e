"""The statements of event streams, beside those that a request needs anyway (tests/api/test_statements.py)."""

import pytest

from scim.events.models import DeliveryMethod
from tests.events import streams
from tests.support.installed import needs
from tests.support.payloads import JSMITH, replace


@pytest.mark.parametrize("method", ["POST", "PATCH", pytest.param("DELETE", marks=needs("guard"))])
def test_streams_that_want_a_change_cost_three_statements_more(method, cost, warm, acme):
    streams.created(acme, DeliveryMethod.POLL)
    streams.created(acme, DeliveryMethod.POLL)

    match method:
        case "POST":
            assert cost(201, "POST", "/Users", JSMITH) == 5
        case "PATCH":
            assert cost(200, "PATCH", warm, replace("title", "Guide")) == 6
        case _:
            assert cost(204, "DELETE", warm) == 8  # one for the guard, one for groups of the user


def test_a_stream_that_wants_other_changes_costs_none(cost, warm, acme):
    only = (f"{streams.PROV}delete",)
    streams.created(acme, DeliveryMethod.POLL, event_uris=only)

    assert cost(201, "POST", "/Users", JSMITH) == 2
    assert cost(200, "PATCH", warm, replace("title", "Guide")) == 3
