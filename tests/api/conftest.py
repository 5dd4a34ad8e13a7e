"""The moment of these tests stands still, and they have the rights of the login that serves."""

import pytest

from tests.support import database
from tests.support.over_http import *


@pytest.fixture(autouse=True)
def _stands_still(clock):
    """Also where no fixture asks for the clock."""


@pytest.fixture(autouse=True)
def _served(request):
    """Requests are answered without the owner's rights, as in production (decision 0081)."""
    if "db" not in request.fixturenames or "real_tenants" in request.fixturenames:
        yield
        return
    request.getfixturevalue("db")
    with database.served():
        yield
