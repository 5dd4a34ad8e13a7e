"""Databases with tenants and users, made once for a state of the migrations and copied for each run."""

import json
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config import database
from config.environment import ROOT
from config.server import embedded
from tests.support.bench import people, seeding
from tests.support.bench.inprocess import Place
from tests.support.bench.progress import say
from tests.support.bench.trees import Tree, Worker

TENANT: Final = "bench"
BASE_DOMAIN: Final = "mypolicies.example"
DATA_DIR: Final = ROOT / ".data" / "bench"
_KEEP: Final = 6  # databases for other runs; the oldest go


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with tenants and their users: all that a run has to know of it."""

    name: str
    schemas: tuple[str, ...]
    places: tuple[Place, ...]
    model: seeding.Model


class Cluster:
    """The PostgreSQL of a run: the embedded one of .data/bench, or the server of a given URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    @contextmanager
    def connected(self, database: str = "") -> Iterator[seeding.Connection]:
        """A connection without transaction."""
        with psycopg.connect(
            self.url(database) if database else self._url, autocommit=True
        ) as connection:
            yield connection

    @contextmanager
    def created(self, name: str, template: str = "") -> Iterator[str]:
        """The name of a new database, which is gone afterwards."""
        copied = "TEMPLATE {} STRATEGY FILE_COPY" if template else ""
        self._execute(f"CREATE DATABASE {{}} {copied}", *filter(None, (name, template)))
        try:
            yield name
        finally:
            self._drop(name)

    def process(self) -> int | None:
        """The first process of the server, None on another machine."""
        with self.connected() as connection:
            backend = connection.info.backend_pid
            with suppress(OSError):
                state = Path(f"/proc/{backend}/stat").read_text()
                if "(postgres)" in state:
                    return int(state.rpartition(")")[2].split()[1])
        return None

    def copied(self, name: str) -> AbstractContextManager[str]:
        """The name of a copy of the database, which is gone afterwards."""
        return self.created(f"{name}_{secrets.token_hex(4)}", name)

    def filled(self, tree: Tree, users: int, tenants: int = 1) -> Filled:
        """The database of a tree with tenants of so many users each, made if nobody has."""
        name = f"bench_{tree.digest}_{tenants}_{users}"
        note = DATA_DIR / f"{name}.json"
        if note.exists() and self._has(name):
            note.touch()
            kept = json.loads(note.read_text())
            places = tuple(Place(**place) for place in kept["places"])
            return Filled(
                name, tuple(kept["schemas"]), places, seeding.Model.of_json(kept["model"])
            )
        made = self._made(tree, name, users, tenants)
        kept = asdict(made) | {"model": made.model.as_json()}
        note.write_text(json.dumps(kept))
        self._forget_old()
        return made

    def _made(self, tree: Tree, name: str, users: int, tenants: int) -> Filled:
        draft = f"{name}_new"
        self._drop(draft)
        self._drop(name)
        self._execute("CREATE DATABASE {}", draft)
        say(f"Migrating a database for {tree.name}")
        url = self.url(draft)
        tree.manage(url, "migrate", "--verbosity", "0")
        tree.manage(
            url, "create_tenant", TENANT, "--name", "Bench", "--admin", f"{TENANT}@acme.example"
        )
        token = tree.manage(url, "mint_token", TENANT, "--label", "make bench").strip()
        places = [Place(f"{TENANT}.{BASE_DOMAIN}", token, users)]
        with self.connected(draft) as connection:
            with tree.worker(url, places[0]) as worker:
                model = _model(connection, worker)
                for number in range(1, tenants):
                    say(f"{number:,} of {tenants:,} tenants")
                    made = worker.ask("tenant", name=f"{TENANT}{number}")
                    places.append(Place(f"{TENANT}{number}.{BASE_DOMAIN}", made, users))
            schemas = tuple(_schema(connection, number) for number in range(tenants))
            for schema in schemas:
                for there in seeding.fill(connection, schema, model, 0, users):
                    say(f"{schema}: {there:,} of {users:,} users")
            connection.execute("VACUUM (ANALYZE)")
        self._execute("ALTER DATABASE {} RENAME TO {}", draft, name)
        return Filled(name, schemas, tuple(places), model)

    def _has(self, name: str) -> bool:
        with self.connected() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def _forget_old(self) -> None:
        notes = sorted(DATA_DIR.glob("bench_*.json"), key=lambda note: note.stat().st_mtime)
        for note in notes[:-_KEEP]:
            self._drop(note.stem)
            note.unlink()

    def _drop(self, name: str) -> None:
        """Remove the database, if it is there.

        WITH (FORCE) is for superusers: it fails while autovacuum, which is one, works there. Without
        it PostgreSQL ends autovacuum, and waits.
        """
        with self.connected() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
        self._execute("DROP DATABASE IF EXISTS {}", name)

    def _execute(self, statement: str, *names: str) -> None:
        with self.connected() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _schema(connection: seeding.Connection, number: int) -> str:
    """The schema of a tenant; the first has no number."""
    found = connection.execute(
        "SELECT schema_name FROM tenants_tenant WHERE custom_domain = %s",
        [f"{TENANT}{number or ''}"],
    ).fetchone()
    assert found is not None
    return str(found[0])


def _model(connection: seeding.Connection, worker: Worker) -> seeding.Model:
    """The model of the users, made in the first tenant."""
    schema = _schema(connection, 0)
    found = connection.execute("SELECT now()::text").fetchone()
    assert found is not None
    before = seeding.snapshot(connection, schema)
    body = json.dumps(people.posted(seeding.MODEL))
    status, text, _ = worker.ask("send", request=("POST", "/Users", body))
    if status != HTTPStatus.CREATED:
        raise seeding.SeedError(f"The model was not created: {text}")
    return seeding.model(connection, schema, before, found[0], json.loads(text)["id"])


@contextmanager
def running(url: str = "") -> Iterator[Cluster]:
    """The server of that URL, else the embedded one: it runs meanwhile, with the disk's own pace."""
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    if url:
        yield Cluster(url)
        return
    say("Starting PostgreSQL")
    sockets = database.socket_dir(DATA_DIR)
    with embedded.running(DATA_DIR):
        yield Cluster(f"postgresql://{database.ROLE}@/{database.DATABASE}?host={sockets}")
