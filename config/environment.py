"""Typed readers of environment variables that fail loudly, naming the variable."""

import os
from pathlib import Path


class EnvironmentVariableError(ValueError):
    """An environment variable has a value that cannot be used."""


def text(name: str, default: str = "") -> str:
    """The variable's value; the default when it is absent or empty."""
    return os.environ.get(name, "").strip() or default


def path(name: str, default: Path) -> Path:
    """The variable as an absolute path."""
    return Path(text(name, str(default))).expanduser().absolute()


def port(name: str, default: int) -> int:
    """The variable as a TCP port, 1 to 65535. Raises EnvironmentVariableError."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65536:
        raise EnvironmentVariableError(f"{name} must be a TCP port (1-65535), not {value!r}.")
    return int(value)
