"""The ledger of problems, for the tests of every feature."""

import pytest

from scim.problems import ledger


@pytest.fixture(autouse=True)
def _empty_ledger():
    """Nothing of other tests is counted, and nothing is left to them."""
    ledger.forget()
    yield
    ledger.forget()


@pytest.fixture
def write_problems():
    """`write_problems()`: what was counted is in the registry, as a thread has it every two seconds."""
    return ledger.flush
