"""The address of the database: DATABASE_URL, or the embedded PostgreSQL of DATA_DIR (config.server)."""

import hashlib
import os
import pwd
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.conninfo import conninfo_to_dict

from config.environment import EnvironmentVariableError
from tenants import deadlines
from tenants.backend.sessions import Sessions

# The logins of the embedded server: none is a superuser, so privileges bind both.
ROLE: Final = "mypolicies"  # owns the database
SERVING: Final = "mypolicies_serving"  # owns nothing (decision 0081)
DATABASE: Final = "mypolicies"
PORT: Final = "5432"  # part of the socket's name, nothing else
_MAX_SOCKET_DIR: Final = 90  # bytes; the system allows 107 with the socket's own name
_AMBIGUOUS: Final = frozenset(',"\\')  # where several hosts or directories could be meant
PERSISTENT: Final = Path("/var/tmp")  # noqa: S108  # only below names that hold a hash of our path
_TEMPORARY: Final = Path("/tmp")  # noqa: S108
_EXAMPLE: Final = "postgresql://user:password@host:5432/name"
_SCHEMES: Final = ("postgresql://", "postgres://")
# Names in libpq and in Django; anything else is an option.
_NAMES: Final = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}
_of_thread: Final = threading.local()  # its connections, by alias
_AT_ONCE: Final = 0  # the threshold of psycopg's for what is prepared when it first comes

# How long a request may wait for the database. Commands and migrations may take their time. A statement
# ends before its request is cut off (tenants.deadlines), and says why.
LIMITS: Final = {
    "statement_timeout": "8s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}
# How long a network may swallow what is sent over an open connection; nothing to a Unix socket.
_LINE: Final = {
    "tcp_user_timeout": 1500,  # milliseconds; a new connection takes 3 s more, of the 5 promised
    "keepalives_idle": 2,  # seconds, like the next
    "keepalives_interval": 1,
    "keepalives_count": 2,
}


def database_settings(
    url: str,
    data_dir: Path,
    *,
    prepares: bool = False,
    pooler: str = "detect",
    name: str = "DATABASE_URL",
) -> dict[str, Any]:
    """Django's settings of the one database. Raises EnvironmentVariableError for a URL that is none.

    Connections stay open (docs/performance.md: opening one costs 3 ms). Nothing is asked for in the
    packet that opens one, since poolers refuse that: the backend reads the rest (tenants.backend).
    With `prepares` hot statements are prepared unless a pooler is there.
    """
    where = _read_url(url, name) if url else _embedded(data_dir)
    options = {"connect_timeout": deadlines.CONNECT_SECONDS, **where.pop("OPTIONS", {})}
    if prepares:
        options["prepare_threshold"] = _AT_ONCE
    return {
        "ENGINE": "tenants.backend",
        "CONN_MAX_AGE": None,
        "OPTIONS": options,
        "POOLER": pooler,
        "LIMITS": {},
        **where,
    }


def owner_settings(url: str, data_dir: Path, *, is_embedded: bool) -> dict[str, Any] | None:
    """Django's settings of the login that owns the database; None if that is the one that serves.

    It has a URL of its own, or belongs to the embedded server.
    """
    if url:
        return database_settings(url, data_dir, name="MIGRATION_DATABASE_URL")
    if is_embedded:
        return database_settings("", data_dir) | {"USER": ROLE}
    return None


def limit_waiting() -> None:
    """Limit the time of statements on connections opened from now on: for serving processes."""
    database = connections.settings["default"]
    database["OPTIONS"] = _LINE | database["OPTIONS"]
    database["LIMITS"] = dict(LIMITS)


def share_sessions() -> None:
    """Have the threads of this process share their connections, one for each transaction."""
    sessions = Sessions()
    connections.settings[DEFAULT_DB_ALIAS]["SESSIONS"] = sessions
    os.register_at_fork(before=sessions.close_idle)  # two processes never have the same one


def keep_by_thread() -> None:
    """Keep connections in variables of the thread: those of asgiref, also for coroutines, are slow.

    A request looks its connection up sixteen times (decision 0100).
    """
    for each in connections.all(initialized_only=True):
        setattr(_of_thread, each.alias, each)
    vars(connections)["_connections"] = _of_thread  # where Django keeps them


def look_after(**_: Any) -> None:
    """Close the thread's connection if it is broken, or let others have it; at the end of a request."""
    connection = getattr(_of_thread, DEFAULT_DB_ALIAS, None)
    if connection is not None:
        connection.close_if_unusable_or_obsolete()
        connection.give_back()


def _embedded(data_dir: Path) -> dict[str, Any]:
    return {
        "NAME": DATABASE,
        "USER": SERVING,
        "HOST": socket_dir(data_dir),
        "PORT": PORT,
    }


def _read_url(url: str, variable: str) -> dict[str, Any]:
    """The parts of the URL as libpq reads them; its query holds options, such as sslmode."""
    try:
        parts = conninfo_to_dict(url) if url.startswith(_SCHEMES) else {}
    except psycopg.Error:
        parts = {}
    where = {name: str(parts.pop(key, "")) for key, name in _NAMES.items()}
    if not where["NAME"]:
        # Without the value and what libpq says of it: both may hold a password.
        raise EnvironmentVariableError(f"{variable} must look like {_EXAMPLE}.")
    return {**where, "OPTIONS": parts}


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL cannot be started; the message says what was tried and where the log is."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The place of one embedded server: everything follows from DATA_DIR and the user we run as."""

    home: Path
    sockets: Path
    owner: pwd.struct_passwd | None  # whom the programs run as, when we are root

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"


def cluster(data_dir: Path) -> Cluster:
    """The cluster that belongs to a DATA_DIR; makes nothing."""
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    data_dir = data_dir.resolve()  # one folder is one cluster, by whatever name it is reached
    home = data_dir / "postgres"
    name = f"mypolicies-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    if owner and not open_to_all(data_dir):
        home = PERSISTENT / name
    sockets = home / "socket"
    too_long = len(os.fsencode(sockets)) > _MAX_SOCKET_DIR
    if too_long or _AMBIGUOUS.intersection(str(sockets)):
        sockets = _TEMPORARY / name
    return Cluster(home, sockets, owner)


def socket_dir(data_dir: Path) -> str:
    """The folder of the server's socket, as the `host` of libpq."""
    return str(cluster(data_dir).sockets)


def open_to_all(path: Path) -> bool:
    """True if any user may pass through to the path; what does not exist yet is made so."""
    existing = [each for each in (path, *path.parents) if each.exists()]
    return all(each.stat().st_mode & 0o001 for each in existing)
