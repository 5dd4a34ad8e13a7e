"""A request that waits too long for PostgreSQL loses its connection, and no other request does."""

import threading
import time

import pytest
from django.db import OperationalError, connection

from tenants import deadlines
from tenants.outages import is_disconnection
from tests.support.meeting import until_waiting
from tests.support.waiting import WITHIN

LOCK = "SELECT pg_advisory_xact_lock(70)"
LATE = deadlines.MOST_SECONDS
PROMISED = 10  # seconds, in which a request ends (docs/security.md)


class Request(threading.Thread):
    """A request in a thread of its own, which waits for a lock that the test holds."""

    def __init__(self, *, has_come_before=0.0):
        super().__init__(daemon=True)
        self.since = time.monotonic() - has_come_before
        self.error = self.second_error = self.afterwards = None

    def run(self):
        try:
            with deadlines.watched(self.since):
                self.error = self._error_of(LOCK)
                connection.close()  # as config.edge.outermost does
                self.second_error = self._error_of("SELECT 1")
            self.afterwards = self._error_of("SELECT 1")
        finally:
            connection.close()

    def _error_of(self, statement):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except OperationalError as error:
            return error
        return None

    def started(self):
        self.start()
        until_waiting(1)  # for the lock: its connection has waited for other answers before
        return self


@pytest.fixture
def locked(db):
    """Every request waits for this test, which ends them all."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


@pytest.mark.usefixtures("locked")
def test_a_request_that_waits_too_long_is_cut_off():
    request = Request().started()

    at = request.since + LATE
    cut = [deadlines.look(at), deadlines.look(at + 0.5), deadlines.look(at + 1.1)]
    request.join(WITHIN)

    assert cut == [0, 0, 1]
    assert is_disconnection(request.error)


def test_the_parts_of_the_time_are_together_what_is_promised():
    """Looks come at intervals: one finds that the request is late, another that it is stuck."""
    looks = 2 * deadlines._LOOK_SECONDS

    assert LATE + deadlines.STUCK_SECONDS + looks < PROMISED


@pytest.mark.usefixtures("locked")
def test_it_opens_no_other_connection_and_the_next_request_of_its_thread_does():
    request = Request().started()

    for seconds in (LATE, LATE + 2):
        deadlines.look(request.since + seconds)
    request.join(WITHIN)

    assert "no connection is opened" in str(request.second_error)
    assert request.afterwards is None


@pytest.mark.usefixtures("locked")
def test_a_request_in_time_and_one_that_gets_answers_go_on():
    request = Request().started()
    line = deadlines._lines[request.ident]

    in_time = [deadlines.look(request.since + LATE - 0.1) for _ in range(2)]
    answered = []
    for seconds in range(5):  # each time it has sent something else
        line.sent += 1
        answered.append(deadlines.look(request.since + LATE + seconds))
    for seconds in (10, 12):
        deadlines.look(request.since + LATE + seconds)
    request.join(WITHIN)

    assert (in_time, answered) == ([0, 0], [0] * 5)


def test_a_thread_without_a_request_has_all_the_time(db):
    assert deadlines.look(time.monotonic() + 3600) == 0
    assert not deadlines.is_late()
    deadlines.check_time_to_connect()


def test_a_request_that_has_waited_for_its_thread_is_late():
    with deadlines.watched(time.monotonic() - LATE):
        assert deadlines.is_late()
    with deadlines.watched(time.monotonic()):
        assert not deadlines.is_late()


class WaitingLine(deadlines.Line):
    """The line of a connection that has sent one message and waits for its answer."""

    sent = 1
    is_waiting = True

    def __init__(self):
        """No connection, so that none is cut."""


def test_waiting_is_counted_anew_on_another_connection():
    """Threads share their connections, and two may have sent as many messages."""
    now, one, other = time.monotonic(), WaitingLine(), WaitingLine()

    with deadlines.watched(now - LATE):
        found = []
        for seconds, line in ((0, one), (0.9, other), (1.8, other), (2.0, other)):
            deadlines.note_line(line)
            found.append(deadlines.look(now + seconds))

    assert found == [0, 0, 0, 1]


def test_a_connection_that_another_thread_has_by_now_is_not_cut():
    now = time.monotonic()

    with deadlines.watched(now - LATE):
        deadlines.note_line(WaitingLine())
        assert deadlines.look(now) == 0
        deadlines.note_line(None)

        assert deadlines.look(now + 2) == 0
