"""Two tenants as the Entra provisioning service reaches them, and a ledger of their own."""

import pytest

from scim.problems import ledger
from tests.support.over_http import *


@pytest.fixture(autouse=True)
def empty_ledger():
    """Nothing of other tests is counted, and nothing is left to them."""
    ledger.forget()
    yield
    ledger.forget()
