"""The world of the screens, and the worker's job of indexing."""

from datetime import timedelta

import pytest
import time_machine

from scim.finding import index
from tenants import clock
from tests.support.at_screens import *


@pytest.fixture
def work():
    """`work()`: have the worker index what is due, a minute from now; the number of pieces."""

    def until_done(minutes=1):
        pieces = 0
        with time_machine.travel(clock.now() + timedelta(minutes=minutes)):
            for tenant in index.tenants_with_work():
                pieces += 1
                while index.advance(tenant):
                    pieces += 1
        return pieces

    return until_done
