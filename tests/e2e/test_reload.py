"""Workers and masters change under load or stand still, and nobody's request fails or waits for them."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import new_deployment
from tests.support.server import children
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

CLIENTS = 4


@pytest.fixture(scope="module")
def deployment():
    with new_deployment() as made:
        made.environment["WEB_CONCURRENCY"] = "2"
        made.manage("migrate")
        made.start()
        yield made


@contextmanager
def under_load(deployment):
    """Clients come meanwhile, each request on a connection of its own; what became of each is noted."""
    met, stopping = [], threading.Event()

    def ask():
        while not stopping.is_set():
            try:
                met.append(deployment.request("admin", "GET", "/scim/Users").status)
            except ConnectionError as error:
                met.append(type(error))

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        wait_until(lambda: len(met) > CLIENTS, "requests came")
        yield met
    finally:
        stopping.set()
        for client in clients:
            client.join()


def further(met):
    """Return when all clients have asked anew."""
    until = len(met) + 3 * CLIENTS
    wait_until(lambda: len(met) >= until, "further requests came")


def successors(master):
    """The processes that a master has started in its own place: gunicorn tells them of it."""
    return [pid for pid in children(master) if b"\0GUNICORN_PID=" in _environment(pid)]


def _environment(pid):
    try:
        return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def test_a_reload_replaces_the_workers_and_fails_no_request(deployment):
    master = deployment.process.pid
    former = set(children(master))

    with under_load(deployment) as met:
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: former.isdisjoint(children(master)), "the workers were replaced")
        further(met)

    assert set(met) == {404}  # the answer of a host that is no tenant yet


def test_a_worker_that_stands_still_holds_up_nobody_who_comes(deployment):
    """New connections are left to the worker that has fewer, for a moment (config.balance)."""
    stopped = children(deployment.process.pid)[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = [
                pool.submit(deployment.request, "admin", "GET", "/scim/Users")
                for _ in range(3 * CLIENTS)
            ]
            statuses = {each.result().status for each in asked}
    finally:
        os.kill(stopped, signal.SIGCONT)

    assert statuses == {404}


def test_one_signal_replaces_the_master_and_fails_no_request(deployment):
    """The new master ends the old one when its workers are ready."""
    former = deployment.process

    with under_load(deployment) as met:
        os.kill(former.pid, signal.SIGUSR2)
        wait_until(lambda: successors(former.pid), "another master was started")
        [master] = successors(former.pid)
        status = former.wait(WITHIN)
        further(met)
    deployment.process = None
    answers = answers_after_a_stop(deployment, master)

    assert (status, set(met)) == (0, {404})
    assert answers == [404] * CLIENTS


def answers_after_a_stop(deployment, master):
    """The answers to requests that wait at the socket when the server is stopped, which then ends."""
    workers = children(master)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [
            pool.submit(deployment.request, "admin", "GET", "/scim/Users") for _ in range(CLIENTS)
        ]
        wait_until(lambda: waiting_at(deployment.port) == CLIENTS, "requests wait")
        os.kill(master, signal.SIGTERM)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        answers = [each.result().status for each in asked]
    wait_until(lambda: waiting_at(deployment.port) is None, "nobody listens")
    return answers


def waiting_at(port):
    """The connections that nobody has taken yet at a port of this machine; None if nobody listens."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if state == "0A" and int(local.partition(":")[2], 16) == port:
            return int(queues.partition(":")[2], 16)
    return None
