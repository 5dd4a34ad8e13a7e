"""`python -m tests.support.bench.inprocess`: the WSGI application of the tree that it stands in, called.

One process without HTTP; it is told on standard input what to do, a JSON object a line, and answers
each with one. What gunicorn and the network cost is not in its figures, and is the same for all trees.
"""

import itertools
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

from tests.support.bench import people, sampling
from tests.support.bench.operations import OPERATIONS, Answer, Directory, Request, Script

_NANOSECONDS: Final = 1000  # of a microsecond
_HEADERS: Final = {
    "HTTP_ACCEPT": "application/scim+json",
    "HTTP_USER_AGENT": "make bench",
    "CONTENT_TYPE": "application/scim+json",
}
_QUERY: Final = re.compile(rb"\tB\t\d+\t(CommandComplete|ReadyForQuery)\b")

Timed = Callable[[Callable[[], Answer]], Answer]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a request in microseconds, the median of many or the sum over all."""

    wall: float
    python: float
    postgresql: float

    @property
    def processors(self) -> float:
        return self.python + self.postgresql


@dataclass(frozen=True, slots=True)
class Place:
    """The tenant that requests are sent to."""

    host: str
    token: str
    users: int


class Application:
    """The WSGI application, set up as a worker of gunicorn has it."""

    def __init__(self) -> None:
        from config import gunicorn, starting, wsgi

        starting.load()
        gunicorn.post_worker_init(None)
        self._application: Any = wsgi.application
        self._end = gunicorn.worker_exit
        self.headers: list[tuple[str, str]] = []  # of the last answer

    def call(self, place: Place, request: Request) -> Callable[[], Answer]:
        """The call that answers the request; nothing but the application runs in it."""
        environ = _environ(place, request)

        def call() -> Answer:
            head: list[str] = []
            self.headers = []

            def start(status: str, headers: list[tuple[str, str]]) -> None:
                head.append(status)
                self.headers = headers

            parts = self._application(environ, start)
            body = b"".join(parts)
            if hasattr(parts, "close"):
                parts.close()
            return Answer(int(head[0][:3]), body)

        return call

    def close(self) -> None:
        """Write what was counted."""
        self._end(None, None)


class Runner:
    """Runs operations against a tenant and says what they cost."""

    def __init__(self, application: Application, place: Place) -> None:
        self._application = application
        self._place = place
        self._fresh = itertools.count(people.FRESH)
        self._chance = random.Random(1)  # noqa: S311  # the same users for each tree

    def run(self, operation: str, count: int, stock: int, timed: Timed) -> None:
        """Send so many requests; those that use stock take it from that number on."""
        script = OPERATIONS[operation].script(self._directory(stock))
        _drive(script, count, lambda each: timed(self._application.call(self._place, each)))

    def send(self, request: Request) -> tuple[int, str, list[tuple[str, str]]]:
        """The answer to one request: status, body and headers."""
        status, body = self._application.call(self._place, request)()
        return status, body.decode(), self._application.headers

    def cost(self, operation: str, count: int, stock: int) -> Cost:
        """The cost of a request, on average over so many."""
        spent = [0, 0]

        def timed(call: Callable[[], Answer]) -> Answer:
            # All threads of the process: those that write counts belong to the requests.
            wall, python = time.perf_counter_ns(), time.process_time_ns()
            answer = call()
            spent[1] += time.process_time_ns() - python
            spent[0] += time.perf_counter_ns() - wall
            return answer

        before = backend_nanoseconds()
        self.run(operation, count, stock, timed)
        backend = backend_nanoseconds() - before
        return Cost(*(each / count / _NANOSECONDS for each in (*spent, backend)))

    def statements(self, operation: str, count: int, stock: int) -> tuple[float, float]:
        """Statements and round trips of a request, BEGIN, SET and COMMIT among them.

        Read from libpq's own trace of the connection, so that nothing has to be wrapped.
        """
        with tempfile.TemporaryFile() as trace:
            session = _session()
            session.pgconn.trace(trace.fileno())
            try:
                self.run(operation, count, stock, lambda call: call())
            finally:
                session.pgconn.untrace()
            trace.seek(0)
            found = [bytes(kind) for kind in _QUERY.findall(trace.read())]
        return found.count(b"CommandComplete") / count, found.count(b"ReadyForQuery") / count

    def samples(self, operation: str, count: int, stock: int, detail: str) -> dict[str, list[int]]:
        """Samples of a run, of the time that elapsed and of the processor's, by the place that they fell into."""
        sampler = sampling.Sampler(Path.cwd(), sampling.DETAILS[detail])
        with sampler.running():
            self.run(operation, count, stock, sampler.watch)
        return dict(sampler.places)

    def tenant(self, name: str) -> str:
        """The token of a new tenant of that name, both by the product's commands."""
        _manage("create_tenant", name, "--name", name.title(), "--admin", f"{name}@acme.example")
        return _manage("mint_token", name, "--label", "make bench").strip()

    def _directory(self, stock: int) -> Directory:
        return Directory(self._place.users, self._chance, self._fresh, itertools.count(stock))


def _manage(*arguments: str) -> str:
    """The standard output of a command, which needs no further process."""
    from config.commands import CommandLine

    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
        CommandLine(["manage.py", *arguments]).execute()
    return printed.getvalue()


def backend_nanoseconds() -> int:
    """Processor time of this thread's backend; 0 on another machine."""
    with suppress(OSError, AttributeError):
        return int(Path(f"/proc/{_session().info.backend_pid}/schedstat").read_text().split()[0])
    return 0


def _session() -> Any:
    """The driver's connection of this thread, which it keeps for the next request if it is none's."""
    from django.db import connection

    connection.ensure_connection()
    return connection.connection


def _drive(script: Script, count: int, answer: Callable[[Request], Answer]) -> None:
    request = next(script)
    for left in range(count, 0, -1):
        answered = answer(request)
        if left == 1:
            # The script checks the last answer too; what it would send next is not sent.
            with suppress(StopIteration):
                script.send(answered)
            script.close()
            return
        request = script.send(answered)


def _environ(place: Place, request: Request) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    host, _, port = place.host.partition(":")
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/scim{path}",
        "QUERY_STRING": query,
        "RAW_URI": f"/scim{request.path}",
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "40000",
        "HTTP_HOST": place.host,
        "HTTP_AUTHORIZATION": f"Bearer {place.token}",
        "CONTENT_LENGTH": str(len(request.body)),
        **_HEADERS,
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def serve(lines: Iterable[str]) -> None:
    """Do what each line says, and print the result as a line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What the program prints goes where its log goes.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    application = Application()
    runner = Runner(application, Place(**json.loads(os.environ["BENCH_PLACE"])))
    try:
        for line in lines:
            answers.write(json.dumps(_done(runner, json.loads(line))) + "\n")
    finally:
        application.close()


def _done(runner: Runner, told: dict[str, Any]) -> Any:
    do = told.pop("do")
    if do == "send":
        method, path, body = told["request"]
        return runner.send(Request(method, path, body.encode(errors="surrogateescape")))
    if do == "cost":
        return asdict(runner.cost(**told))
    return getattr(runner, do)(**told)


if __name__ == "__main__":
    serve(sys.stdin)
