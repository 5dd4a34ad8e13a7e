"""The moment of these tests stands still."""

import pytest

from tests.support.over_http import *


@pytest.fixture(autouse=True)
def _stands_still(clock):
    """Also where no fixture asks for the clock."""
