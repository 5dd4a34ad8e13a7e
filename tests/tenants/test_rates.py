"""Limits are counted by all processes of a server together, and never lower than they say."""

import subprocess
import sys
import uuid

import pytest
from django.conf import settings

from tenants.rates import Buckets, Rate

RATE = Rate(per_second=50, burst=200)
# Four processes count at once, each 500 times, and one is killed while it has the lock. They try until they
# have it: how many counts would be left out depends on the machine.
TOGETHER = """
import fcntl, os, signal
from tenants import rates
from tenants.rates import Buckets, Rate
rates._TRIES = 10**9
buckets, key, rate = Buckets(), bytes(16), Rate(1, 1)
if os.fork() == 0:
    fcntl.lockf(buckets._file, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGKILL)
os.wait()
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        for _ in range(500):
            buckets.count(key, rate, 0.0)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
print(buckets.wait(key, rate, 0.0))
"""
# While another process has the lock, a count is left out.
HELD = """
import fcntl, os
from tenants.rates import Buckets, Rate
buckets, key, rate = Buckets(), bytes(16), Rate(1, 1)
fcntl.lockf(buckets._file, fcntl.LOCK_EX)
if os.fork() == 0:
    buckets.count(key, rate, 0.0)
    os._exit(0)
os.wait()
print(buckets.wait(key, rate, 0.0))
"""


@pytest.fixture
def buckets():
    """One set of eight places."""
    return Buckets(sets=1)


def new_key():
    return uuid.uuid4().bytes


def passed(buckets, key, number, at):
    """The number of events, of so many at a moment, that had room."""
    found = 0
    for _ in range(number):
        if not buckets.wait(key, RATE, at):
            buckets.count(key, RATE, at)
            found += 1
    return found


def test_a_burst_passes_and_what_exceeds_it_does_not(buckets):
    assert passed(buckets, new_key(), 1000, at=100.0) == 200


def test_afterwards_the_rate_passes_for_ever(buckets):
    key = new_key()
    passed(buckets, key, 1000, at=100.0)

    assert [passed(buckets, key, 1000, at=100.0 + second) for second in range(1, 6)] == [50] * 5


def test_a_sender_within_the_rate_never_waits(buckets):
    key = new_key()

    assert sum(passed(buckets, key, 1, at=100 + number / 50) for number in range(2000)) == 2000


def test_a_bucket_that_has_emptied_takes_a_burst_again(buckets):
    key = new_key()
    passed(buckets, key, 1000, at=100.0)

    assert passed(buckets, key, 1000, at=104.0) == 200


@pytest.mark.parametrize(("per_second", "seconds"), [(50, 1), (0.25, 4), (0.1, 10)])
def test_the_wait_is_a_whole_number_of_seconds(buckets, per_second, seconds):
    key, rate = new_key(), Rate(per_second, burst=2)
    for _ in range(2):
        buckets.count(key, rate, 100.0)

    assert buckets.wait(key, rate, 100.0) == seconds


def test_each_key_has_a_bucket_of_its_own(buckets):
    first, second = new_key(), new_key()
    passed(buckets, first, 1000, at=100.0)

    assert passed(buckets, second, 10, at=100.0) == 10


def test_an_empty_bucket_gives_its_place_to_another(buckets):
    for _ in range(8):
        passed(buckets, new_key(), 1000, at=100.0)

    key = new_key()
    passed(buckets, key, 1000, at=104.0)

    assert buckets.wait(key, RATE, 104.0) == 1


def test_without_a_place_nobody_waits(buckets):
    full = [new_key() for _ in range(8)]
    for key in full:
        passed(buckets, key, 1000, at=100.0)

    assert passed(buckets, new_key(), 1000, at=100.0) == 1000
    assert {buckets.wait(key, RATE, 100.0) for key in full} == {1}


def test_no_rate_is_no_limit(buckets):
    key, none = new_key(), Rate(0, 200)
    for _ in range(1000):
        buckets.count(key, none, 100.0)

    assert buckets.wait(key, none, 100.0) == 0


def printed_by(program):
    """The number that the program prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_processes_count_together_and_a_killed_one_holds_nobody_up():
    assert printed_by(TOGETHER) == 2000


def test_a_process_that_has_the_lock_is_not_waited_for():
    assert printed_by(HELD) == 0
