"""Debian's PgBouncer in transaction mode before a PostgreSQL that is reached by a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from config import database
from tests.support.postgres import wait_until

PROGRAM: Final = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
SERVERS: Final = (
    3  # connections to PostgreSQL: fewer than ours to PgBouncer, so sessions are shared
)
_INI: Final = """\
[databases]
* = host={sockets} port={port}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
auth_file =
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextmanager
def running(sockets: str, role: str = database.ROLE) -> Iterator[str]:
    """The folder of PgBouncer's socket, while it runs; `role` is whom it signs in as."""
    assert PROGRAM, "This needs PgBouncer: apt install pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    ini = folder / "pgbouncer.ini"
    text = _INI.format(sockets=sockets, port=database.PORT, folder=folder, servers=SERVERS)
    ini.write_text(text.replace("* = ", f"* = user={role} "))
    identity: dict[str, Any] = {}
    if (
        os.geteuid() == 0
    ):  # it refuses root; of the folder of PostgreSQL's socket nobody is the owner
        nobody = pwd.getpwnam("nobody")
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    environment = {"PATH": os.defpath}  # a clock that is shifted would shift its time limits
    process = subprocess.Popen([PROGRAM, "-q", str(ini)], env=environment, **identity)
    try:
        wait_until(lambda: _answers(folder), "PgBouncer answered")
        yield str(folder)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user="any", dbname=database.DATABASE).close()
    except psycopg.OperationalError:
        return False
    return True
