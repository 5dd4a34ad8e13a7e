"""Peers beside the product: scim2-server in memory, django-scim2 on the same PostgreSQL.

They are filled through their own APIs. Both are sent a PATCH that they understand: booleans that are
booleans, and the e-mails by their plain path.
"""

import json
import secrets
from contextlib import ExitStack, closing
from dataclasses import replace
from http.client import HTTPConnection
from typing import Final

from tests.support.bench import people, trees
from tests.support.bench.contestants import PEERS_ENVIRONMENT, Contestant, gunicorn, run, served
from tests.support.bench.databases import Cluster
from tests.support.bench.driving import Target
from tests.support.bench.progress import say
from tests.support.ports import free_port

_LACKS: Final = frozenset({"patch-away", "delete", "cursor", "sorted"})


class Peer(Contestant):
    """A server of another project."""

    lacks = _LACKS

    def start(self, stack: ExitStack, users: int) -> None:
        """Return when it answers and has so many users; it ends with the stack."""
        raise NotImplementedError

    def lay_in(self, start: int, end: int) -> None:
        """Nothing: no operation that uses stock is asked for."""

    def _fill(self, users: int) -> None:
        ids = {}
        with closing(HTTPConnection("127.0.0.1", self.target.port)) as connection:
            for number in range(users):
                if number % 1000 == 0:
                    say(f"{self.name}: {number:,} of {users:,} users")
                ids[str(number)] = self._created(connection, number)
        self.target = replace(self.target, ids=ids, users=users)

    def _created(self, connection: HTTPConnection, number: int) -> str:
        """The id of a new user. Raises TreeError."""
        headers = {
            "Authorization": f"Bearer {self.target.tokens[0]}",
            "Content-Type": "application/scim+json",
        }
        body = json.dumps(people.posted(number))
        connection.request("POST", f"{self.target.base}/Users", body, headers)
        answer = connection.getresponse().read()
        try:
            return str(json.loads(answer)["id"])
        except (ValueError, KeyError):
            text = answer.decode(errors="replace")
            raise trees.TreeError(f"{self.name} has created no user: {text[:500]}") from None

    def _at(self, base: str) -> Target:
        token = secrets.token_urlsafe(32)
        return Target(free_port(), base, ("localhost",), (token,), 0, is_plain=True)


class Memory(Peer):
    """scim2-server: one process, since its users are in its memory."""

    name = "scim2-server"

    def start(self, stack: ExitStack, users: int) -> None:
        self.target = self._at("/v2")
        command = gunicorn("tests.support.bench.peers.memory", self.target.port, workers=1)
        environment = {"PEER_TOKEN": self.target.tokens[0]}
        self.process = stack.enter_context(
            served(self.name, self.target.port, command, environment)
        )
        self._fill(users)
        self._ask("/bench/keep")

    def tidy(self) -> None:
        self._ask("/bench/reset")

    def _ask(self, path: str) -> None:
        with closing(HTTPConnection("127.0.0.1", self.target.port)) as connection:
            connection.request("POST", path)
            connection.getresponse().read()


class Durable(Peer):
    """django-scim2: two processes, with connections to PostgreSQL that stay open."""

    name = "django-scim2"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._database = ""
        self._last = 0  # number of the last user to keep

    def start(self, stack: ExitStack, users: int) -> None:
        self.target = self._at("/scim/v2")
        name = f"bench_peer_{secrets.token_hex(4)}"
        self._database = stack.enter_context(self._cluster.created(name))
        environment = {
            "PEER_TOKEN": self.target.tokens[0],
            "PEER_DATABASE_URL": self._cluster.url(self._database),
        }
        module = "tests.support.bench.peers.durable.wsgi"
        run([str(PEERS_ENVIRONMENT / "python"), "-m", module], environment)
        command = gunicorn(module, self.target.port)
        self.process = stack.enter_context(
            served(self.name, self.target.port, command, environment)
        )
        self._fill(users)
        with self._cluster.connected(self._database) as connection:
            connection.execute("VACUUM (ANALYZE)")
            found = connection.execute("SELECT max(id) FROM durable_person").fetchone()
            self._last = found[0] if found else 0

    def tidy(self) -> None:
        with self._cluster.connected(self._database) as connection:
            connection.execute("DELETE FROM durable_person WHERE id > %s", [self._last])
