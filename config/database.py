"""The address of the database: DATABASE_URL, or the embedded PostgreSQL of DATA_DIR."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

from config.environment import EnvironmentVariableError
from config.server import embedded

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
_CONNECT_SECONDS: Final = 3

# How long a request may wait for the database. Commands and migrations may take their time.
_LIMITS: Final = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}
# How long a network may swallow what is sent over an open connection; nothing to a Unix socket.
_LINE: Final = {
    "tcp_user_timeout": 1500,  # milliseconds; to connect anew takes 3 s more, of the 5 promised
    "keepalives_idle": 2,  # seconds, like the next
    "keepalives_interval": 1,
    "keepalives_count": 2,
}


def database_settings(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's settings of the one database. Raises EnvironmentVariableError for a URL that is none.

    Connections stay open (docs/performance.md: opening one costs 3 ms). Sessions are in UTC from the
    start, which saves Django the statement that makes them so.
    """
    where = _read_url(url) if url else _embedded(data_dir)
    options = {"connect_timeout": _CONNECT_SECONDS, **where.pop("OPTIONS", {})}
    options["options"] = f"{options.get('options', '')} -c timezone=UTC".strip()
    return {"ENGINE": "tenants.backend", "CONN_MAX_AGE": None, "OPTIONS": options, **where}


def server_running() -> AbstractContextManager[None]:
    """Run the embedded PostgreSQL meanwhile, unless DATABASE_URL names another server."""
    if settings.DATABASE_URL:
        return nullcontext()
    return embedded.running(settings.DATA_DIR)


def limit_waiting() -> None:
    """Limit the time of statements on connections opened from now on: for serving processes."""
    database = connections.settings["default"]
    options = _LINE | database["OPTIONS"]
    limits = " ".join(f"-c {name}={value}" for name, value in _LIMITS.items())
    if limits not in options["options"]:
        options["options"] = f"{options['options']} {limits}"
    database["OPTIONS"] = options


def _embedded(data_dir: Path) -> dict[str, Any]:
    return {
        "NAME": embedded.DATABASE,
        "USER": embedded.ROLE,
        "HOST": embedded.socket_dir(data_dir),
        "PORT": embedded.PORT,
    }


def _read_url(url: str) -> dict[str, Any]:
    """The parts of the URL as libpq reads them; its query holds options, such as sslmode."""
    try:
        parts = conninfo_to_dict(url) if url.startswith(_SCHEMES) else {}
    except psycopg.Error:
        parts = {}
    where = {name: str(parts.pop(key, "")) for key, name in _NAMES.items()}
    if not where["NAME"]:
        # Without the value and what libpq says of it: both may hold a password.
        raise EnvironmentVariableError(f"DATABASE_URL must look like {_EXAMPLE}.")
    return {**where, "OPTIONS": parts}
