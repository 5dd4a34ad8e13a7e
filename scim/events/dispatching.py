"""Rounds of many streams at a time, so that no stream and no tenant waits for another's receiver.

Each round is sent in a thread of its own, and one thread alone asks the database. Streams take
turns: one that may have more to send goes to the end of the line. Receivers that were slow last time
get at most half of the rounds, so that the others find a free one however many are slow.
"""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar
from uuid import UUID

from scim.events import delivery
from scim.events.delivery import Failure, Taken
from tenants import clock, schemas
from tenants.models import Tenant
from tenants.outages import is_outage

MOST_ROUNDS: Final = 32  # at a time; each sends up to delivery.BATCH requests side by side
SLOW: Final = 2.0  # seconds of a round
# Tenants asked at a look, at 0.5 ms each: those that had something to send lately, the others in turn.
MOST_ASKED: Final = 200
BUSY: Final = 60.0  # seconds since a tenant last had something to send
TROUBLE_PAUSE: Final = 60.0  # seconds, for a tenant on which the program itself failed

logger: Final = logging.getLogger(__name__)

_Outcome = tuple[Mapping[UUID, Failure], float]
T = TypeVar("T")


class Dispatcher:
    """The rounds of one worker. All methods are for one thread, whose connection they use.

    They raise what the database raises when it does not answer (tenants.outages), and can then be
    called again: what arrived is written down later.
    """

    def __init__(self, most_rounds: int = MOST_ROUNDS) -> None:
        self._most_rounds = most_rounds
        self._pool = ThreadPoolExecutor(most_rounds)
        self._tenants: deque[Tenant] = deque()
        self._busy: dict[UUID, float] = {}  # tenants that have work, and until when they count so
        self._resting: dict[UUID, float] = {}  # tenants in trouble, and until when
        self._waiting: OrderedDict[UUID, Tenant] = OrderedDict()  # streams, the next one first
        self._sent: dict[Future[_Outcome], Taken] = {}
        self._slow: set[UUID] = set()  # streams

    def know(self, tenants: Iterable[Tenant]) -> None:
        """Take these for all tenants that send events, in the order in which they are asked."""
        known = {tenant.id: tenant for tenant in tenants}
        kept = [known.pop(each.id) for each in self._tenants if each.id in known]
        self._tenants = deque([*kept, *known.values()])

    def look(self, most: int = MOST_ASKED) -> None:
        """Put the streams in line on which something is due, of at most so many tenants."""
        sending = {taken.stream.id for taken in self._sent.values()}
        found = delivery.tenants_with_work(self._to_ask(most), clock.now())
        for tenant in found.silent:
            self._rest(tenant)
        for tenant in found.tenants:
            self._busy[tenant.id] = time.monotonic() + BUSY
            for stream in self._carefully(tenant, lambda: delivery.due_streams(tenant)) or ():  # noqa: B023  # called at once
                if stream not in sending:
                    self._waiting.setdefault(stream, tenant)

    def start(self) -> None:
        """Send as many rounds as may be sent at a time."""
        slow = sum(taken.stream.id in self._slow for taken in self._sent.values())
        for stream, tenant in list(self._waiting.items()):
            if len(self._sent) >= self._most_rounds:
                return
            if stream in self._slow:
                if slow >= self._most_rounds // 2:
                    continue
                slow += 1
            taken = self._carefully(tenant, lambda: delivery.take(tenant, stream))  # noqa: B023  # called at once
            del self._waiting[stream]
            if taken is not None:
                self._sent[self._pool.submit(_send, taken)] = taken

    def settle(self, seconds: float | None = None) -> None:
        """Wait until a round has been sent, for at most so many seconds, and write down all that have."""
        done, _ = futures.wait(self._sent, seconds, futures.FIRST_COMPLETED)
        for sent in done:
            taken = self._sent[sent]
            tenant, stream = taken.tenant, taken.stream.id
            round_ = self._carefully(tenant, lambda: self._settle(taken, sent))  # noqa: B023  # called at once
            del self._sent[sent]
            if round_ is not None and round_.delivered:
                self._waiting.setdefault(stream, tenant)  # there may be more

    @property
    def is_sending(self) -> bool:
        """True while a round is sent or waits to be written down."""
        return bool(self._sent)

    def finish(self) -> None:
        """Start nothing more, and write down what is being sent."""
        self._waiting.clear()
        while self._sent:
            self.settle()
            self._waiting.clear()

    def _settle(self, taken: Taken, sent: "Future[_Outcome]") -> delivery.Round:
        failures, seconds = sent.result()
        if seconds > SLOW:
            self._slow.add(taken.stream.id)
        else:
            self._slow.discard(taken.stream.id)
        return delivery.settle(taken, failures)

    def _to_ask(self, most: int) -> list[Tenant]:
        """The tenants to ask now: those that had work lately, then as many as are left of the ring."""
        now = time.monotonic()
        self._busy = {tenant: until for tenant, until in self._busy.items() if until > now}
        self._resting = {tenant: until for tenant, until in self._resting.items() if until > now}
        busy = [each for each in self._tenants if each.id in self._busy]
        others = [each for each in self._tenants if each.id not in self._busy]
        # A fifth of those asked are never the busy ones, so that each tenant's turn comes.
        busy = busy[: max(most - len(others), most * 4 // 5)]
        others = others[: most - len(busy)]
        asked = {each.id for each in (*busy, *others)}
        # Those who were asked go to the end of the ring.
        rest = [each for each in self._tenants if each.id not in asked]
        self._tenants = deque([*rest, *busy, *others])
        return [each for each in (*busy, *others) if each.id not in self._resting]

    def _carefully(self, tenant: Tenant, work: Callable[[], T]) -> T | None:
        """The result of the work; None when it fails: one tenant's trouble stays its own."""
        try:
            return work()
        except Exception as error:
            if is_outage(error):
                if schemas.answering([tenant.schema_name]):
                    raise
                self._rest(tenant)
                return None
            extra = {"tenant": tenant.custom_domain}
            logger.exception("The events of a tenant could not be delivered.", extra=extra)
            self._resting[tenant.id] = time.monotonic() + TROUBLE_PAUSE
            return None

    def _rest(self, tenant: Tenant) -> None:
        """Ask a tenant no more for a while whose node of the database does not answer."""
        extra = {"tenant": tenant.custom_domain}
        logger.warning("A tenant's node of the database does not answer.", extra=extra)
        self._resting[tenant.id] = time.monotonic() + TROUBLE_PAUSE


def _send(taken: Taken) -> _Outcome:
    """The failed deliveries, and the number of seconds that sending took."""
    started = time.monotonic()
    failures = delivery.send(taken)
    return failures, time.monotonic() - started
