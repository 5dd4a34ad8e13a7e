"""Workers and masters change under load or stand still, and nobody's request fails or waits for them."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.support.clients import MEDIA_TYPE
from tests.support.deployment import BASE_DOMAIN, new_deployment
from tests.support.payloads import user
from tests.support.server import children
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

CLIENTS = 4
# Signals that have gunicorn add a worker or take one away, and how many there are then.
STEPS = (
    (signal.SIGTTIN, 3),
    (signal.SIGTTIN, 4),
    (signal.SIGTTOU, 3),
    (signal.SIGTTOU, 2),
    (signal.SIGTTOU, 1),
    (signal.SIGTTIN, 2),
)


@pytest.fixture(scope="module")
def deployment():
    with new_deployment() as made:
        made.environment |= {"WEB_CONCURRENCY": "2", "TENANT_RATE": "0"}
        made.manage("migrate")
        made.start()
        wait_until(lambda: len(children(made.process.pid)) == 2, "both workers were there")
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


class Writers:
    """Clients that create users meanwhile, each on a connection that it keeps for as long as it may."""

    def __init__(self, deployment):
        deployment.manage("tenant create acme --name Acme --admin tara@acme.example")
        token = deployment.manage("token mint acme --label Entra --days 30").strip()
        self.acknowledged, self.failed, self.connections = [], [], 0
        self._deployment = deployment
        self._headers = {
            "Host": f"acme.{BASE_DOMAIN}",
            "Authorization": f"Bearer {token}",
            "Content-Type": MEDIA_TYPE,
        }
        self._stopping = threading.Event()

    @contextmanager
    def writing(self):
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self._write, name) for name in range(CLIENTS)]
            try:
                yield self
            finally:
                self._stopping.set()
            for client in clients:
                client.result(WITHIN)

    def further(self):
        """Return when they have had many further answers."""
        until = len(self.acknowledged) + 10 * CLIENTS
        wait_until(lambda: self.failed or len(self.acknowledged) >= until, "users were created")

    def users(self):
        """The userNames of the tenant's users."""
        line = self.connect()
        with closing(line):
            line.request("GET", "/scim/Users?count=0", headers=self._headers)
            total = json.load(line.getresponse())["totalResults"]
            found = []
            for start in range(1, total + 1, 200):
                line.request(
                    "GET", f"/scim/Users?startIndex={start}&count=200", headers=self._headers
                )
                found += [each["userName"] for each in json.load(line.getresponse())["Resources"]]
        return found

    def connect(self):
        return HTTPConnection("127.0.0.1", self._deployment.port, timeout=WITHIN)

    def _write(self, client):
        with closing(self.connect()) as line:
            number = 0
            while not self._stopping.is_set():
                number += 1
                body = user(f"w{client}-{number}")
                self.connections += line.sock is None
                try:
                    line.request("POST", "/scim/Users", json.dumps(body), self._headers)
                    response = line.getresponse()
                    response.read()
                except (OSError, HTTPException) as error:
                    self.failed.append(repr(error))
                    line.close()
                    continue
                if response.status == 201:
                    self.acknowledged.append(body["userName"])
                else:
                    self.failed.append(response.status)


def held(deployment):
    """The number of connections that each worker of the server has open."""
    port = f":{deployment.port:04X}"
    lines = [each.split() for each in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    open_ones = {
        f"socket:[{each[9]}]" for each in lines if each[1].endswith(port) and each[3] == "01"
    }
    found = []
    for worker in children(deployment.process.pid):
        descriptors = Path(f"/proc/{worker}/fd").iterdir()
        found.append(sum(_target(each) in open_ones for each in descriptors))
    return found


def _target(descriptor):
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return ""


def test_workers_that_are_added_and_taken_away_lose_nothing_and_share_the_connections(deployment):
    master = deployment.process.pid
    writers = Writers(deployment)

    with writers.writing():
        writers.further()
        for number, workers in STEPS:
            os.kill(master, number)
            wait_until(lambda: len(children(master)) == workers, f"there were {workers} workers")  # noqa: B023  # called at once
            writers.further()
    wait_until(lambda: sum(held(deployment)) == 0, "the clients were gone")
    with ExitStack() as stack:
        for _ in range(8):
            line = stack.enter_context(closing(writers.connect()))
            line.request("GET", "/livez")
            assert line.getresponse().read() == b"alive\n"
        spread = held(deployment)

    assert writers.failed == []
    assert sorted(writers.users()) == sorted(writers.acknowledged)
    assert spread == [4, 4]


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
