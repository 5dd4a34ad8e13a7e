"""The delivery worker beside the server of `manage.py up`: its own process, ended with it."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
_END_SECONDS: Final = 15  # a round that is being sent is brought to its end


@contextmanager
def delivering() -> Iterator[None]:
    """Has `deliver_events` run meanwhile."""
    # Looked up here: between fork and exec little is allowed.
    die_with_parent = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        """Leaves Ctrl-C and the terminal's end to us; has the kernel end the worker if we are killed,
        as it would keep the database running.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if die_with_parent is not None:
            die_with_parent(_PR_SET_PDEATHSIG, signal.SIGKILL)

    worker = subprocess.Popen(
        [sys.executable, "manage.py", "deliver_events"],
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        preexec_fn=prepare,  # noqa: PLW1509  # no thread runs yet
    )
    try:
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
