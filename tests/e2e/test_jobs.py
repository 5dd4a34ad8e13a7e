"""The worker beside the server: it sends what acts queue, and is started again when it is killed."""

import os
import signal

import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e


def invite(server, custom_domain):
    """A new tenant, whose admin is invited: the admin's address."""
    admin = f"admin@{custom_domain}.example"
    made = server.manage("create_tenant", custom_domain, "--name", "New", "--admin", admin)
    assert made.returncode == 0, made.stderr
    return admin


def sent_to(server, address):
    """The number of messages to the address; without a mail server they are files."""
    folder = server.folder / "data" / "mail"
    files = folder.glob("*.log") if folder.exists() else ()
    return sum(file.read_text().count(f"\nTo: {address}\n") for file in files)


def test_an_invitation_is_sent_while_the_server_runs(server):
    admin = invite(server, "jobs-one")

    wait_until(lambda: sent_to(server, admin) == 1, "the invitation is sent")
    listed = server.manage("list_mails").stdout
    assert admin not in listed


def test_a_worker_that_was_killed_is_started_again_and_sends_what_was_queued_once(server):
    former = server.worker("run_jobs")
    os.kill(former, signal.SIGSTOP)
    admin = invite(server, "jobs-two")
    assert sent_to(server, admin) == 0
    os.kill(former, signal.SIGKILL)

    wait_until(lambda: sent_to(server, admin) == 1, "the invitation is sent")
    wait_until(lambda: server.workers("run_jobs") not in ([], [former]), "another worker runs")
    wait_until(lambda: "waiting" not in server.manage("list_mails").stdout, "it is noted")
    assert sent_to(server, admin) == 1
