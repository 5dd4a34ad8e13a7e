"""The API's entries in the provisioning log: refusals one by one, reads together.

The log is written after the request's transaction has ended, committed or rolled back.

Equal reads are logged together, so that polling does not flood the log: one row a kind and window,
whatever process they came to. The first of a kind is logged at once, and so is one after a minute
without any: support sees a Test Connection when it happens. Those that follow are counted in their
process and logged with the first one that comes after the window; a process that finds a row of
another's there goes on counting (decision 0047). A window is a minute, and twice the former one while
the kind keeps coming, up to LONGEST. When a worker process ends, its last window of reads is not
logged; writes and refusals always are.
"""

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Final, Protocol

from accounts.tokens import TokenRefused, Verified
from scim.api.authentication import requester_of
from scim.api.requests import ScimRequest
from scim.protocol.errors import ScimError, TooManyRequests
from scim.protocol.schema import ResourceType
from scim.protocol.text import read_id
from scim.provider import provisioning_log
from scim.provider.features import observers
from scim.provider.observers import Answered
from scim.provider.provisioning_log import Call
from scim.provider.requester import Requester
from scim.repository.base import Event
from tenants.current import (
    ServedRequest,
    after_transaction,
    afterwards,
    current_tenant,
    in_tenant,
    log_with,
)
from tenants.models import Tenant

# The literal of a filter; E37: it may stand without quotes.
_LITERAL: Final = re.compile(
    r"""(\b(?:eq|ne|co|sw|ew|g[te]|l[te])\s+)[^\s"'()\[\]]+|"(?:[^"\\]|\\.)*"?""", re.IGNORECASE
)

# Parameters that differ from page to page of one walk.
_PLACES: Final = frozenset({"startindex", "count"})

WINDOW: Final = 60.0  # seconds
LONGEST: Final = 16 * WINDOW  # of a kind of reads that keeps coming
_SLACK: Final = 1.0  # seconds by which the clocks of processes may differ
_PATIENCE: Final = 3600.0  # seconds
MAX_KINDS: Final = 10_000
_FLOOD: Final = "requests"  # the log's word for requests of any kind


@dataclass(slots=True)
class _Tally:
    """The number of events since the last one that was logged, and the time of that."""

    logged_at: float
    last_at: float
    window: float  # seconds that it waits for
    waited: float  # seconds that it has waited for before
    second_since: float | None = None  # since when another process logs such events first
    waiting: int = 0


class Summaries:
    """Counts what happens often, by kind; safe for threads. `at` is seconds of a steady clock."""

    def __init__(
        self, window: float = WINDOW, max_kinds: int = MAX_KINDS, longest: float = WINDOW
    ) -> None:
        self.window = window
        self._longest = longest
        self._max_kinds = max_kinds
        self._tallies: OrderedDict[Hashable, _Tally] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, kind: Hashable, at: float) -> int:
        """The number of this kind to log now, this one included; 0 while the window lasts."""
        with self._lock:
            tally = self._tallies.get(kind)
            if tally is None:
                self._tallies[kind] = _Tally(at, at, self.window, self.window)
                if len(self._tallies) > self._max_kinds:
                    self._tallies.popitem(last=False)
                return 1
            keeps_coming = at - tally.last_at < self.window
            tally.last_at = at
            tally.waiting += 1
            if keeps_coming and at - tally.logged_at < tally.window:
                return 0
            self._tallies.move_to_end(kind)
            tally.waited = tally.window if keeps_coming else self.window
            tally.window = min(2 * tally.window, self._longest) if keeps_coming else self.window
            tally.logged_at = at
            count, tally.waiting = tally.waiting, 0
            return count

    def waited(self, kind: Hashable) -> float:
        """The seconds for which such events were not logged, before the latest that was to be."""
        with self._lock:
            tally = self._tallies.get(kind)
            return tally.waited if tally else self.window

    def count_on(self, kind: Hashable, count: int) -> None:
        """Count these with those that follow: they could not be logged."""
        with self._lock:
            if (tally := self._tallies.get(kind)) is not None:
                tally.waiting += count

    def give_back(self, kind: Hashable, count: int, logged_at: float) -> bool:
        """Count these on, as another process logged its own at that time.

        False, once, if that has gone on for an hour: then log them, so that no count waits forever.
        """
        with self._lock:
            fresh = _Tally(logged_at, logged_at, self.window, self.window)
            tally = self._tallies.setdefault(kind, fresh)
            if tally.second_since is None:
                tally.second_since = logged_at
            if logged_at - tally.second_since >= _PATIENCE:
                tally.second_since = None
                return False
            tally.logged_at = logged_at
            tally.waiting += count
            return True


