"""Log lines on standard error: one JSON object a line, so that no value can forge another line.

The caller chooses the content: never a body, a header or an e-mail address. Two ways in for such
values are closed here: query strings are cut off, and an exception is shown by its types and places
but not by its message, since PostgreSQL's quotes the row.
"""

import json
import logging.config
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from config import environment

# Attributes of every record; everything else was given as `extra`.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# Django attaches these objects to its own records.
_LEFT_OUT: Final = _STANDARD | {"request", "server_time", "status_code"}
_QUERY: Final = re.compile(r"\?\S+")
_to_json: Final = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _QUERY.sub("?…", record.getMessage()),
        }
        fields = vars(record)
        line.update([(name, fields[name]) for name in sorted(fields.keys() - _LEFT_OUT)])
        if record.exc_info and record.exc_info[1]:
            line["exception"] = list(_described(record.exc_info[1]))
        return _to_json(line)


def _described(error: BaseException) -> Iterator[str]:
    """The exception and what it was raised from, each with the places it came through."""
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        state = getattr(one, "sqlstate", None)
        yield type(one).__name__ + (f" (SQLSTATE {state})" if state else "")
        for frame in traceback.extract_tb(one.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} {frame.name}"
        one = one.__cause__ or one.__context__


class Record(logging.LogRecord):
    """A record without a file, which no line shows: it would be taken apart in eleven calls."""

    def __init__(self, name: str, level: int, _path: str, *rest: Any, **named: Any) -> None:
        super().__init__(name, level, None, *rest, **named)  # type: ignore[arg-type]  # it has none


class Handler(logging.StreamHandler[Any]):
    """Writes lines; the handler's lock is taken once a line."""

    def flush(self) -> None:
        self.stream.flush()


def _collect_less() -> None:
    """Leave out of records what no line shows (logging HOWTO, "Optimization"): place and process."""
    module: Any = logging
    module._srcfile = None  # noqa: SLF001  # the name that the HOWTO gives
    logging.setLogRecordFactory(Record)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def configure(settings: dict[str, Any]) -> None:
    """Apply our configuration, with Django's LOGGING on top. Raises EnvironmentVariableError."""
    level = environment.choice("LOG_LEVEL")
    _collect_less()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "config.logging.Handler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            # A request has its line and a failure too (config.edge.outermost); Django would add one more.
            "loggers": {
                "django.request": {"level": "CRITICAL"},
                "django.security": {"level": "ERROR"},
                # It takes the body from an answer to HEAD, as it should, and says so each time.
                "gunicorn.http.wsgi": {"level": "ERROR"},
                "fido2": {"level": "WARNING"},  # it names each person's passkey
            },
            **settings,
        }
    )
