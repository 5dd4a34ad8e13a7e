"""The guard's part of every test."""

import pytest

from scim.guard import watch
from scim.guard.undoing import change_guard
from tenants.models import Guard
from tests.support.people import COMMAND


@pytest.fixture(autouse=True)
def _no_look_is_remembered():
    """The last test may have had departures."""
    watch.forget()


@pytest.fixture
def guarded():
    """`guarded(tenant)`: the first user who leaves is an alarm."""
    strict = Guard(share_percent=1, least=1, holds=False)
    return lambda tenant: change_guard(COMMAND, tenant, strict)
