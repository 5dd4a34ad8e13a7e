"""Where the database is: DATABASE_URL, or the embedded PostgreSQL that belongs to DATA_DIR."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.db import connections

from config import embedded
from config.environment import EnvironmentVariableError

_EXAMPLE: Final = "postgresql://user:password@host:5432/name"
_CONNECT_SECONDS: Final = 3

# How long a request may wait for the database. Commands and migrations may take their time.
_LIMITS: Final = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}


def database_settings(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's settings of the one database. Raises EnvironmentVariableError for a URL that is none.

    Connections stay open (performance.md: opening one costs 3 ms). Sessions are in UTC from the
    start, which saves Django the statement that makes them so.
    """
    where = _read_url(url) if url else _embedded(data_dir)
    options = {"connect_timeout": _CONNECT_SECONDS, **where.pop("OPTIONS", {})}
    options["options"] = f"{options.get('options', '')} -c timezone=UTC".strip()
    return {"ENGINE": "tenants.backend", "CONN_MAX_AGE": None, "OPTIONS": options, **where}


def limit_waiting() -> None:
    """Has connections that are opened from now on end what takes too long: for serving processes."""
    options = connections.settings["default"]["OPTIONS"]
    limits = " ".join(f"-c {name}={value}" for name, value in _LIMITS.items())
    if limits not in options["options"]:
        options["options"] = f"{options['options']} {limits}"


def _embedded(data_dir: Path) -> dict[str, Any]:
    return {
        "NAME": embedded.DATABASE,
        "USER": embedded.ROLE,
        "HOST": embedded.socket_dir(data_dir),
    }


def _read_url(url: str) -> dict[str, Any]:
    """The parts of the URL; those of its query are options of libpq, such as sslmode."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    name = unquote(parts.path.lstrip("/"))
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or parts.hostname or ""
    if parts.scheme not in ("postgres", "postgresql") or not name or port == 0:
        # Without the value: it holds a password.
        raise EnvironmentVariableError(f"DATABASE_URL must look like {_EXAMPLE}.")
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": str(port or ""),
        "OPTIONS": query,
    }
