"""The means of other tests: an error in one of them leaves no thread that waits for what it holds."""

import time

import pytest
from django.db import DatabaseError

from tenants.backend.base import execute
from tenants.current import in_tenant
from tests.support import meeting

LOCK = "SELECT pg_advisory_xact_lock(71)::text"


def test_an_error_ends_what_waits_for_the_lock_of_the_thread_that_has_it(real_tenants):
    initech, _ = real_tenants
    waiting = []

    def lock():
        with in_tenant(initech):
            execute(LOCK)

    def fail():
        with in_tenant(initech), meeting.starting() as start:
            execute(LOCK)
            waiting.append(start(lock))
            meeting.until_waiting(1)
            raise ZeroDivisionError

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        fail()

    assert time.monotonic() - began < 60
    [locking] = waiting
    with pytest.raises(DatabaseError, match="canceling statement"):
        locking.result()
