"""PostgreSQL stands still (SIGSTOP): it refuses nothing, it ends nothing, it answers nothing."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.postgres import postmaster_pid
from tests.support.server import _children, new_server

pytestmark = pytest.mark.e2e

REQUESTS = 12  # more than there are threads


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
        sessions = _children(postmaster)  # nobody starts another, or buries one that has ended
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in sessions:
                os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(postmaster, signal.SIGCONT)


def test_every_request_is_answered_and_so_are_probes_meanwhile(server):
    with ThreadPoolExecutor(REQUESTS) as pool:
        all(pool.map(lambda _: server.scim("GET", "/Users").status == 200, range(REQUESTS)))
        with frozen(server):
            waiting = [pool.submit(server.scim, "GET", "/Users") for _ in range(REQUESTS)]
            live = [server.request("GET", "/livez").status for _ in range(10)]
            ready = server.request("GET", "/readyz")
            were_waiting = not any(each.done() for each in waiting)
            answers = [each.result() for each in waiting]

    after = [server.scim("GET", "/Users").status for _ in range(REQUESTS)]
    assert were_waiting
    assert (live, ready.status) == ([200] * 10, 503)
    assert {answer.status for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert {answer.json["status"] for answer in answers} == {"503"}
    assert after == [200] * REQUESTS
