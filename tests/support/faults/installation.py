"""The installation that faults happen to: gunicorn, a worker of events, PostgreSQL, perhaps PgBouncer."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings

from config import database
from config.server import embedded
from tests.support import pgbouncer, receiver
from tests.support.clients import MEDIA_TYPE, Answer
from tests.support.deployment import Deployment
from tests.support.postgres import is_gone, postmaster_pid
from tests.support.server import children, send
from tests.support.waiting import WITHIN, wait_until

TENANT: Final = "acme"
# Of development, where an event stream may lead to this machine.
_BASE_DOMAIN: Final = "mypolicies.localhost"
CLOCK: Final = "clock"  # the file in the folder that moves it
_PAGE: Final = 200
_OF_TENANT: Final = "FROM public.tenants_tenant WHERE custom_domain = %s"


@dataclass(slots=True)
class Installation:
    """The installation that a scenario acts upon."""

    deployment: Deployment
    stack: ExitStack
    pooler: pgbouncer.Pooler | None = None  # if there is one
    received: Any = None  # of the event stream
    token: str = ""
    jobs: list[Any] = field(default_factory=list)

    @property
    def master(self) -> int:
        return int(self.deployment.process.pid)

    @property
    def workers(self) -> list[int]:
        return children(self.master)

    @property
    def data(self) -> Path:
        """The DATA_DIR of PostgreSQL."""
        return self.deployment.folder / "postgresql"

    @property
    def postgresql(self) -> list[int]:
        """The postmaster and all its processes."""
        postmaster = postmaster_pid(self.data)
        return [postmaster, *children(postmaster)]

    def send(self, method: str, path: str, body: str | None = None) -> Answer:
        """The answer to a SCIM request of the tenant's client, on a connection of its own."""
        headers = {
            "Host": f"{TENANT}.{_BASE_DOMAIN}",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": MEDIA_TYPE,
        }
        return send(self.deployment.port, method, f"/scim{path}", body, headers)

    def connect(self, user: str = database.ROLE) -> "psycopg.Connection[Any]":
        """A connection to PostgreSQL itself."""
        sockets = database.socket_dir(self.data)
        return psycopg.connect(
            host=sockets,
            user=user,
            dbname=database.DATABASE,
            autocommit=True,
            connect_timeout=WITHIN,
        )

    def start_postgresql(self) -> None:
        """Start it again after it was ended."""
        wait_until(lambda: is_gone(self.data), "PostgreSQL was gone")
        self.stack.enter_context(embedded.running(self.data))

    def answers(self) -> bool:
        """True if a look-up succeeds."""
        with suppress(OSError, HTTPException):
            return self.send("GET", "/Users?count=1").status == 200
        return False

    def users(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """All users by userName in lower case, read page by page."""
        found: dict[str, list[Any]] = defaultdict(list)
        start, total = 1, 1
        while start <= total:
            page = self.send("GET", f"/Users?startIndex={start}&count={_PAGE}").json
            for resource in page["Resources"]:
                found[resource["userName"].lower()].append(resource)
            start, total = start + _PAGE, page["totalResults"]
        return found

    def logged(self) -> Counter[str]:
        """The rows of the provisioning log that say of success, by request id."""
        with self.connect() as session:
            session.execute(
                "SELECT set_config('search_path', schema_name, false) " + _OF_TENANT, [TENANT]
            )
            asked = "SELECT request_id FROM scim_provisioningevent WHERE status < 400"
            return Counter(row[0] for row in session.execute(asked))

    def delivered(self) -> Counter[str]:
        """The different events that have come, by the id of their user."""
        events = {}
        for body in self.received.bodies:
            part = body.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            events[claims["jti"]] = claims["sub_id"]["uri"].rpartition("/")[2]
        return Counter(events.values())

    def wait_for_deliveries(self) -> None:
        """Return when no event waits any more."""

        def is_done() -> bool:
            listed = json.loads(self.deployment.manage(f"stream list {TENANT} --json"))
            return all(each["pending"] == 0 for each in listed)

        wait_until(is_done, "all events were delivered")


@contextmanager
def installed(
    *, pooler: bool = False, megabytes: int = 0, has_clock: bool = False
) -> Iterator[Installation]:
    """An installation that serves, on data that are written to the disk; removed at the end.

    With `megabytes` on a file system of its own of that size, which root alone can make; with a clock of
    its own if asked, which faketime gives it.
    """
    folder = Path(tempfile.mkdtemp(prefix="mypolicies-faults-"))
    try:
        with ExitStack() as stack:
            if megabytes:
                size = f"size={megabytes}m"
                subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
                stack.callback(partial(subprocess.run, ["umount", str(folder)], check=True))
            folder.chmod(0o711)  # as root PostgreSQL is another user
            stack.enter_context(embedded.running(folder / "postgresql"))
            sockets = database.socket_dir(folder / "postgresql")
            direct = f"postgresql://{database.ROLE}@/{database.DATABASE}?host={sockets}"
            deployment = Deployment(folder, direct)
            deployment.environment |= {
                "BASE_DOMAIN": _BASE_DOMAIN,
                "WEB_CONCURRENCY": "2",
                "TENANT_RATE": "0",
            }
            if has_clock:
                deployment.environment |= _with_clock(folder / CLOCK)
            between = None
            if pooler:
                between = stack.enter_context(pgbouncer.running(sockets))
                deployment.environment["DATABASE_URL"] = direct.replace(
                    sockets, str(between.folder)
                )
                deployment.environment["MIGRATION_DATABASE_URL"] = direct
            made = Installation(deployment, stack, between)
            stack.callback(_stop, made)
            _begin(made)
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_clock(file: Path) -> dict[str, str]:
    """The variables under which processes have the real time, moved by what stands in the file."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    file.write_text("+0")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(settings.BASE_DIR / ".ci" / "faketime"),
    }


def _begin(made: Installation) -> None:
    deployment = made.deployment
    deployment.manage("migrate")
    deployment.manage(f"tenant create {TENANT} --name Acme --admin tara@acme.example")
    made.token = deployment.manage(f"token mint {TENANT} --label faults --days 30").strip()
    made.received = made.stack.enter_context(receiver.running())
    endpoint = f"--endpoint {made.received.url}"
    deployment.manage(f"stream create {TENANT} --label faults --method push {endpoint}")
    deployment.start()
    made.jobs.append(deployment.open("python manage.py deliver_events", "events.log"))
    wait_until(made.answers, "it served")


def _stop(made: Installation) -> None:
    for job in made.jobs:
        job.kill()
        job.wait()
    with suppress(ProcessLookupError):
        made.deployment.stop()


def pause(seconds: float) -> None:
    """Let a fault last: its length is what a scenario is about."""
    time.sleep(seconds)


def signal_all(pids: Sequence[int], number: int) -> None:
    """Send a signal to processes, some of which may have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
