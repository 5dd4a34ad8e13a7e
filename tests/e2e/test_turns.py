"""A tenant whose requests hang waits behind itself: others have threads, and get their answers."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.support.deployment import new_deployment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e

HANGING = 8  # requests; there are four threads
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture(scope="module")
def deployment():
    with new_deployment() as made:
        made.environment["WEB_CONCURRENCY"] = "1"
        made.manage("migrate")
        for name in ("acme", "globex"):
            made.manage(f"tenant create {name} --name {name} --admin tara@{name}.example")
        made.start()
        yield made


def test_slow_lists_of_one_tenant_leave_threads_to_another(deployment):
    token = {
        name: deployment.manage(f"token mint {name} --label Entra --days 30").strip()
        for name in ("acme", "globex")
    }

    def listed(name):
        return deployment.scim(name, token[name], "GET", "/Users").status

    assert {listed("acme"), listed("globex")} == {200}  # from now on their hosts are known
    with (
        psycopg.connect(deployment.environment["DATABASE_URL"]) as holder,
        ThreadPoolExecutor(HANGING) as pool,
    ):
        [schema] = holder.execute(
            "SELECT schema_name FROM tenants_tenant WHERE custom_domain = 'acme'"
        ).fetchone()
        holder.execute(f"LOCK TABLE {schema}.scim_resource")
        hanging = [pool.submit(listed, "acme") for _ in range(HANGING)]
        wait_until(lambda: holder.execute(_WAITING).fetchone()[0] == 3, "they hung")

        other = listed("globex")

        ended = sum(each.done() for each in hanging)
        holder.rollback()
        statuses = {each.result() for each in hanging}

    assert (other, ended) == (200, 0)  # it got a thread before any of them gave one back
    assert statuses <= {200, 503}  # 503 if it took longer than a wait for a lock may


def test_clients_that_do_not_hang_up_hold_up_nobody(deployment):
    """gunicorn waits for each of them for two seconds, and gives no thread to anybody meanwhile."""
    address = ("127.0.0.1", int(deployment.environment["PORT"]))
    asked = b"GET /livez HTTP/1.1\r\nHost: acme.mypolicies.example\r\nConnection: close\r\n\r\n"
    begun = time.monotonic()

    with ExitStack() as stack:
        for _ in range(2 * HANGING):
            client = stack.enter_context(socket.create_connection(address, timeout=60))
            client.sendall(asked)
            assert client.recv(4096).startswith(b"HTTP/1.1 200")

    assert time.monotonic() - begun < HANGING  # seconds, where it took two for each client
