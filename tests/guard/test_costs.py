"""The statements of the guard, beside those that a request needs anyway (tests/api/test_statements.py)."""

import pytest

from tests.support.payloads import replace


@pytest.mark.parametrize(
    ("method", "body", "status", "number"),
    [("DELETE", None, 204, 5), ("PATCH", replace("active", "False"), 200, 4)],
)
def test_a_user_who_leaves_costs_one_more_for_the_guard(method, body, status, number, cost, warm):
    assert cost(status, method, warm, body) == number
