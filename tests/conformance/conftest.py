"""A client of acme's, and two users of the RFC."""

import pytest

from tests.support.payloads import BJENSEN, JSMITH, patch


@pytest.fixture
def at_acme(acme, scim):
    return scim(acme)


@pytest.fixture
def bjensen(at_acme):
    return at_acme.post("/Users", BJENSEN).json


@pytest.fixture
def jsmith(at_acme):
    return at_acme.post("/Users", JSMITH).json


@pytest.fixture
def change(at_acme, bjensen):
    """`change(operation, …)`: the answer to a PATCH of bjensen."""
    return lambda *operations: at_acme.patch(f"/Users/{bjensen['id']}", patch(*operations))
