"""A client of acme's, as the Entra provisioning service is."""

import pytest


@pytest.fixture
def at_acme(acme, scim):
    return scim(acme)
