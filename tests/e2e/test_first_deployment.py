"""docs/operations.md to the letter: each line of its shell blocks is run, in order, on an empty database."""

import re
import signal
import stat
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.deployment import new_deployment
from tests.support.server import catches
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery staple"
WORKERS = ("deliver_events", "run_jobs")


def lines():
    """The lines of the blocks that are marked as shell, by the environment that runs the tests."""
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    programs = f"{Path(sys.executable).parent}/"
    whole = "".join(blocks).replace("sudo deploy/manage", ".venv/bin/python manage.py")
    return [line.replace(".venv/bin/", programs) for line in whole.splitlines()]


def named(line):
    """The command that a line runs, with its verb."""
    if command := re.search(r"manage\.py ([a-z_]+(?: [a-z][a-z-]+)?)", line):
        return command[1]
    return "gunicorn"


@pytest.fixture(scope="module")
def followed():
    """The installation after all steps, with what each has written to standard output."""
    with new_deployment() as deployment:
        workers, outputs = [], {}
        try:
            for line in lines():
                step = named(line)
                if step == "gunicorn":
                    deployment.start(line)
                elif step in WORKERS:
                    workers.append(deployment.open(line, step))
                else:
                    done = deployment.run(line, given=f"{PASSWORD}\n")
                    assert done.returncode == 0, (line, done.stderr)
                    outputs[step] = done.stdout
            yield deployment, outputs
        finally:
            for worker in workers:
                wait_until(lambda: catches(worker.pid, signal.SIGTERM), "it could be ended")  # noqa: B023  # called at once
                worker.terminate()
            assert [worker.wait(WITHIN) for worker in workers] == [0] * len(workers)


def test_every_step_is_in_the_document(followed):
    _, outputs = followed

    assert list(outputs) == [
        "migrate",
        "account create-staff",
        "check",
        "tenant create",
        "token mint",
        "warn_of_expiry",
        "clearsessions",
    ]


def test_test_connection_succeeds_with_the_token_that_was_printed(followed):
    deployment, outputs = followed

    answer = deployment.scim("acme", outputs["token mint"].strip(), "GET", "/Users?count=1")

    assert (answer.status, answer.json["totalResults"]) == (200, 0)


def test_the_staff_host_answers_with_its_sign_in_page(followed):
    deployment, _ = followed

    assert deployment.request("admin", "GET", "/admin/login/").status == 200


def test_the_invitation_that_a_worker_wrote_is_readable_by_its_owner_only(followed):
    """There is no EMAIL_HOST here, and the link in it sets a password."""
    deployment, _ = followed
    folder = deployment.folder / "data" / "mail"

    wait_until(lambda: folder.exists() and any(folder.iterdir()), "the invitation was written")

    [file] = folder.iterdir()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, file)] == [0o700, 0o600]
