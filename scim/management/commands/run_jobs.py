"""`manage.py run_jobs`: sends queued e-mail and does the jobs of features, until it is stopped.

Any number may run.

Each kind of work has a thread of its own, so that a mail server that does not answer delays nothing
else.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandParser
from django.db import Error, connection

from accounts import audit_heads, mailing
from accounts.sso import documents
from scim.provider.features import Job, features
from tenants import clock
from tenants.management.kit import HouseCommand

PAUSE: Final = 2.0  # seconds, after a look that found nothing to do
DOWN_PAUSE: Final = 15.0  # seconds, when the mail server does not answer
OUTAGE_PAUSE: Final = 5.0  # seconds, when the database does not answer
TROUBLE_PAUSE: Final = 60.0  # seconds, when the program itself failed
PURGE_EVERY: Final = 3_600.0  # seconds
HEADS_EVERY: Final = 300.0  # seconds, between looks whether an hour has passed

_logger: Final = logging.getLogger(__name__)
Work = Callable[[], float | None]
_DOCUMENTS: Final = Job("single sign-on documents", documents.tenants_due, documents.advance)


class Mails:
    """Sends what is due, and removes hourly what was done long ago."""

    def __init__(self) -> None:
        self._purge_at = 0.0

    def __call__(self) -> float | None:
        """Seconds to pause; None: nothing was due."""
        if time.monotonic() >= self._purge_at:
            mailing.purge(clock.now())
            self._purge_at = time.monotonic() + PURGE_EVERY
        done = mailing.send_due(clock.now())
        if done.is_down:
            return DOWN_PAUSE
        return 0.0 if done.did_anything else None


class Heads:
    """Notes the heads of the audit chains, which is due once an hour."""

    def __init__(self) -> None:
        self._look_at = 0.0

    def __call__(self) -> float | None:
        """Seconds to pause, which is None."""
        if time.monotonic() >= self._look_at:
            audit_heads.note_due()
            self._look_at = time.monotonic() + HEADS_EVERY
        return None


class Pieces:
    """Does a job, a piece for each tenant in turn."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._resting: dict[UUID, float] = {}  # tenants in trouble, and until when

    def __call__(self) -> float | None:
        """Seconds to pause; None: nothing was to be done."""
        did_anything = False
        for tenant in self._job.tenants():
            if time.monotonic() < self._resting.get(tenant.id, 0.0):
                continue
            try:
                did_anything = self._job.advance(tenant) or did_anything
            except Error as error:  # one tenant's trouble is not the others'
                extra = {"tenant": tenant.custom_domain, "error": type(error).__name__}
                what = f"A piece of the job {self._job.name!r} failed; it is tried again."
                _logger.warning(what, extra=extra)
                connection.close()
                self._resting[tenant.id] = time.monotonic() + OUTAGE_PAUSE
            except Exception:  # as above
                extra = {"tenant": tenant.custom_domain}
                what = f"The job {self._job.name!r} failed unexpectedly; it is tried again."
                _logger.exception(what, extra=extra)
                self._resting[tenant.id] = time.monotonic() + TROUBLE_PAUSE
        return 0.0 if did_anything else None


def kinds() -> list[Callable[[], Work]]:
    """The factories of the work, one for each kind."""
    jobs = [_DOCUMENTS, *(job for feature in features() for job in feature.jobs())]
    return [Mails, Heads, *(partial(Pieces, job) for job in jobs)]


class Command(HouseCommand):
    as_owner = True
    help = (
        "Send queued e-mail, note the heads of audit logs and do the jobs of features, such as the undo of"
        " mass deactivations and the pruning of logs, until it is stopped; any number may run."
    )
    examples = ("manage.py run_jobs", "manage.py run_jobs --once")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End when nothing is due: for a timer."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            for kind in kinds():
                _finish(kind())
            return
        stopping = threading.Event()
        # Work in progress is finished and recorded.
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: stopping.set())
        threads = [threading.Thread(target=_keep, args=(kind(), stopping)) for kind in kinds()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _finish(work: Work) -> None:
    """Work until nothing is due, or nothing can be done."""
    while work() == 0.0:
        pass


def _keep(work: Work, stopping: threading.Event) -> None:
    """Work until it is stopped; trouble is logged and pauses the work."""
    while not stopping.is_set():
        try:
            done = work()
            pause = PAUSE if done is None else done
        except Error as error:
            extra = {"error": type(error).__name__}
            _logger.warning("The database did not answer the worker.", extra=extra)
            connection.close()
            pause = OUTAGE_PAUSE
        except Exception:  # the next round may succeed
            _logger.exception("A job failed unexpectedly.")
            pause = TROUBLE_PAUSE
        stopping.wait(pause)
    connection.close()
