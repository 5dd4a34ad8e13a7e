"""The faults: each is something that happens to an installation while its clients write."""

import os
import random
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.support.faults.installation import CLOCK, Installation, pause, signal_all
from tests.support.postgres import is_gone, postmaster_pid
from tests.support.server import children
from tests.support.waiting import wait_until

_OURS: Final = (
    "SELECT pid FROM pg_stat_activity WHERE usename = 'mypolicies' AND pid <> pg_backend_pid()"
)
_TERMINATE: Final = _OURS.replace("SELECT pid", "SELECT pg_terminate_backend(pid)")
# What serves has been there for longer than what takes the connections.
_TERMINATE_OLDEST: Final = f"{_TERMINATE} AND backend_start < now() - interval '2 seconds'"
_SUPERUSER: Final = "postgres"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault. With `fails_none` no request may go without its answer; with `needs_pooler` PgBouncer is there in
    any case, with `megabytes` the installation has a small disk of its own, and with `has_clock` a clock.
    """

    happen: Callable[[Installation], None]
    fails_none: bool = False
    needs_pooler: bool = False
    megabytes: int = 0
    has_clock: bool = False


def _kill_worker(made: Installation) -> None:
    os.kill(random.SystemRandom().choice(made.workers), signal.SIGKILL)


def _kill_workers(made: Installation) -> None:
    signal_all(made.workers, signal.SIGKILL)


def _kill_master(made: Installation) -> None:
    made.deployment.process.kill()
    made.deployment.process.wait()
    pause(2)
    made.deployment.start()


def _reload(made: Installation) -> None:
    for _ in range(5):
        former = set(made.workers)
        os.kill(made.master, signal.SIGHUP)
        wait_until(lambda: former.isdisjoint(made.workers), "the workers were replaced")  # noqa: B023  # called at once


def _scale_workers(made: Installation) -> None:
    """There are five workers, then one, and two again, three times."""
    for number in (5, 1, 2) * 3:
        while (present := len(made.workers)) != number:
            os.kill(made.master, signal.SIGTTIN if number > present else signal.SIGTTOU)
            wait_until(lambda: len(made.workers) != present, "a worker came or went")
        pause(0.5)


def _replace_master(made: Installation) -> None:
    former, workers = made.deployment.process, set(made.workers)
    os.kill(former.pid, signal.SIGUSR2)
    wait_until(lambda: set(children(former.pid)) > workers, "another master was started")
    [master] = set(children(former.pid)) - workers
    former.wait()
    made.deployment.process = _Adopted(master)


def _restart(made: Installation) -> None:
    made.deployment.stop()
    made.deployment.start()


def _terminate_sessions(made: Installation) -> None:
    for _ in range(5):
        with made.connect(_SUPERUSER) as session:
            session.execute(_TERMINATE)
        pause(0.2)


def _freeze_sessions(made: Installation) -> None:
    with made.connect(_SUPERUSER) as session:
        pids = [row[0] for row in session.execute(_OURS)]
    _freeze(pids, 10)


def _freeze_postgresql(made: Installation) -> None:
    _freeze(made.postgresql, 20)


def _freeze(pids: list[int], seconds: float) -> None:
    signal_all(pids, signal.SIGSTOP)
    try:
        pause(seconds)
    finally:
        signal_all(pids, signal.SIGCONT)


def _kill_postgresql(made: Installation) -> None:
    os.kill(postmaster_pid(made.data), signal.SIGKILL)
    pause(5)
    made.start_postgresql()


def _stop_postgresql_at_once(made: Installation) -> None:
    os.kill(postmaster_pid(made.data), signal.SIGQUIT)  # what `pg_ctl -m immediate` sends
    pause(2)
    made.start_postgresql()


def _exhaust_connections(made: Installation) -> None:
    """The server's sessions end, and idle ones of somebody else take all that there are."""
    with ExitStack() as stack, made.connect(_SUPERUSER) as session:
        _take_connections(made, stack)
        session.execute(_TERMINATE_OLDEST)
        _take_connections(made, stack)
        pause(10)


def _take_connections(made: Installation, stack: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(made.connect())


def _fill_disk(made: Installation) -> None:
    """PostgreSQL may end for want of room; then it is started again when there is some."""
    ballast = made.deployment.folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(65_536)):
            pass
    pause(8)
    ballast.unlink()
    pause(1)
    if is_gone(made.data):
        made.start_postgresql()


def _step_clock(made: Installation) -> None:
    (made.deployment.folder / CLOCK).write_text("+2h")


def _kill_deliveries(made: Installation) -> None:
    for _ in range(3):
        job = made.jobs.pop()
        job.kill()
        job.wait()
        made.jobs.append(made.deployment.open("python manage.py deliver_events", "events.log"))
        pause(3)


def _restart_pooler(made: Installation) -> None:
    assert made.pooler
    for _ in range(3):
        made.pooler.stop()
        made.pooler.start()
        pause(1)


class _Adopted:
    """A master that is no child of ours: as much of Popen as is used."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, _seconds: float = 0) -> int:
        wait_until(lambda: not children(self.pid), "its workers have ended")
        return 0


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "worker-killed": Scenario(_kill_worker),
    "workers-killed": Scenario(_kill_workers),
    "master-killed": Scenario(_kill_master),
    "reload": Scenario(_reload, fails_none=True),
    "workers-scaled": Scenario(_scale_workers, fails_none=True),
    "master-replaced": Scenario(_replace_master, fails_none=True),
    "restart": Scenario(_restart),
    "sessions-terminated": Scenario(_terminate_sessions),
    "sessions-frozen": Scenario(_freeze_sessions),
    "postgresql-frozen": Scenario(_freeze_postgresql),
    "postgresql-killed": Scenario(_kill_postgresql),
    "postgresql-stopped": Scenario(_stop_postgresql_at_once),
    "connections-exhausted": Scenario(_exhaust_connections),
    "pooler-restarted": Scenario(_restart_pooler, needs_pooler=True),
    "disk-full": Scenario(_fill_disk, megabytes=400),
    "clock-stepped": Scenario(_step_clock, fails_none=True, has_clock=True),
    "deliveries-killed": Scenario(_kill_deliveries, fails_none=True),
}
