"""The workers beside the server of `manage.py up`: processes of their own, ended with it."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

from scim.provider.features import features

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
_END_SECONDS: Final = 15  # a round that is being sent is brought to its end
_REST_SECONDS: Final = 1.0  # between two starts of one that ends by itself
# Looked up here: between fork and exec little is allowed.
_PRCTL: Final = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@contextmanager
def delivering() -> Iterator[Callable[[], None]]:
    """Have the workers run meanwhile; what it yields starts those again that have died."""
    workers = [_Worker(command) for command in _commands()]

    def keep() -> None:
        for worker in workers:
            worker.keep()

    try:
        yield keep
    finally:
        for worker in workers:
            worker.ask_to_end()
        for worker in workers:
            worker.end()


def _commands() -> list[str]:
    return [*(command for feature in features() for command in feature.workers), "run_jobs"]


class _Worker:
    def __init__(self, command: str) -> None:
        self._command = command
        self._start()

    def keep(self) -> None:
        """Start the worker again if it has died."""
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
            preexec_fn=_prepare,  # noqa: PLW1509  # no thread runs in this process
        )


def _prepare() -> None:
    """Leave Ctrl-C and the terminal's end to the parent; let the kernel end the worker when the
    parent is killed, as it would keep the database running.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
