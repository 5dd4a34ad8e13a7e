"""PostgreSQL stands still (SIGSTOP): it refuses nothing, it ends nothing, it answers nothing."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.postgres import postmaster_pid
from tests.support.scheduling import busy_seconds, family_of
from tests.support.server import children, new_server

pytestmark = pytest.mark.e2e

REQUESTS = 12  # more than there are threads
PROMISED = 10  # seconds, in which a request ends (docs/security.md)


@pytest.fixture
def server():
    with new_server(embedded=True, WEB_CONCURRENCY="2") as made:
        made.start()
        yield made


@contextmanager
def frozen(server):
    """No process of its PostgreSQL runs meanwhile."""
    postmaster = postmaster_pid(server.folder / "data")
    os.kill(postmaster, signal.SIGSTOP)
    try:
        sessions = children(postmaster)  # nobody starts another, or buries one that has ended
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in sessions:
                os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(postmaster, signal.SIGCONT)


def timed(server):
    """The answer to a request, and the seconds that it took."""
    began = time.monotonic()
    answer = server.scim("GET", "/Users")
    return answer, time.monotonic() - began


def test_every_request_is_answered_in_time_and_so_are_probes_meanwhile(server):
    """In time: however busy the machine is, the server itself waits no longer than promised."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        all(pool.map(lambda _: server.scim("GET", "/Users").status == 200, range(REQUESTS)))
        processes = [os.getpid(), *family_of(server.process.pid)]
        before = busy_seconds(processes)
        with frozen(server):
            waiting = [pool.submit(timed, server) for _ in range(REQUESTS)]
            live = [server.request("GET", "/livez").status for _ in range(10)]
            ready = server.request("GET", "/readyz")
            were_waiting = not any(each.done() for each in waiting)
            answers, seconds = zip(*(each.result() for each in waiting), strict=True)
        of_the_machine = busy_seconds(processes) - before

    after = [server.scim("GET", "/Users").status for _ in range(REQUESTS)]
    assert were_waiting
    assert max(seconds) - of_the_machine <= PROMISED
    assert (live, ready.status) == ([200] * 10, 503)
    assert {answer.status for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert {answer.json["status"] for answer in answers} == {"503"}
    assert after == [200] * REQUESTS
