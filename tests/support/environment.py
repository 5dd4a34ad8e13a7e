"""The environment of the tests: their own, whatever is set for the person who runs them."""

import os
from collections.abc import Mapping
from typing import Final

# Of each process that the tests start, too.
_SET: Final = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "LANG": "C.UTF-8",
    "TENANT_RATE": "0",  # tests that are about the limit set one
}
_KEPT: Final = frozenset(
    {
        # The user, and the places of programs, modules and temporary files.
        "PATH",
        "PYTHONPATH",
        "HOME",
        "USER",
        "LOGNAME",
        "TMPDIR",
        "PGBOUNCER",
        # The place of the tests' database.
        "DATA_DIR",
        "DATABASE_URL",
        # How pytest reports.
        "CI",
        "NO_COLOR",
        "TERM",
    }
)
# Of the tools that run, measure and direct the tests; LD_PRELOAD brings faketime.
_KEPT_PREFIXES: Final = ("PYTEST_", "HYPOTHESIS_", "COVERAGE_", "PLAYWRIGHT_", "LD_", "FAKETIME")


def own(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that would make a test's result depend on its machine."""
    kept = {
        name: value
        for name, value in variables.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return kept | _SET


def make_own() -> None:
    """Give this process, and those that it starts, the environment of the tests."""
    kept = own(os.environ)
    os.environ.clear()
    os.environ.update(kept)
