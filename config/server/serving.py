"""The processes of `manage.py up`: gunicorn with the settings of config/gunicorn.py, and jobs beside it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any, Final

from django.conf import settings
from django.db import connections
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from config import gunicorn, starting
from scim.provider.features import features

_GRACEFUL_SECONDS: Final = 15  # a person waits; on a busy machine an end takes more than five
_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
_END_SECONDS: Final = 15  # a round that is being sent is brought to its end
_REST_SECONDS: Final = 1.0  # between two starts of a process that ends
# Looked up here: between fork and exec little is allowed.
_PRCTL: Final = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def serve(when_ready: Callable[[], None], each_second: Callable[[], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or the end of the terminal, then raise SystemExit.

    `when_ready` runs once it listens, `each_second` about so often from then on.
    """
    connections.close_all()  # a connection must not be shared with the workers
    _Arbiter(_Application(gunicorn, when_ready), each_second).run()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """Ends as a person at a terminal expects it.

    gunicorn 27.0.1 answers SIGINT with SIGQUIT to its workers, one of which then hangs now and then
    until the time for graceful ends is over; and SIGHUP with a new start.
    """

    handle_int = handle_hup = Arbiter.handle_term

    def __init__(self, application: BaseApplication, each_second: Callable[[], None]) -> None:
        self._each_second = each_second
        super().__init__(application)

    def murder_workers(self) -> None:
        """Run what gunicorn does about each second, then our own work."""
        super().murder_workers()
        self._each_second()

    def init_signals(self) -> None:
        has_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        super().init_signals()
        if has_nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: ModuleType, when_ready: Callable[[], None]) -> None:
        self._settings = settings
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        for name in self.cfg.settings:
            if hasattr(self._settings, name):
                self.cfg.set(name, getattr(self._settings, name))
        self.cfg.set("graceful_timeout", _GRACEFUL_SECONDS)
        self.cfg.set("on_starting", _look)
        self.cfg.set("when_ready", self._ready)
        self.cfg.set("post_worker_init", _leave_ctrl_c_to_the_master)

    def _ready(self, server: Any) -> None:  # gunicorn looks at the name and number of arguments
        self._when_ready()

    def load(self) -> Any:
        from config.wsgi import application  # loaded by the master, after its migrations

        return application


def _look(server: Any) -> None:
    """A person reads what is printed when it serves."""
    starting.look(starting.Serving(server.cfg.workers, server.cfg.threads))
    starting.load()


def _leave_ctrl_c_to_the_master(worker: Any) -> None:
    """A terminal sends it to the workers too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gunicorn.post_worker_init(worker)


@contextmanager
def jobs_running() -> Iterator[Callable[[], None]]:
    """Have the jobs run meanwhile; what it yields starts those again that have died."""
    commands = [*(command for feature in features() for command in feature.workers), "run_jobs"]
    jobs = [_Job(command) for command in commands]

    def keep() -> None:
        for job in jobs:
            job.keep()

    try:
        yield keep
    finally:
        for job in jobs:
            job.ask_to_end()
        for job in jobs:
            job.end()


class _Job:
    def __init__(self, command: str) -> None:
        self._command = command
        self._start()

    def keep(self) -> None:
        """Start the job again if it has died."""
        has_rested = time.monotonic() - self._started_at >= _REST_SECONDS
        if has_rested and self._process.poll() is not None:
            self._start()

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self) -> None:
        """Wait until it has ended, or kill it."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", self._command],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            preexec_fn=partial(_prepare, os.getpid()),  # noqa: PLW1509  # no thread runs in this process
        )


def _prepare(parent: int) -> None:
    """Leave Ctrl-C and the terminal's end to the parent; let the kernel end the job when the
    parent is killed, as it would keep the database running.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before the kernel was told
            os._exit(1)
