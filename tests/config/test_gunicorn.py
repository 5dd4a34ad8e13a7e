"""The configuration of gunicorn (docs/security.md)."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings

from config import gunicorn
from config.starting import Serving


def test_the_limits_are_those_that_were_promised():
    assert gunicorn.worker_class == "config.worker.Worker"
    assert gunicorn.timeout == 45
    assert gunicorn.graceful_timeout == 30
    assert gunicorn.keepalive == 75
    assert gunicorn.limit_request_line == 8190


def test_no_client_header_becomes_a_script_name_and_nothing_else_is_opened():
    assert gunicorn.forwarder_headers == ""
    assert gunicorn.control_socket_disable is True
    assert gunicorn.accesslog is None


@pytest.mark.parametrize(
    ("cores", "workers"), [(None, 1), (1, 1), (2, 2), (16, 16), (17, 16), (256, 16)]
)
def test_it_needs_fewer_connections_than_a_default_postgresql_has(cores, workers, monkeypatch):
    """However many cores a machine has; three of the hundred are a superuser's."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    told = runpy.run_path(gunicorn.__file__)

    assert told["workers"] == workers
    assert Serving(told["workers"], told["threads"]).why_too_many(100 - 3) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere no kernel ends a worker.")
@pytest.mark.parametrize(("master", "status"), [("os.getppid()", 0), ("os.getpid()", 1)])
def test_a_worker_whose_master_is_gone_when_it_begins_ends(master, status):
    """Its master may be killed between the fork and the wish to hear of it."""
    program = (
        "import os; from queue import SimpleQueue; from types import SimpleNamespace; from config import gunicorn; "
        "server = SimpleNamespace(SIG_QUEUE=SimpleQueue()); "
        f"gunicorn.post_fork(server, SimpleNamespace(ppid={master}))"
    )

    ended = subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, check=False)

    assert ended.returncode == status


# A fork that still has the handlers of its master, is sent a signal, and has no handlers of its own yet.
FORK = """
import os, signal
from queue import SimpleQueue
from types import SimpleNamespace
from config import gunicorn
server = SimpleNamespace(SIG_QUEUE=SimpleQueue())
for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: server.SIG_QUEUE.put_nowait(number))
{before}
gunicorn.post_fork(server, SimpleNamespace(ppid=os.getppid()))
{after}
print("goes on")
"""


@pytest.mark.parametrize(
    ("before", "after", "status", "printed"),
    [
        ("", "", 0, "goes on\n"),
        ("SIGHUP", "", 0, "goes on\n"),  # of the master alone
        ("SIGTERM", "", 0, ""),
        ("SIGQUIT", "", 0, ""),
        ("", "SIGTERM", -signal.SIGTERM, ""),
        ("", "SIGQUIT", -signal.SIGQUIT, ""),
    ],
)
def test_a_worker_that_is_told_to_end_before_it_begins_ends(before, after, status, printed):
    """A stop took 15 or 30 seconds otherwise, and killed it."""
    sent = [f"os.kill(os.getpid(), signal.{name})" if name else "" for name in (before, after)]
    program = FORK.format(before=sent[0], after=sent[1])

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (status, printed)


def test_systemd_is_told_which_process_is_the_master(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", told.getsockname())

        gunicorn.when_ready(SimpleNamespace(log=None))

        assert told.recv(100) == f"MAINPID={os.getpid()}".encode()