_LONGEST_SHAPE: Final = 512  # characters
_logger: Final = logging.getLogger(__name__)
_reads: Final = Summaries(longest=LONGEST)
_strangers: Final = Summaries()
_floods: Final = Summaries()


class Logged(Protocol):
    """The side of a view that the log reads: its operation, and how far it came."""

    @property
    def operation(self) -> str: ...
    @property
    def resource_type(self) -> ResourceType | None: ...
    @property
    def requester(self) -> Requester | None: ...
    @property
    def kwargs(self) -> Mapping[str, Any]: ...
    @property
    def sent(self) -> Any: ...


@dataclass(slots=True)
class Asked:
    """The log's view of a request whose content is none of SCIM's, and is not kept."""

    operation: str
    requester: Requester | None = None
    verified: Verified | None = None
    resource_type: None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    sent: None = None


def log_refusal(request: ScimRequest, view: Logged, error: ScimError) -> None:
    """One event a refused request; requests without a good token are logged together."""
    log_with(request, refused=error.reason)
    call = _call(request, view)
    count = 1
    if view.requester is None:
        requester = call.requester
        kind = (current_tenant().schema_name, error.detail, requester.address, requester.token_id)
        count = _strangers.note(kind, time.monotonic())
    event = provisioning_log.refused(call, error)
    if count:
        after_transaction(request, partial(provisioning_log.record, replace(event, count=count)))


def log_flood(request: ServedRequest, tenant: Tenant, error: TooManyRequests) -> None:
    """One event a minute for the requests of a tenant that exceed its limit. Opens a transaction for it."""
    answered = Answered(
        operation=_FLOOD,
        method=request.method or "",
        status=error.status,
        reason=error.reason,
        request_id=request.request_id,
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
    )
    for observer in observers():
        observer.answered(tenant, answered)
    count = _floods.note(tenant.id, time.monotonic())
    if not count:
        return
    try:
        with in_tenant(tenant):
            event = provisioning_log.refused(Call(requester_of(request, None), _FLOOD), error)
            provisioning_log.record(replace(event, count=count))
    except Exception:  # the answer is settled
        _logger.exception("A refusal beyond the limit of a tenant was not logged.")


def log_read(request: ScimRequest, view: Logged, status: int) -> None:
    """An event for the first read of its kind, and for those that came since, once a window."""
    call, tenant = _call(request, view), current_tenant()
    kind = (
        tenant.schema_name,
        call.requester.token_id,
        view.operation,
        view.resource_type.name if view.resource_type else request.path,
        _shape(view.sent),
        status,
    )
    count = _reads.note(kind, time.monotonic())
    if count:
        event = replace(provisioning_log.answered(call, status), count=count)
        afterwards(request, partial(_record_reads, tenant, kind, event))


def _record_reads(tenant: Tenant, kind: Hashable, event: Event) -> None:
    """Log reads, unless another process has logged such reads within the window."""
    since = event.at - timedelta(seconds=_reads.waited(kind) - _SLACK)
    until = event.at + timedelta(seconds=_SLACK)  # later ones are of a clock that was set back
    try:
        alike = provisioning_log.record_unless_alike(tenant, event, since, until)
    except Exception:
        _reads.count_on(kind, event.count)
        raise
    if not alike:
        return
    equal = next((at for at, sent in alike if _shape(sent) == _shape(event.sent)), None)
    if equal is not None:
        ago = (event.at - equal).total_seconds()
        if _reads.give_back(kind, event.count, time.monotonic() - ago):
            return
    with in_tenant(tenant):
        provisioning_log.record(event)


def tell(answered: Answered) -> None:
    """Have the observers learn from a request."""
    tenant = current_tenant()
    for observer in observers():
        observer.answered(tenant, answered)


def _call(request: ScimRequest, view: Logged) -> Call:
    identifier = view.kwargs.get("identifier")
    return Call(
        requester=view.requester or requester_of(request, _refused_token(request.refusal)),
        operation=view.operation,
        resource_type=view.resource_type,
        resource_id=read_id(identifier) if identifier else None,
        sent=view.sent,
    )


def _refused_token(refusal: TokenRefused | None) -> Verified | None:
    """The tenant's token that was refused, None for what is none."""
    return refusal.refused if refusal else None


def _shape(sent: Any) -> str:
    """The query without its literals and places in a list: what makes two look-ups equal."""
    if not sent:
        return ""
    kept = {name: "…" if name.lower() in _PLACES else value for name, value in sent.items()}
    shape = _LITERAL.sub(r'\1"…"', str(sorted(kept.items())))
    # Kinds are remembered, and a query may be as long as a body.
    long = len(shape) > _LONGEST_SHAPE
    return blake2b(shape.encode(errors="surrogatepass")).hexdigest() if long else shape
