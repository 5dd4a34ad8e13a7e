"""Typed readers of environment variables that fail loudly, naming the variable."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


class EnvironmentVariableError(ValueError):
    """An environment variable has a value that cannot be used."""


def text(name: str, default: str = "") -> str:
    """The variable's value; the default when it is absent or empty."""
    return os.environ.get(name, "").strip() or default


def path(name: str, default: Path) -> Path:
    """The variable as an absolute path."""
    return Path(text(name, str(default))).expanduser().absolute()


def number(name: str, default: int, most: int, least: int = 1) -> int:
    """The variable as a whole number from `least` to `most`. Raises EnvironmentVariableError."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value[:9]) <= most):
        raise EnvironmentVariableError(
            f"{name} must be a number from {least} to {most}, not {value!r}."
        )
    return int(value)


def address(name: str, default: str) -> str:
    """The variable as an IP address, with or without brackets. Raises EnvironmentVariableError."""
    value = text(name, default)
    try:
        return str(ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise EnvironmentVariableError(
            f"{name} must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, not {value!r}."
        ) from None


def bracketed(host: str) -> str:
    """The address as it stands before a port: one of IPv6 in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


def database_url() -> str:
    """DATABASE_URL; empty when the embedded PostgreSQL serves."""
    return text("DATABASE_URL")


def data_dir() -> Path:
    """DATA_DIR: where the embedded database lives."""
    return path("DATA_DIR", ROOT / ".data")
