"""gunicorn within a command of ours, with the settings of config/gunicorn.py."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from django.db import connections
from gunicorn.app.base import BaseApplication

from config import gunicorn


def serve(when_ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM, then raises SystemExit; `when_ready` runs once it listens."""
    connections.close_all()  # a connection must not be shared with the workers
    _Application(gunicorn, when_ready).run()


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: ModuleType, when_ready: Callable[[], None]) -> None:
        self._settings = settings
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        for name in self.cfg.settings:
            if hasattr(self._settings, name):
                self.cfg.set(name, getattr(self._settings, name))
        self.cfg.set("when_ready", self._ready)

    def _ready(self, server: Any) -> None:  # gunicorn looks at the name and number of arguments
        self._when_ready()

    def load(self) -> Any:
        from config.wsgi import application  # in each worker

        return application
