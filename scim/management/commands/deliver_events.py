"""`manage.py deliver_events`: the worker that sends events, until it is stopped; any number may run."""

import logging
import signal
import time
from threading import Event
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection

from scim.provider import delivery
from tenants import clock
from tenants.models import Tenant
from tenants.outages import is_outage

PAUSE: Final = 1.0  # seconds, after a pass that found nothing to do
OUTAGE_PAUSE: Final = 5.0  # seconds, when the database does not answer
TROUBLE_PAUSE: Final = 60.0  # seconds, for a tenant on which the program itself failed
LOOK_EVERY: Final = 5.0  # seconds; until a first stream is noticed
PURGE_EVERY: Final = 3_600.0  # seconds

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


class Command(BaseCommand):
    help = "Delivers events to push streams and webhooks of all tenants, until it is stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End when nothing is due: for a timer."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._stopping = Event()
        self._resting: dict[UUID, float] = {}  # tenants in trouble, and until when
        self._with_streams: list[Tenant] = []
        if options["once"]:
            delivery.purge()
            self._with_streams = delivery.tenants_with_streams()
            while self._pass():
                pass
            return
        # What is being sent is brought to its end and written down.
        signal.signal(signal.SIGTERM, lambda *_: self._stopping.set())
        purge, look = Regularly(PURGE_EVERY), Regularly(LOOK_EVERY)
        while not self._stopping.is_set():
            try:
                if purge.is_due():
                    delivery.purge()
                if look.is_due():
                    self._with_streams = delivery.tenants_with_streams()
                pause = 0.0 if self._pass() else PAUSE
            except Error as error:
                extra = {"error": type(error).__name__}
                logger.warning("The database did not answer the delivery worker.", extra=extra)
                connection.close()
                pause = OUTAGE_PAUSE
            self._stopping.wait(pause)

    def _pass(self) -> bool:
        """Whether anything was tried; one round for each tenant, so that none waits for another."""
        tried = False
        for tenant in delivery.tenants_with_work(self._with_streams, clock.now()):
            if self._stopping.is_set():
                return tried
            if time.monotonic() < self._resting.get(tenant.id, 0.0):
                continue
            try:
                done = delivery.deliver(tenant)
            except Exception as error:  # one tenant's trouble is not the others'
                if is_outage(error):
                    raise
                extra = {"tenant": tenant.custom_domain}
                logger.exception("The events of a tenant could not be delivered.", extra=extra)
                self._resting[tenant.id] = time.monotonic() + TROUBLE_PAUSE
            else:
                tried = tried or bool(done.delivered or done.failed)
        return tried
