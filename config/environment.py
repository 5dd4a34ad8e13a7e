"""Typed readers of environment variables that fail loudly, naming the variable."""

import os
import re
import secrets
from ipaddress import ip_address
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from config.variables import VARIABLES

ROOT: Final = Path(__file__).resolve().parent.parent


_BETWEEN_COMMAS: Final = re.compile(r"(?:[^,]|,,)+")


class EnvironmentVariableError(ValueError):
    """An environment variable has a value that cannot be used."""


def text(name: str, default: str = "") -> str:
    """The variable's value; when it is absent or empty the default, its row's unless one is given."""
    row = VARIABLES[name]
    return os.environ.get(name, "").strip() or default or row.default


def path(name: str, default: Path) -> Path:
    """The variable as an absolute path."""
    return Path(text(name, str(default))).expanduser().absolute()


def optional_path(name: str) -> Path | None:
    """The variable as an absolute path; None without one."""
    return Path(given).expanduser().absolute() if (given := text(name)) else None


def number(name: str, default: int | None = None) -> int:
    """The variable as a whole number in its row's range. Raises EnvironmentVariableError."""
    row = VARIABLES[name]
    value = text(name, "" if default is None else str(default))
    if not (value.isascii() and value.isdigit() and row.least <= int(value[:9]) <= row.most):
        raise EnvironmentVariableError(
            f"{name} must be a number from {row.least} to {row.most}, not {value!r}."
        )
    return int(value)


def choice(name: str) -> str:
    """The variable as one of its row's choices, in any letter case. Raises EnvironmentVariableError."""
    choices = {each.upper(): each for each in VARIABLES[name].choices}
    given = text(name)
    value = choices.get(given.upper())
    if value is None:
        known = ", ".join(choices.values())
        raise EnvironmentVariableError(f"{name} must be one of {known}, not {given!r}.")
    return value


def address(name: str) -> str:
    """The variable as an IP address, with or without brackets. Raises EnvironmentVariableError."""
    value = text(name)
    try:
        return str(ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise EnvironmentVariableError(
            f"{name} must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, not {value!r}."
        ) from None


def several(name: str) -> list[str]:
    """The values of the variable, with commas between; each once, in their order.

    A comma that belongs to a value is written twice.
    """
    values = (each.strip().replace(",,", ",") for each in _BETWEEN_COMMAS.findall(text(name)))
    return list(dict.fromkeys(filter(None, values)))


def is_set(name: str) -> bool:
    """True if the variable has a value of its own."""
    return bool(os.environ.get(name, "").strip())


def bracketed(host: str) -> str:
    """The address as it stands before a port: one of IPv6 in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


def database_url() -> str:
    """DATABASE_URL; empty when the embedded PostgreSQL serves."""
    return text("DATABASE_URL")


def data_dir() -> Path:
    """DATA_DIR: where the embedded database lives."""
    return path("DATA_DIR", ROOT / ".data")


def read_secret_key(given: str, data_dir: Path, *, development: bool) -> str:
    """The key that signs sessions and forms, if given; in development one made once in `data_dir`.

    Raises ImproperlyConfigured outside development when no key is given.
    """
    if given:
        return given
    if not development:
        raise ImproperlyConfigured(
            "Set SECRET_KEY: outside development (BASE_DOMAIN under .localhost) there is no default."
        )
    file = data_dir / "secret_key"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor, draft = mkstemp(prefix="secret_key.", dir=data_dir)  # nobody else may read it
        with os.fdopen(descriptor, "w") as made:
            made.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, file)  # atomic: of two first starts, one key wins
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return file.read_text()
