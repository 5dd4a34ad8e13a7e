"""The figures of the house as the tables that docs/architecture.md shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from config import database
from config.server import embedded
from tenants import lifecycle
from tenants.models import Tenant
from tests.support.database import let_owner_serve, two_logins
from tests.support.figures.source import (
    PACKAGES,
    Spread,
    function_lines,
    is_typed,
    repeated_names,
    source_files,
)
from tests.support.figures.ways import ways

_PACKAGE_HEAD: Final = (
    "| package | files | lines | lines a file | lines a function | functions typed |\n"
    "|---|---|---|---|---|---|"
)
_WAY_HEAD: Final = "| way | files | changes of file |\n|---|---|---|"


def report() -> Iterator[str]:
    """The lines of both tables; spreads are median / 90th percentile / most."""
    yield _PACKAGE_HEAD
    for package in (*PACKAGES, *_parts("scim"), "tests"):
        yield _row(package)
    yield f"\nModule names that stand more than once: {len(repeated_names())}\n"
    yield _WAY_HEAD
    with _acme() as acme:
        for name, way in ways(acme):
            yield f"| {name} | {len(way.files)} | {way.changes} |"


def _parts(package: str) -> list[str]:
    folders = (settings.BASE_DIR / package).iterdir()
    own = [each for each in folders if (each / "__init__.py").exists()]
    return sorted(f"{package}/{each.name}" for each in own if each.name != "migrations")


def _row(package: str) -> str:
    files = list(source_files(package))
    functions = [function for file in files for function in file.functions]
    typed = sum(map(is_typed, functions)) * 100 // max(len(functions), 1)
    lengths = Spread.of(map(function_lines, functions))
    lines = [file.lines for file in files]
    return f"| {package} | {len(files)} | {sum(lines):,} | {Spread.of(lines)} | {lengths} | {typed} % |"


@contextmanager
def _acme() -> Iterator[Tenant]:
    """A tenant in a database of its own, which is gone afterwards."""
    data_dir = settings.DATA_DIR / "figures"
    connection.settings_dict["HOST"] = database.socket_dir(data_dir)
    with embedded.running(data_dir, fsync=False):
        let_owner_serve(data_dir)
        made = setup_databases(verbosity=0, interactive=False)
        try:
            with two_logins():
                yield lifecycle.create_tenant("acme", "Acme Ltd")
        finally:
            teardown_databases(made, verbosity=0)
            connection.close()
