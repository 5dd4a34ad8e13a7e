"""The checks before gunicorn's master serves: a start that cannot work ends with one line.

The workers would meet the same later, each with a traceback, and again after each restart. A child
process looks, so that the master loads nothing of the program: workers forked after a HUP read it anew.
"""

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from config import capacity
from config.capacity import Serving
from config.environment import EnvironmentVariableError

_logger: Final = logging.getLogger(__name__)


def look(serving: Serving, address: str = "") -> None:
    """Read the settings and ask the database; with an address, log how it is going to be served.

    Raises SystemExit; the reason has been printed.
    """
    child = os.fork()
    if child == 0:
        _exit_with(partial(_look, serving, address))
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(1)


def _exit_with(function: Callable[[], int]) -> NoReturn:
    """End this process, a child, whatever happens: nothing of its parent's may be unwound here."""
    status = 1
    try:
        status = function()
    except Exception:
        _logger.exception("The start failed unexpectedly.")
    finally:
        os._exit(status)


def _look(serving: Serving, address: str) -> int:
    """The exit status: 0 when serving can begin."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        django.setup()
        problem = _ask_database(serving, address)
    except (EnvironmentVariableError, ImproperlyConfigured) as mistake:
        problem = str(mistake)
    if problem:
        print(problem, file=sys.stderr, flush=True)  # noqa: T201  # for the person who starts it
    return 1 if problem else 0


def _ask_database(serving: Serving, address: str) -> str:
    """The reason why serving cannot begin; empty also while a server may yet start."""
    try:
        room = capacity.room()
    except OperationalError as error:
        if not settings.DATABASE_URL:
            return (
                f"DATABASE_URL is not set, and the embedded PostgreSQL of {settings.DATA_DIR} does "
                "not run: set it, or start with `manage.py up`."
            )
        extra = {"error": type(error).__name__, "reason": str(error).strip()}  # libpq's, no secret
        _logger.warning("The database does not answer yet: requests wait for it.", extra=extra)
        return ""
    finally:
        connection.close()
    problem = "" if room is None else serving.why_too_many(room)
    if address and not problem:
        _logger.info("Starting.", extra=_described(serving, address, room))
    return problem


def _described(serving: Serving, address: str, room: int | None) -> dict[str, Any]:
    return {
        "address": address,
        "processes": serving.processes,
        "threads": serving.threads,
        "connections": serving.connections,
        "connections_allowed": room,
    }
