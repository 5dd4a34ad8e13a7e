"""`manage.py deliver_events`: the worker that sends events, until it is stopped; any number may run."""

import logging
import signal
import time
from threading import Event
from typing import Any, Final

from django.core.management.base import CommandParser
from django.db import Error, connection

from scim.events import delivery
from scim.events.dispatching import Dispatcher
from tenants import schemas
from tenants.management.kit import HouseCommand

PAUSE: Final = 1.0  # seconds between two looks for work
OUTAGE_PAUSE: Final = 5.0  # seconds, when the database does not answer
KNOW_EVERY: Final = 5.0  # seconds; until a first stream is noticed
TIDY_EVERY: Final = 3_600.0  # seconds

logger: Final = logging.getLogger(__name__)


class Regularly:
    """Says when the time has come again; at first it has."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        """True once each period."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True


class Command(HouseCommand):
    help = "Deliver events to push streams and webhooks of all tenants, until it is stopped."
    examples = ("manage.py deliver_events", "manage.py deliver_events --once")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End when nothing is due: for a timer."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            _deliver_what_is_due()
            return
        stopping = Event()
        # Work in progress is finished and recorded.
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        dispatcher = Dispatcher()
        tidy, know, look = Regularly(TIDY_EVERY), Regularly(KNOW_EVERY), Regularly(PAUSE)
        while not stopping.is_set():
            try:
                if tidy.is_due():
                    _tidy()
                if know.is_due():
                    dispatcher.know(schemas.sending())
                if look.is_due():
                    dispatcher.look()
                dispatcher.start()
                if dispatcher.is_sending:
                    dispatcher.settle(PAUSE)
                else:
                    stopping.wait(PAUSE)
            except Error as error:
                extra = {"error": type(error).__name__}
                logger.warning("The database did not answer the delivery worker.", extra=extra)
                connection.close()
                stopping.wait(OUTAGE_PAUSE)
        dispatcher.finish()


def _tidy() -> None:
    delivery.register_senders()
    delivery.purge()


def _deliver_what_is_due() -> None:
    _tidy()
    dispatcher, tenants = Dispatcher(), schemas.sending()
    dispatcher.know(tenants)
    dispatcher.look(len(tenants))
    dispatcher.start()
    while dispatcher.is_sending:
        dispatcher.settle()
        if not dispatcher.is_sending:
            dispatcher.look(len(tenants))
        dispatcher.start()
