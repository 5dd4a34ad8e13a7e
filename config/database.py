"""Where the database is: DATABASE_URL, or the embedded PostgreSQL in DATA_DIR."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def database_settings(url: str, data_dir: Path) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "tenants.backend",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
    }
