"""Log lines on standard error: one JSON object a line, so that no value can forge another line.

What goes in is chosen where it is logged: never a body, a query string, a header or an e-mail.
"""

import json
import logging.config
from datetime import UTC, datetime
from typing import Any, Final

from config import environment

# What every record has; everything else was given as `extra`.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# Django attaches these objects to its own records.
_NOT_SHOWN: Final = frozenset({"request", "server_time", "status_code"})


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = vars(record).keys() - _STANDARD - _NOT_SHOWN
        line.update({name: vars(record)[name] for name in sorted(extra)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(settings: dict[str, Any]) -> None:
    """Applies Django's LOGGING, which is empty, on top of ours."""
    level = environment.text("LOG_LEVEL", "INFO").upper()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            # A refused request has its own line; Django would add one more.
            "loggers": {
                "django.request": {"level": "ERROR"},
                "django.security": {"level": "ERROR"},
            },
            **settings,
        }
    )
