"""`manage.py up` as its own process, on a folder, a port and a database of its own."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from psycopg import sql

from tests.support import citus, environment
from tests.support.clients import MEDIA_TYPE, Answer
from tests.support.folders import shared_folder
from tests.support.ports import free_port
from tests.support.waiting import WITHIN, wait_until

DEMO = "demo0-qa"
BASE_DOMAIN = "mypolicies.localhost"
STAFF_EMAIL = "olaf@mypolicies.example"
STAFF_PASSWORD = "correct horse battery staple"
_LAST_PRINTED = "curl "
_SHOWN_LINES = 60  # of a log

_there: list["Server"] = []  # not yet removed


def logs() -> Iterator[tuple[str, str]]:
    """The ends of the logs of all servers that this process has made and not removed, with names."""
    for server in _there:
        lines = server.log.splitlines()[-_SHOWN_LINES:]
        yield f"log of the server on port {server.port}", "\n".join(lines)


class Server:
    """One installation: its settings, its process while it runs, and what that has printed."""

    def __init__(self, folder: Path, database_url: str = "", **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.staff_email = STAFF_EMAIL
        self.staff_password = STAFF_PASSWORD
        self.printed: list[str] = []
        self.process: Any = None
        self.environment = environment.own(os.environ) | {
            "BASE_DOMAIN": BASE_DOMAIN,
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "STAFF_EMAIL": STAFF_EMAIL,
            "STAFF_PASSWORD": STAFF_PASSWORD,
            **variables,
        }

    @property
    def log(self) -> str:
        """The standard error of all processes of the server, every start of it."""
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    @property
    def token(self) -> str:
        """The secret token of the demo tenant that the last start has printed."""
        return self._printed_behind("Secret Token").split()[0]

    @property
    def tenant_url(self) -> str:
        """The Tenant URL of the demo tenant."""
        return self._printed_behind("Tenant URL")

    @property
    def curl(self) -> str:
        """The command that was printed for pasting."""
        return next(line.strip() for line in self.printed if line.strip().startswith(_LAST_PRINTED))

    def url(self, custom_domain: str, path: str = "/") -> str:
        return f"http://{custom_domain}.{BASE_DOMAIN}:{self.port}{path}"

    def start(self) -> None:
        """Return when the server listens; in a process group of its own, as in a terminal."""
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )
        self.printed = self._read_until_it_listens()

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """The exit status after the signal; 0 when it was not running."""
        if self.process is None:
            return 0
        self.process.send_signal(with_signal)
        return self.wait()

    def kill(self) -> None:
        """Kill -9 for the whole process group; PostgreSQL is in another."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """The exit status, when the process has ended."""
        process, self.process = self.process, None
        with process.stdout:
            status: int = process.wait(WITHIN)
            return status

    def manage(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Another command on the same database; `given` is its standard input."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def workers(self, command: str) -> list[int]:
        """The process ids of the workers that the server has started with that command."""
        return [pid for pid in children(self.process.pid) if command in _command_line(pid)]

    def worker(self, command: str) -> int:
        """The process id of the worker that runs that command, once it runs: it may be on its way."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = self.workers(command)
            return len(found) == 1

        wait_until(is_there, f"a worker ran {command}")
        return found[0]

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request; without a Host header it goes to the demo tenant's host."""
        host = {"Host": f"{DEMO}.{BASE_DOMAIN}:{self.port}"}
        return send(self.port, method, path, body, host | dict(headers or {}))

    def scim(self, method: str, path: str, body: str | None = None) -> Answer:
        """The answer to a SCIM request below the Tenant URL, with the printed secret token."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": MEDIA_TYPE}
        return self.request(method, f"/scim{path}", body, headers)

    def _read_until_it_listens(self) -> list[str]:
        """The lines that are printed once the server listens; fails with its log when it ends."""
        timer = Timer(WITHIN, self.process.kill)
        timer.start()
        lines: list[str] = []
        try:
            for line in self.process.stdout:
                lines.append(line.rstrip("\n"))
                if line.strip().startswith(_LAST_PRINTED):
                    return lines
        finally:
            timer.cancel()
        raise AssertionError(f"The server did not start:\n{self.log}")

    def _printed_behind(self, name: str) -> str:
        line = next(line for line in self.printed if line.strip().startswith(name))
        return line.strip().removeprefix(name).strip()


@contextmanager
def new_server(*, embedded: bool = False, **variables: str) -> Iterator[Server]:
    """A server that has not been started; stopped and removed at the end, with its database.

    It uses a new database beside the one that DATABASE_URL names, on Citus one that was prepared for
    it; without one, or if `embedded`, an embedded PostgreSQL in its folder.
    """
    database_url = "" if embedded else settings.DATABASE_URL
    with shared_folder() as folder, _new_database(database_url) as url:
        server = Server(folder, url, **variables)
        _there.append(server)
        try:
            yield server
        finally:
            server.stop()
            for title, text in logs():
                print(f"{title}\n{text}")  # noqa: T201  # pytest shows it if the test fails
            _there.remove(server)


def send(
    port: int, method: str, path: str, body: bytes | str | None, headers: Mapping[str, str]
) -> Answer:
    """The answer of what listens on a port of this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        fields: Any = response.headers  # reads like a mapping, in any letter case
        return Answer(response.status, fields, response.read().decode())
    finally:
        connection.close()


def children(parent: int) -> list[int]:
    """The processes that a process has started: read from /proc, since a minimal system has no pgrep."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            # The name, in parentheses, may hold anything; state and parent follow it.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def catches(pid: int, number: int) -> bool:
    """True if the process does something of its own about a signal: until then the signal just ends it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> number - 1 & 1)
    return False


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


@contextmanager
def _new_database(beside: str) -> Iterator[str]:
    if not beside:
        yield ""
        return
    parts = urlsplit(beside)
    if citus.is_given():
        name = citus.name_for_servers()
        citus.empty(name)
        yield urlunsplit(parts._replace(path=f"/{name}"))
        return
    name = f"{parts.path.strip('/')}_{os.getpid()}_{secrets.token_hex(4)}"

    def execute(statement: str) -> None:
        with psycopg.connect(beside, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    execute("CREATE DATABASE {}")
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        execute("DROP DATABASE {} WITH (FORCE)")
