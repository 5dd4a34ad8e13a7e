"""The servers that a run measures side by side: the product by its production command, and the floor.

Each is started, filled and stopped here; one that is not being driven is idle.
"""

import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from psycopg import sql

from config.environment import ROOT
from tests.support.bench import floor, people, seeding, trees
from tests.support.bench.databases import Cluster, Filled
from tests.support.bench.driving import Target
from tests.support.bench.progress import say
from tests.support.ports import free_port

WORKERS: Final = 2
# The settings of config/gunicorn.py for a server that has none of its own; a test compares them.
SETTINGS: Final = {
    "worker-class": "gthread",
    "workers": WORKERS,
    "threads": 4,
    "keep-alive": 75,
    "timeout": 45,
    "graceful-timeout": 30,
    "limit-request-line": 8190,
    "log-level": "error",
}
PEERS_ENVIRONMENT: Final = ROOT / ".venv-bench" / "bin"
_START_SECONDS: Final = 60
_PERSON_SEED: Final = """
INSERT INTO person (id, tenant, external_id, user_name, user_name_key, active, display_name, formatted,
    family_name, given_name, work_email, title, department, employee_number, created, last_modified)
SELECT {identifier}, tenant, '0a21f0f2-8d2a-4f8e-bf98-0000' || d, 'user' || d || '@' || {domain},
    'user' || d || '@' || {domain}, true, 'Barbara Jensen' || d, 'Barbara Jensen' || d, 'Jensen' || d,
    'Barbara', 'user' || d || '@' || {domain}, 'Tour Guide', 'Tour Operations', d, t, t
FROM generate_series(0, {tenants}) AS tenant, generate_series({start}::bigint, {end}) AS n,
    LATERAL (SELECT lpad(n::text, {digits}, '0'), to_timestamp(({epoch}::bigint + n) / 1000.0)) AS made (d, t)
"""


class Contestant(ABC):
    """A server that is driven."""

    name: str
    lacks: frozenset[str] = frozenset()  # operations that it has not
    target: Target
    process: "subprocess.Popen[bytes]"

    @abstractmethod
    def lay_in(self, start: int, end: int) -> None:
        """Have the users with these numbers, in the first tenant and active."""

    @abstractmethod
    def tidy(self) -> None:
        """Remove the users that a round has added, and what is left of its stock."""


class Product(Contestant):
    """This tree, by `gunicorn config.wsgi -c config/gunicorn.py`."""

    name = "product"

    def __init__(self, cluster: Cluster, database: str, filled: Filled) -> None:
        self._cluster = cluster
        self._database = database
        self._filled = filled

    def start(self, stack: ExitStack) -> None:
        """Return when it answers; it ends with the stack."""
        port = free_port()
        places = self._filled.places
        hosts = tuple(place.host for place in places)
        tokens = tuple(place.token for place in places)
        self.target = Target(port, "/scim", hosts, tokens, places[0].users)
        environment = trees.here().environment(self._cluster.url(self._database)) | {
            "PORT": str(port),
            "WEB_CONCURRENCY": str(WORKERS),
        }
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", "-c", "config/gunicorn.py"]
        self.process = stack.enter_context(served(self.name, port, command, environment))

    def lay_in(self, start: int, end: int) -> None:
        with self._cluster.connected(self._database) as connection:
            for schema in self._filled.schemas:
                for _ in seeding.fill(connection, schema, self._filled.model, start, end):
                    pass

    def tidy(self) -> None:
        delete = sql.SQL("DELETE FROM {} WHERE id > %s")
        with self._cluster.connected(self._database) as connection:
            for schema in self._filled.schemas:
                table = sql.Identifier(schema, "scim_resource")
                connection.execute(delete.format(table), [people.identifier(people.STOCK - 1)])


class Floor(Contestant):
    """The bare WSGI application."""

    name = "floor"
    lacks = frozenset({"cursor", "sorted"})

    def __init__(self, cluster: Cluster, tenants: int, users: int) -> None:
        self._cluster = cluster
        self._tenants = tenants
        self._users = users
        self._database = f"bench_floor_{secrets.token_hex(4)}"

    def start(self, stack: ExitStack) -> None:
        """Return when it answers; it ends with the stack."""
        self._database = stack.enter_context(self._cluster.created(self._database))
        tokens = tuple(secrets.token_urlsafe(32) for _ in range(self._tenants))
        with self._cluster.connected(self._database) as connection:
            connection.execute(floor.SCHEMA)
            for tenant, token in enumerate(tokens):
                connection.execute(
                    "INSERT INTO token VALUES (%s, %s)", [floor.digest(token), tenant]
                )
            say("Filling the floor's table")
            self.lay_in(0, self._users)
            connection.execute("VACUUM (ANALYZE)")
        port = free_port()
        hosts = ("floor.example",) * self._tenants
        self.target = Target(port, "/scim", hosts, tokens, self._users)
        environment = {"FLOOR_DATABASE_URL": self._cluster.url(self._database)}
        command = gunicorn("tests.support.bench.floor:application", port)
        self.process = stack.enter_context(served(self.name, port, command, environment))

    def lay_in(self, start: int, end: int) -> None:
        statement = sql.SQL(_PERSON_SEED).format(
            identifier=seeding.identifier(0),
            domain=people.DOMAIN,
            tenants=self._tenants - 1,
            start=start,
            end=end - 1,
            digits=people.DIGITS,
            epoch=people.EPOCH,
        )
        with self._cluster.connected(self._database) as connection:
            connection.execute(statement)

    def tidy(self) -> None:
        with self._cluster.connected(self._database) as connection:
            last = people.identifier(people.STOCK - 1)
            connection.execute("DELETE FROM person WHERE id > %s", [last])


def gunicorn(application: str, port: int, **settings: object) -> list[str]:
    """The command that serves an application of .venv-bench as the product is served."""
    options = [
        f"--{name.replace('_', '-')}={value}" for name, value in {**SETTINGS, **settings}.items()
    ]
    program = str(PEERS_ENVIRONMENT / "gunicorn")
    return [program, application, "--no-control-socket", f"--bind=127.0.0.1:{port}", *options]


@contextmanager
def served(
    name: str, port: int, command: list[str], environment: Mapping[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """The process of a server, once it answers."""
    say(f"Starting {name}")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            if not _listens(port, process):
                log.seek(0)
                raise trees.TreeError(f"{name} did not start:\n{log.read()}")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def run(command: list[str], environment: Mapping[str, str]) -> None:
    """Run a program to its end. Raises TreeError."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise trees.TreeError(f"{' '.join(command)} failed:\n{done.stderr}")


def _listens(port: int, process: "subprocess.Popen[bytes]") -> bool:
    """True once the port takes connections, False if the process ends before."""
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        time.sleep(0.05)
    return False
