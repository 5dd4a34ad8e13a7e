"""Each descriptor is told to one of the threads that wait for it, once each time it is asked for."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.readiness import Readiness

SECONDS = 20


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_descriptor_is_told_once_each_time_it_is_asked_for(pair):
    ours, theirs = pair
    readiness = Readiness()
    theirs.send(b"x")

    told = []
    for _ in range(2):
        readiness.ask(ours.fileno())
        told += [readiness.wait(SECONDS), readiness.wait(0)]

    assert told == [ours.fileno(), None] * 2


def test_one_of_many_threads_is_told(pair):
    ours, theirs = pair
    readiness = Readiness()
    readiness.ask(ours.fileno())
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(readiness.wait, SECONDS) for _ in range(4)]

        theirs.send(b"x")
        readiness.ring(3)

    assert sorted(each.result() or 0 for each in waiting) == [0, 0, 0, ours.fileno()]


def test_a_ring_is_for_one_thread():
    readiness = Readiness()

    readiness.ring()

    assert readiness.wait(SECONDS) is None
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(readiness.wait, SECONDS)
        assert not waiting.done()
        readiness.ring(2)
    assert waiting.result() is None
    assert readiness.wait(SECONDS) is None


def test_more_rings_than_fit_block_nobody():
    Readiness().ring(1_000_000)


def test_a_descriptor_that_is_closed_is_refused(pair):
    ours, _ = pair
    readiness = Readiness()
    number = ours.fileno()
    ours.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        readiness.ask(number)
