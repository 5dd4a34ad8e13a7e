"""PgBouncer in transaction mode before a PostgreSQL that is reached by a Unix socket.

Debian's, or the one that the variable PGBOUNCER names.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from config import database
from tests.support.waiting import WITHIN, wait_until

PROGRAM: Final = os.environ.get("PGBOUNCER") or shutil.which(
    "pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin"
)
_FIRST_TO_PREPARE: Final = (1, 21)  # carries statements that are prepared by the protocol
_FIRST_TO_WAIT: Final = (1, 23)
SERVERS: Final = (
    3  # connections to PostgreSQL: fewer than ours to PgBouncer, so sessions are shared
)
INI: Final = "pgbouncer.ini"
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


def ways() -> list[str]:
    """The lines of the settings by which it carries prepared statements or does not; blank if it cannot."""
    if version() < _FIRST_TO_PREPARE:
        return [""]
    return [f"max_prepared_statements = {number}" for number in (0, 200)]


def version() -> tuple[int, ...]:
    """The version of the program; nothing where there is none."""
    if not PROGRAM:
        return ()
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", told.splitlines()[0])))


class Pooler:
    """One that runs, with its settings and its socket in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._identity: dict[str, Any] = {}
        if (
            os.geteuid() == 0
        ):  # it refuses root; of the folder of PostgreSQL's socket nobody is the owner
            nobody = pwd.getpwnam("nobody")
            ids = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            self._identity = {**ids, "extra_groups": []}
            os.chown(folder, *ids.values())
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        environment = {"PATH": os.defpath}  # a clock that is shifted would shift its time limits
        command = [str(PROGRAM), "-q", str(self.folder / INI)]
        self._process = subprocess.Popen(command, env=environment, **self._identity)
        wait_until(lambda: _answers(self.folder), "PgBouncer answered")

    def stop(self) -> None:
        """End it at once: from 1.23 on SIGTERM waits for all clients."""
        at_once = signal.SIGTERM if version() < _FIRST_TO_WAIT else signal.SIGQUIT
        self._process.send_signal(at_once)
        self._process.wait(WITHIN)


@contextmanager
def running(sockets: str, role: str = database.ROLE, setting: str = "") -> Iterator[Pooler]:
    """PgBouncer before the PostgreSQL with that folder of sockets; `role` is whom it signs in as."""
    assert PROGRAM, "This needs PgBouncer: apt install pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    text = _INI.format(sockets=sockets, port=database.PORT, folder=folder, servers=SERVERS)
    (folder / INI).write_text(text.replace("* = ", f"* = user={role} ") + setting + "\n")
    pooler = Pooler(folder)
    try:
        yield pooler
    finally:
        pooler.stop()
        shutil.rmtree(folder)


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user="any", dbname=database.DATABASE).close()
    except psycopg.OperationalError:
        return False
    return True
