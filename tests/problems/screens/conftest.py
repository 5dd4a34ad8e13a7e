"""The world of the screens, with something that is refused."""

import pytest

from scim.problems import ledger
from tests.support.at_screens import *


@pytest.fixture(autouse=True)
def empty_ledger():
    """Nothing of other tests is counted, and nothing is left to them."""
    ledger.forget()
    yield
    ledger.forget()
