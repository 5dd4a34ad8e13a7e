"""The configuration of gunicorn: `gunicorn config.wsgi -c config/gunicorn.py`, or `manage.py up`.

Threads keep connections open and overlap the waits for the disk; measured in docs/performance.md.
"""

import ctypes
import os
import queue
import signal
import sys
from contextlib import suppress
from typing import Any

from gunicorn import systemd

from config import environment, starting
from tenants import deadlines

try:
    port = environment.number("PORT")
    bind = f"{environment.bracketed(environment.address('BIND'))}:{port}"
    # 16 stay below the 97 connections of a default PostgreSQL (config.starting).
    workers = environment.number("WEB_CONCURRENCY", min(os.cpu_count() or 1, 16))
except environment.EnvironmentVariableError as mistake:
    sys.exit(str(mistake))  # gunicorn would print a traceback
threads = 4
worker_class = "config.worker.Worker"
timeout = 45  # seconds; below the 60 in which Entra wants an answer
graceful_timeout = 30  # seconds
keepalive = 75  # seconds, beyond a proxy's own
limit_request_line = 8190  # bytes; a filter may be long
# No header changes what a request is: by default a client's SCRIPT_NAME would be believed, and scheme
# headers of a local peer. The client's address is read by config.edge.proxies.
forwarder_headers = ""
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True
accesslog = None  # config.edge.outermost writes the line of each request
logger_class = "config.worker.Logger"
loglevel = "error"  # its warnings quote malformed headers, in which a secret token may stand

_END = (signal.SIGTERM, signal.SIGQUIT)  # what a master sends to workers that shall end
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_M_MMAP_THRESHOLD = -3  # <malloc.h>
# Bytes; glibc's own beginning, which it otherwise raises with each larger piece that is freed.
_LARGE = 128 * 1024


_flushers: list[Any] = []  # of this worker, once Django is set up: of config.flushing


def on_starting(server: Any) -> None:
    """End a start that cannot work with one line, or load the application, before a worker is forked."""
    starting.look(
        starting.Serving(server.cfg.workers, server.cfg.threads), ", ".join(server.cfg.bind)
    )
    starting.load()


def post_worker_init(worker: Any) -> None:
    """Start the threads that do what no request does, such as writing the worker's counts.

    The last worker of a master that an older one has started, by SIGUSR2, then ends that one.
    """
    from config import flushing  # Django is set up only now

    deadlines.watch()
    _flushers.extend(map(flushing.Flusher, flushing.rounds()))
    for flusher in _flushers:
        flusher.start()
    former = os.environ.get("GUNICORN_PID")  # until that one has ended
    if former and worker.age == worker.cfg.workers:
        os.kill(int(former), signal.SIGTERM)


def when_ready(server: Any) -> None:
    """Tell systemd, if it started us, which process is the master from now on."""
    systemd.sd_notify(f"MAINPID={os.getpid()}", server.log)


def worker_exit(_server: object, _worker: object) -> None:
    """Write the counts of a worker that ends."""
    for flusher in _flushers:
        flusher.stop()


def post_fork(server: Any, worker: Any) -> None:
    """Let the kernel end a worker whose master was killed: it would keep the port for seconds.

    And has the C library give what is large back to the system when it is freed (decision 0025).
    """
    _end_if_told(server)
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != worker.ppid:  # killed before the kernel was told
            os._exit(1)
        if hasattr(library, "mallopt"):  # glibc's
            library.mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _end_if_told(server: Any) -> None:
    """Have a worker that is told to end before it begins do so, at once.

    gunicorn 27.0.1 leaves a fork with the master's handlers until the worker has its own: they put the signal
    into a line that nobody reads there, and a stop took all the time that it may, and a SIGKILL.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    for number in _END:
        signal.signal(number, signal.SIG_DFL)
    with suppress(queue.Empty):
        while True:
            if server.SIG_QUEUE.get_nowait() in _END:
                os._exit(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _END)


def child_exit(_server: object, worker: Any) -> None:
    """Forget what only a living worker has."""
    from config import metrics  # loaded with the application

    worker.counter.release()
    metrics.mark_ended(worker.pid)
