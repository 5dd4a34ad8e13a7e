"""Every change arrives, those of a resource in order, though processes are killed: real ones.

The server is started as `manage.py up`; its worker is ended where a test drives workers itself.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException

import pytest
from django.conf import settings

from tests.support import receiver
from tests.support.payloads import replace, user
from tests.support.ports import free_port
from tests.support.receiver import verified
from tests.support.server import DEMO
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

PEOPLE = 6
CHANGES = 4  # of each of them, after the creation


@pytest.fixture
def without_worker(server):
    """The server, whose own worker stands still meanwhile: it would be started again."""
    pid = server.worker("deliver_events")
    os.kill(pid, signal.SIGSTOP)
    yield server
    os.kill(pid, signal.SIGCONT)


@contextmanager
def worker(server, **environment):
    """A worker of the test's own, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "deliver_events"],
        cwd=settings.BASE_DIR,
        env={**server.environment, **environment},
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(WITHIN)


@contextmanager
def stream_to(server, url):
    """A push stream of the demo tenant, deleted at the end."""
    made = server.manage(
        "create_event_stream", DEMO, "--label", "kill", "--method", "push", "--endpoint", url
    )
    assert made.returncode == 0, made.stderr
    yield
    stream = made.stderr.split("Event stream: ")[1].split(",")[0]
    assert server.manage("delete_event_stream", DEMO, stream).returncode == 0


def pending(server):
    listed = server.manage("list_event_streams", DEMO).stdout.splitlines()
    return int(listed[1].split()[4])


def provision(server, name):
    """Create a user and change it; return its uri and its versions."""
    created = server.scim("POST", "/Users", json.dumps(user(name)))
    assert created.status == 201
    uri = f"/Users/{created.json['id']}"
    for number in range(CHANGES - 1):
        changed = server.scim("PATCH", uri, json.dumps(replace("title", f"Guide {number}")))
        assert changed.status == 200
    assert server.scim("DELETE", uri).status == 204
    return uri


def provision_all(server):
    """Create the users at the same time, each to be changed and deleted; return them."""
    with ThreadPoolExecutor(PEOPLE) as pool:
        return set(pool.map(lambda n: provision(server, f"u{n}"), range(PEOPLE)))


def told(server, *receivers):
    """The versions of each resource in order of arrival; equal jti always carry equal claims."""
    keys = server.request("GET", "/scim/jwks.json").json
    arrived = defaultdict(list)
    by_jti = {}
    for body in (body for started in receivers for body in started.bodies):
        claims = verified(body, keys)
        assert by_jti.setdefault(claims["jti"], claims) == claims
        [(uri, payload)] = claims["events"].items()
        version = payload.get("version", "deleted") if not uri.endswith(":delete") else "deleted"
        arrived[claims["sub_id"]["uri"]].append(version)
    return arrived


EXPECTED = [f'W/"{number}"' for number in range(1, CHANGES + 1)] + ["deleted"]


def assert_all_arrived_in_order(arrived, uris):
    """Each change, none before an earlier one; some of them, perhaps, twice in a row."""
    assert set(arrived) == uris
    for versions in arrived.values():
        places = [EXPECTED.index(version) for version in versions]
        assert places == sorted(places)
        assert set(places) == set(range(len(EXPECTED)))


def test_changes_arrive_while_the_server_runs(server):
    with receiver.running() as started, stream_to(server, started.url):
        uris = provision_all(server)
        started.wait_for(PEOPLE * len(EXPECTED))

        assert_all_arrived_in_order(told(server, started), uris)
        wait_until(lambda: pending(server) == 0, "everything is written down")
        assert len(started.received) == PEOPLE * len(EXPECTED)


def test_the_server_starts_its_worker_again_when_that_is_killed(server):
    with receiver.running() as started, stream_to(server, started.url):
        former = server.worker("deliver_events")
        os.kill(former, signal.SIGKILL)
        uris = provision_all(server)
        started.wait_for(PEOPLE * len(EXPECTED))

        assert_all_arrived_in_order(told(server, started), uris)
        assert former not in server.workers("deliver_events")


def test_a_worker_that_is_killed_while_it_delivers_loses_nothing(without_worker):
    server = without_worker
    with receiver.running() as started, stream_to(server, started.url):
        uris = provision_all(server)

        for _ in range(2):
            started.is_open.clear()
            before = len(started.received)
            # Its deliveries are free again a little after the time-out of a receiver.
            with worker(server, EVENT_TIMEOUT_SECONDS="1") as process:
                started.wait_for(before + 1)  # it waits for an answer
                process.send_signal(signal.SIGKILL)
                process.wait(WITHIN)
            started.is_open.set()
        assert pending(server) == PEOPLE * len(EXPECTED)
        with worker(server):
            wait_until(lambda: pending(server) == 0, "everything is delivered")

        assert len(started.received) > PEOPLE * len(EXPECTED)
        assert_all_arrived_in_order(told(server, started), uris)


def test_two_workers_share_the_work_and_keep_the_order(without_worker):
    server = without_worker
    with receiver.running() as started, stream_to(server, started.url):
        with worker(server), worker(server):
            uris = provision_all(server)
            wait_until(lambda: pending(server) == 0, "everything is delivered")

        assert len(started.received) == PEOPLE * len(EXPECTED)
        assert_all_arrived_in_order(told(server, started), uris)


def test_a_receiver_that_dies_gets_everything_when_it_is_back(server):
    port = free_port()
    with ExitStack() as stack:
        with receiver.running(port) as first:
            stack.enter_context(stream_to(server, first.url))
            uris = {provision(server, "early")}
            first.wait_for(len(EXPECTED))
            first.is_open.clear()
            uris.add(provision(server, "late"))
            first.wait_for(len(EXPECTED) + 1)  # it has it, and dies before it answers

        uris |= provision_all(server)
        with receiver.running(port) as second:
            wait_until(lambda: pending(server) == 0, "everything is delivered")

            assert_all_arrived_in_order(told(server, first, second), uris)


def test_a_server_that_is_killed_while_it_writes_tells_of_all_it_acknowledged(server):
    with receiver.running() as started, stream_to(server, started.url):
        acknowledged = []

        def create(client):
            for number in itertools.count():
                try:
                    answer = server.scim("POST", "/Users", json.dumps(user(f"k{client}-{number}")))
                except (OSError, HTTPException):  # no answer, or half of one
                    return
                acknowledged.append(f"/Users/{answer.json['id']}")

        with ThreadPoolExecutor(4) as pool:
            creating = pool.map(create, range(4))
            try:
                wait_until(lambda: len(acknowledged) >= 40, "forty users were created")
            finally:
                server.kill()  # and all of them meet it
            list(creating)

        server.start()
        wait_until(lambda: pending(server) == 0, "everything is delivered")

        arrived = told(server, started)
        assert set(acknowledged) <= set(arrived)
        for uri in arrived:
            assert server.scim("GET", uri).status == 200
