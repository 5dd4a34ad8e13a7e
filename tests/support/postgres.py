"""The PostgreSQL behind a server of ours: asked whether it runs, and ended, by its process id."""

import fcntl
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from config import database
from config.server import embedded


def postmaster_pid(data_dir: Path) -> int:
    """The process id of the embedded server that runs on that DATA_DIR."""
    file = database.cluster(data_dir).data / "postmaster.pid"
    return int(file.read_text().splitlines()[0])


def is_gone(data_dir: Path) -> bool:
    """True if no process of that server is left: sessions outlive a killed postmaster for a moment."""
    with (database.cluster(data_dir).home / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def runs(data_dir: Path) -> bool:
    """True if the embedded server of that DATA_DIR takes connections."""
    try:
        psycopg.connect(host=database.socket_dir(data_dir), user=database.ROLE).close()
    except psycopg.OperationalError:
        return False
    return True


def run_program(data_dir: Path, program: str, *arguments: str | Path) -> str:
    """The output of one of PostgreSQL's programs, run as the user that the server of that DATA_DIR runs as."""
    owner = database.cluster(data_dir).owner
    identity: dict[str, Any] = {}
    if owner:
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    command = [embedded._programs(owner) / program, *arguments]
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env=environment, **identity
    )
    assert done.returncode == 0, done.stderr
    printed: str = done.stdout
    return printed


def dump(data_dir: Path) -> str:
    """The whole database as `pg_dump` writes it."""
    at = ("-h", database.socket_dir(data_dir), "-U", "postgres")
    return run_program(data_dir, "pg_dump", *at, database.DATABASE)
