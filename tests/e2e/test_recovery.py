"""Recovery to a moment, by the files of deploy/postgresql: a base backup and the archive of the WAL.

A tenant is removed by mistake. From the archive the database comes back as it was a moment before.
"""

import json
import os
import shutil
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from config import database
from config.server import embedded
from tests.support.deployment import Deployment
from tests.support.folders import shared_folder
from tests.support.payloads import BJENSEN
from tests.support.postgres import run_program
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder():
    """A folder with PostgreSQL's one for the archive in it."""
    with shared_folder() as made:
        owner = database.cluster(made).owner
        (made / "archive" / "wal").mkdir(parents=True)
        for each in (made / "archive", made / "archive" / "wal"):
            if owner:
                os.chown(each, owner.pw_uid, owner.pw_gid)
        yield made


def settings_of(folder, name, **replaced):
    """The settings in a file of deploy/postgresql, with the folder of the archive in them."""
    text = (settings.BASE_DIR / "deploy" / "postgresql" / name).read_text()
    assigned = dict(line.split(" = ", 1) for line in text.splitlines() if line[0] != "#")
    return {
        key: value.strip("'").replace("/srv/archive", str(folder / "archive"))
        for key, value in (assigned | replaced).items()
    }


@contextmanager
def archiving(folder):
    """PostgreSQL with the documented settings: its DATA_DIR."""
    data = folder / "first"
    with embedded.running(data), superuser(data) as session:
        for name, value in settings_of(folder, "archive.conf").items():
            statement = sql.SQL("ALTER SYSTEM SET {} = {}")
            session.execute(statement.format(sql.Identifier(name), sql.Literal(value)))
    with embedded.running(data):
        yield data


def superuser(data):
    sockets = database.socket_dir(data)
    return psycopg.connect(host=sockets, user="postgres", dbname=database.DATABASE, autocommit=True)


def one(data, question):
    with superuser(data) as session:
        return session.execute(question).fetchone()[0]


def deployed(folder, data):
    (folder / "of-it").mkdir(exist_ok=True)
    url = f"postgresql://{database.ROLE}@/{database.DATABASE}?host={database.socket_dir(data)}"
    return Deployment(folder / "of-it", url)


def recovered(folder, moment):
    """The DATA_DIR of a server that is the base backup, and the archive up to the moment."""
    data = folder / "second"
    cluster = database.cluster(data)
    cluster.home.mkdir(parents=True)
    shutil.copytree(folder / "archive" / "base", cluster.data, symlinks=True)
    lines = settings_of(folder, "recovery.conf", recovery_target_time=moment)
    text = "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    with (cluster.data / "postgresql.auto.conf").open("a") as file:
        file.write(text)
    (cluster.data / "recovery.signal").touch()
    if cluster.owner:
        for each in (cluster.home, *cluster.home.rglob("*")):
            os.chown(each, cluster.owner.pw_uid, cluster.owner.pw_gid, follow_symlinks=False)
    return data


@contextmanager
def serving(deployment):
    """The deployment serves meanwhile."""
    deployment.start()
    try:
        yield
    finally:
        deployment.stop()


def test_a_tenant_that_was_removed_by_mistake_is_back_as_it_was(folder):
    with archiving(folder) as data:
        deployment = deployed(folder, data)
        deployment.manage("migrate")
        for name in ("acme", "globex"):
            deployment.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
        token = deployment.manage("token mint acme --label Entra --days 30").strip()
        at = ("-h", database.socket_dir(data), "-U", "postgres")
        base = f"--pgdata={folder / 'archive' / 'base'}"
        run_program(data, "pg_basebackup", *at, base, "--checkpoint=fast", "--wal-method=stream")
        with serving(deployment):
            made = deployment.scim("acme", token, "POST", "/Users", json.dumps(BJENSEN))
            moment = one(data, "SELECT clock_timestamp()::text")
            deployment.manage(f"tenant archive acme {folder / 'acme.zip'}")
            gone = deployment.scim("acme", token, "GET", "/Users")
        one(data, "SELECT pg_switch_wal()::text")

    data = recovered(folder, moment)
    with embedded.running(data):
        wait_until(lambda: not one(data, "SELECT pg_is_in_recovery()"), "it was recovered")
        again = deployed(folder, data)
        with serving(again):
            found = again.scim("acme", token, "GET", "/Users")
            verified = again.run("python manage.py audit verify --all")

    assert (made.status, gone.status) == (201, 404)
    assert [each["userName"] for each in found.json["Resources"]] == [BJENSEN["userName"]]
    assert verified.returncode == 0, verified.stderr
