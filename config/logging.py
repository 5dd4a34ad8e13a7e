"""Logging."""

import logging.config


def configure(settings: dict[str, object]) -> None:
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **settings})
