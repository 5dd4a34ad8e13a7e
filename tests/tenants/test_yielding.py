"""A request that computes for long lets the others of its process go first."""

import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from tenants import deadlines, yielding
from tests.support.waiting import WITHIN

TURN = yielding.TURN_SECONDS


class Clock:
    """A steady clock that goes on while somebody sleeps, and by `works`."""

    def __init__(self):
        self.now = 0.0
        self.sleeps = 0
        self.at_sleep = {}  # what happens at the sleep of that number

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.sleeps += 1
        self.at_sleep.get(self.sleeps, lambda: None)()

    def works(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(yielding, "time", made)
    return made


class Other(threading.Thread):
    """Another request of the process, until it ends."""

    def __init__(self):
        super().__init__(daemon=True)
        self._is_there, self._may_end = threading.Event(), threading.Event()

    def run(self):
        with deadlines.watched(time.monotonic()):
            self._is_there.set()
            self._may_end.wait(WITHIN)

    def come(self):
        self.start()
        assert self._is_there.wait(WITHIN)

    def end(self):
        self._may_end.set()
        self.join()


@pytest.fixture
def other():
    made = Other()
    made.come()
    yield made
    made.end()


@contextmanager
def computing():
    with deadlines.watched(time.monotonic()), yielding.computing():
        yield


def test_it_waits_before_the_next_item_until_the_other_request_has_ended(clock, other):
    clock.at_sleep[3] = other.end

    with computing():
        clock.works(1)
        came = [(item, clock.sleeps) for item in yielding.in_turns(["first", "second"])]

    assert came == [("first", 3), ("second", 3)]


@pytest.mark.usefixtures("other")
def test_it_waits_for_no_longer_than_it_has_worked(clock):
    slept = []

    with computing():
        for _ in yielding.in_turns(range(3)):
            slept.append(clock.sleeps)
            clock.works(4 * TURN)

    assert slept == pytest.approx([0, 4, 8], abs=1)  # glances


@pytest.mark.usefixtures("other")
def test_it_waits_for_a_second_in_all(clock):
    with computing():
        clock.works(100)
        list(yielding.in_turns(range(3)))

    assert clock.sleeps * TURN == pytest.approx(yielding.MOST_SECONDS, abs=2 * TURN)


def test_alone_it_does_not_wait(clock):
    with computing():
        clock.works(1)
        list(yielding.in_turns(range(3)))

    assert clock.sleeps == 0


@pytest.mark.usefixtures("other")
def test_a_part_that_computes_goes_on_counting_what_was_waited_for(clock):
    with computing():
        clock.works(100)
        with yielding.computing():
            list(yielding.in_turns("ab"))
        list(yielding.in_turns("ab"))

    assert clock.sleeps * TURN == pytest.approx(yielding.MOST_SECONDS, abs=2 * TURN)


@pytest.mark.usefixtures("other")
def test_a_request_that_is_not_said_to_compute_does_not_wait(clock):
    assert (list(yielding.in_turns("ab")), clock.sleeps) == (["a", "b"], 0)


def test_two_that_compute_do_not_wait_for_each_other(clock):
    slept = []

    def compute():
        with computing():
            clock.works(1)
            list(yielding.in_turns(range(3)))
            slept.append(clock.sleeps)

    with computing():
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()

    assert slept == [0]


def test_threads_change_often_while_one_computes_and_as_usual_afterwards():
    usual = sys.getswitchinterval()
    turns = []

    def fail():
        with suppress(ZeroDivisionError), computing():
            turns.append(sys.getswitchinterval())
            1 / 0  # noqa: B018  # it fails

    with computing():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        turns.append(sys.getswitchinterval())

    assert (turns, sys.getswitchinterval()) == ([pytest.approx(TURN)] * 2, usual)
