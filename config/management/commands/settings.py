"""`manage.py settings`: the environment variables with the values that count, secrets masked."""

from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config import environment
from config.variables import VARIABLES, Kind, Variable
from tenants.management.kit import HouseCommand

MASKED: Final = "********"
_SECRETS: Final = ("password", "passfile", "sslpassword", "sslkey")


class Command(HouseCommand):
    help = "List the settings with their values, secrets masked, and tell which are set."
    examples = ("manage.py settings", "manage.py settings --json")
    columns = {
        "setting": str,
        "value": lambda value: value or "-",
        "set": lambda is_set: "yes" if is_set else "no",
        "type": str,
        "default": lambda default: default or "-",
        "meaning": str,
    }

    def handle(self, *args: Any, **options: Any) -> None:
        self.print_list(map(_row, VARIABLES.values()), options)


def _row(variable: Variable) -> tuple[Any, ...]:
    value = environment.text(variable.name)
    if variable.kind == Kind.DATABASE:
        shown = without_password(value)
    else:
        shown = MASKED if variable.is_secret and value else value
    plain = variable.documented_default.replace("`", "")
    default = "" if plain == "none" else plain
    is_set = environment.is_set(variable.name)
    return variable.name, shown, is_set, str(variable.kind), default, variable.meaning


def without_password(url: str) -> str:
    """The address in a database URL as `key=value` pairs, secrets masked."""
    if not url:
        return ""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return MASKED
    return " ".join(
        f"{name}={MASKED if name in _SECRETS else value}" for name, value in sorted(parts.items())
    )
