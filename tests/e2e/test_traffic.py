"""The traffic counted by a server of several processes, whatever becomes of the processes."""

import signal

import pytest

from tests.support.server import DEMO, new_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e

_COUNT = (
    "from tenants.models import TrafficDay;"
    f"print(sum(day.requests for day in TrafficDay.objects.filter(tenant__custom_domain='{DEMO}')))"
)


@pytest.fixture
def server():
    with new_server(WEB_CONCURRENCY="2") as made:
        made.start()
        yield made


def counted(server):
    shown = server.manage("shell", "--no-imports", "-c", _COUNT)
    assert shown.returncode == 0, shown.stderr
    return int(shown.stdout)


def test_requests_that_nothing_follows_are_written_within_seconds(server):
    for _ in range(20):
        server.scim("GET", "/Users")

    wait_until(lambda: counted(server) == 20, "all of them were written")


def test_a_server_that_is_stopped_writes_what_it_counted(server):
    for _ in range(20):
        server.scim("GET", "/Users")

    server.stop(signal.SIGTERM)

    assert counted(server) == 20
