"""Databases with tenants and users, made once for a state of the migrations and copied for each run."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
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
from tests.support.bench.trees import Tree

TENANT: Final = "bench"
BASE_DOMAIN: Final = "mypolicies.example"
DATA_DIR: Final = ROOT / ".data" / "bench"
_KEEP: Final = 6  # databases for other runs; the oldest go


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with a tenant and its users: all that a run has to know of it."""

    name: str
    schema: str
    place: Place
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
    def copied(self, name: str) -> Iterator[str]:
        """The name of a copy of the database, which is gone afterwards."""
        copy = f"{name}_{os.getpid()}_{sha256(os.urandom(8)).hexdigest()[:6]}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", copy, name)
        try:
            yield copy
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", copy)

    def filled(self, tree: Tree, users: int) -> Filled:
        """The database of a tree with a tenant of so many users, made if nobody has."""
        name = f"bench_{tree.digest}_{users}"
        note = DATA_DIR / f"{name}.json"
        if note.exists() and self._has(name):
            note.touch()
            kept = json.loads(note.read_text())
            model = seeding.Model.of_json(kept["model"])
            return Filled(name, kept["schema"], Place(**kept["place"]), model)
        made = self._made(tree, name, users)
        kept = {"schema": made.schema, "place": asdict(made.place), "model": made.model.as_json()}
        note.write_text(json.dumps(kept))
        self._forget_old()
        return made

    def _made(self, tree: Tree, name: str, users: int) -> Filled:
        draft = f"{name}_new"
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", draft)
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._execute("CREATE DATABASE {}", draft)
        say(f"Migrating a database for {tree.name}")
        url = self.url(draft)
        tree.manage(url, "migrate", "--verbosity", "0")
        tree.manage(
            url, "create_tenant", TENANT, "--name", "Bench Ltd", "--admin", "tara@acme.example"
        )
        token = tree.manage(url, "mint_token", TENANT, "--label", "make bench").strip()
        place = Place(f"{TENANT}.{BASE_DOMAIN}", token, users)
        with self.connected(draft) as connection:
            schema, model = self._model(connection, tree, url, place)
            for there in seeding.fill(connection, schema, model, 0, users):
                say(f"{there:,} of {users:,} users")
            connection.execute("VACUUM (ANALYZE)")
        self._execute("ALTER DATABASE {} RENAME TO {}", draft, name)
        return Filled(name, schema, place, model)

    def _model(
        self, connection: seeding.Connection, tree: Tree, url: str, place: Place
    ) -> tuple[str, seeding.Model]:
        """The tenant's schema, and the model of its users."""
        found = connection.execute(
            "SELECT schema_name, now()::text FROM tenants_tenant WHERE custom_domain = %s", [TENANT]
        ).fetchone()
        assert found is not None
        schema, since = found
        before = seeding.snapshot(connection, schema)
        with tree.worker(url, place) as worker:
            status, text = worker.ask(
                "send", request=("POST", "/Users", json.dumps(people.posted(seeding.MODEL)))
            )
        if status != 201:
            raise seeding.SeedError(f"The model was not created: {text}")
        identifier = json.loads(text)["id"]
        return schema, seeding.model(connection, schema, before, since, identifier)

    def _has(self, name: str) -> bool:
        with self.connected() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def _forget_old(self) -> None:
        notes = sorted(DATA_DIR.glob("bench_*.json"), key=lambda note: note.stat().st_mtime)
        for note in notes[:-_KEEP]:
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", note.stem)
            note.unlink()

    def _execute(self, statement: str, *names: str) -> None:
        with self.connected() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


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
