"""gunicorn within a command of ours, with the settings of config/gunicorn.py."""

import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from django.db import connections
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger as GunicornLogger

from config import gunicorn, starting
from config.capacity import Serving
from config.logging import JsonFormatter

_GRACEFUL_SECONDS: Final = 15  # a person waits; on a busy machine an end takes more than five


def serve(when_ready: Callable[[], None], each_second: Callable[[], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or the end of the terminal, then raise SystemExit.

    `when_ready` runs once it listens, `each_second` about so often from then on.
    """
    connections.close_all()  # a connection must not be shared with the workers
    _Arbiter(_Application(gunicorn, when_ready), each_second).run()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """Ends as a person at a terminal expects it.

    gunicorn 27.0.1 answers SIGINT with SIGQUIT to its workers, one of which then hangs now and then
    until the time for graceful ends is over; and SIGHUP with starting anew.
    """

    handle_int = handle_hup = Arbiter.handle_term

    def __init__(self, application: BaseApplication, each_second: Callable[[], None]) -> None:
        self._each_second = each_second
        super().__init__(application)

    def murder_workers(self) -> None:
        """Run what gunicorn does about each second, then our own work."""
        super().murder_workers()
        self._each_second()

    def init_signals(self) -> None:
        has_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        super().init_signals()
        if has_nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: ModuleType, when_ready: Callable[[], None]) -> None:
        self._settings = settings
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        for name in self.cfg.settings:
            if hasattr(self._settings, name):
                self.cfg.set(name, getattr(self._settings, name))
        self.cfg.set("graceful_timeout", _GRACEFUL_SECONDS)
        self.cfg.set("on_starting", _look)
        self.cfg.set("when_ready", self._ready)
        self.cfg.set("post_worker_init", _leave_ctrl_c_to_the_master)

    def _ready(self, server: Any) -> None:  # gunicorn looks at the name and number of arguments
        self._when_ready()

    def load(self) -> Any:
        from config.wsgi import application  # in each worker

        return application


def _look(server: Any) -> None:
    """A person reads what is printed when it serves."""
    starting.look(Serving(server.cfg.workers, server.cfg.threads))


def _leave_ctrl_c_to_the_master(worker: Any) -> None:
    """A terminal sends it to the workers too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gunicorn.post_worker_init(worker)


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own lines in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
