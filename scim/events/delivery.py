"""The worker's part: what is queued is signed, sent and written down, at least once and in order.

A round takes a handful of deliveries of one stream, each of another resource, holds them for as
long as sending may take, sends them side by side and writes down what became of them. Nothing is
locked and no transaction is open while a receiver is waited for. A worker that dies leaves what it
held to the next one, which sends it when that time is over: a receiver may get a token twice, with
the same `jti`, and never one before another of the same resource.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts import posting
from accounts.posting import Answer, Message, NotSent
from accounts.sealing import SealBroken
from scim.events import outbox
from scim.events.models import DeliveryStatus
from scim.events.outbox import Queued, Result, Stream
from scim.events.signing import composer
from scim.provider.provisioning_log import storable
from tenants import clock, lifecycle, schemas
from tenants.current import in_tenant
from tenants.models import Tenant

BATCH: Final = 8  # deliveries a round, and requests that a receiver gets at once
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(hours=1)
HELD_LONGER: Final = timedelta(seconds=3)  # than sending takes: to write down what became of it
KEPT: Final = timedelta(days=30)  # how long the delivery log tells of what is done
PURGED: Final = 5_000  # rows a pass
MAX_ERROR: Final = 500  # characters of what a receiver says
# Answers to one event (RFC 8935 §2.3: 400); any other failure is the receiver's, for all events.
_ABOUT_EVENT: Final = frozenset({400, 409, 413, 415, 422})
_MOST_SECONDS: Final = 10**8  # of a Retry-After: three years are never waited for
# The newest columns that the conditions on all schemas read, with their tables.
_NEWEST: Final = ("scim_delivery", "held_until")
_STREAMS: Final = ("scim_eventstream", "method")

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a delivery, whether it is about that event alone, and how long
    the receiver asks to be left alone.
    """

    error: str
    is_about_event: bool = False
    pause: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A round to be sent: each delivery with its message, or with what keeps it from being one.

    It is this worker's until `held_until`.
    """

    tenant: Tenant
    stream: Stream
    queued: tuple[Queued, ...]
    messages: tuple[Message | Failure, ...]
    held_until: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round: the numbers of deliveries that arrived and that failed."""

    delivered: int = 0
    failed: int = 0


def tenants_with_work(among: Sequence[Tenant], now: datetime) -> schemas.Answer:
    """Those of the tenants in which a delivery is due, and those that do not answer."""
    return schemas.where(outbox.IS_DUE, _NEWEST, (now, now, now), among)


def register_senders() -> None:
    """Bring the registry up to date with which tenants send events at all (`sends_events`).

    The actions on streams keep it; this finds what a restored or copied schema brought along.
    """
    everyone = schemas.active()
    found = schemas.where(outbox.IS_SENDING, _STREAMS, (), everyone)
    sending = {tenant.id for tenant in found.tenants}
    for tenant in everyone:
        if tenant in found.silent:
            continue
        if tenant.sends_events != (tenant.id in sending):
            lifecycle.set_sends_events(tenant, sends=tenant.id in sending)


def due_streams(tenant: Tenant) -> list[UUID]:
    """The tenant's streams that may be sent on now, the longest waiting first."""
    with in_tenant(tenant):
        return outbox.streams_to_send(clock.now())


def deliver(tenant: Tenant) -> Round:
    """Send one round on each of the tenant's streams that have something due, one after another."""
    rounds = [
        settle(taken, send(taken))
        for stream in due_streams(tenant)
        if (taken := take(tenant, stream)) is not None
    ]
    return Round(sum(each.delivered for each in rounds), sum(each.failed for each in rounds))


def take(tenant: Tenant, stream_id: UUID) -> Taken | None:
    """The next round of the stream, held for this worker; None when nothing is to be sent on it."""
    now = clock.now()
    held_until = now + timedelta(seconds=settings.EVENT_TIMEOUT_SECONDS) + HELD_LONGER
    with in_tenant(tenant):
        stream = outbox.find_sending(stream_id, now)
        if stream is None:
            return None
        # A receiver that did not answer last time is asked with one request first.
        queued = tuple(outbox.take(stream.id, now, 1 if stream.failures else BATCH))
        if not queued:
            return None
        outbox.hold([each.id for each in queued], held_until)
        return Taken(tenant, stream, queued, _messages(tenant, stream, queued), held_until)


def _messages(
    tenant: Tenant, stream: Stream, queued: Sequence[Queued]
) -> tuple[Message | Failure, ...]:
    try:
        to_message = composer(tenant, stream)
    except SealBroken as error:
        return tuple(Failure(str(error)) for _ in queued)
    return tuple(map(to_message, queued))


def send(taken: Taken) -> dict[UUID, Failure]:
    """Send the round; the deliveries that did not arrive, and why. Touches no database."""
    with ThreadPoolExecutor(max_workers=BATCH) as pool:
        outcomes = list(pool.map(_attempt, taken.messages))
    return {
        each.id: failure
        for each, failure in zip(taken.queued, outcomes, strict=True)
        if failure is not None
    }


def settle(taken: Taken, failures: Mapping[UUID, Failure]) -> Round:
    """Write down what became of the round.

    Actions of people on the stream in the meantime prevail: a resumed stream is tried again at
    once, whatever failed before.
    """
    stream, queued, now = taken.stream, taken.queued, clock.now()
    with in_tenant(taken.tenant):
        is_untouched = outbox.lock_untouched(stream)
        results = [
            _result(each, failures.get(each.id), now, is_untouched=is_untouched) for each in queued
        ]
        outbox.record(results, now, taken.held_until)
        if is_untouched:
            _conclude(stream, queued, failures, now)
    return Round(len(queued) - len(failures), len(failures))


def purge() -> int:
    """Remove old and orphaned deliveries (outbox.purge) in all tenants; return their number."""
    now = clock.now()
    removed = 0
    found = schemas.where(outbox.IS_PURGEABLE, _NEWEST, (now - KEPT,), schemas.active())
    for tenant in found.tenants:
        with in_tenant(tenant):
            removed += outbox.purge(now - KEPT, now, PURGED)
    return removed


def wait(failures: int) -> timedelta:
    """The wait after so many failures in a row: doubling, with jitter, at most an hour."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(failures - 1, 30)
    longest = min(doubled, LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing


def _conclude(
    stream: Stream, queued: Sequence[Queued], failures: Mapping[UUID, Failure], now: datetime
) -> None:
    """Note on the stream how the round went, and give up on one that has failed for too long."""
    unreached = [failure for failure in failures.values() if not failure.is_about_event]
    pauses = [failure.pause for failure in unreached if failure.pause is not None]
    if len(unreached) == len(queued):
        pause = max(pauses) if pauses else wait(stream.failures + 1)
        outbox.record_round(stream.id, stream.failures + 1, now + min(pause, _limit()))
    elif pauses:  # some arrived, and then the receiver asked for a pause
        outbox.record_round(stream.id, 0, now + min(max(pauses), _limit()))
    elif stream.failures:
        outbox.record_round(stream.id, 0, now)
    for each in queued:
        since = each.failing_since
        if each.id in failures and since is not None and now - since >= _limit():
            outbox.give_up(
                stream.id,
                f"Event {each.id} could not be delivered since {since:%Y-%m-%d %H:%M} UTC:"
                f" {failures[each.id].error}",
            )
            extra = {"stream": str(stream.id)}
            logger.error("An event stream is failing and was stopped.", extra=extra)
            break


def _result(
    queued: Queued, failure: Failure | None, now: datetime, *, is_untouched: bool
) -> Result:
    if failure is None:
        return Result(queued.id, DeliveryStatus.DELIVERED.value)
    retry_at = now
    if is_untouched:
        # An event is tried once more when its stream is given up, however long the receiver asks for.
        end = (queued.failing_since or now) + _limit()
        pause = wait(queued.attempts + 1) if failure.pause is None else failure.pause
        retry_at = max(min(now + pause, end), now + FIRST_WAIT / 2)
    return Result(queued.id, DeliveryStatus.PENDING.value, retry_at, failure.error)


def _limit() -> timedelta:
    return timedelta(hours=settings.EVENT_GIVE_UP_HOURS)


def _attempt(message: Message | Failure) -> Failure | None:
    """None when the receiver took it, else what happened. Touches no database: it runs in a thread."""
    if isinstance(message, Failure):
        return message
    timeout = float(settings.EVENT_TIMEOUT_SECONDS)
    try:
        answer = posting.post(message, private_allowed=settings.DEVELOPMENT, timeout=timeout)
    except NotSent as error:
        return Failure(str(error))
    return None if 200 <= answer.status < 300 else _refusal(answer)


def _refusal(answer: Answer) -> Failure:
    """The answer in a line: status and, as far as it is text, what the receiver said."""
    said = "".join(filter(str.isprintable, storable(answer.text)))[:MAX_ERROR]
    redirect = " Redirects are not followed." if 300 <= answer.status < 400 else ""
    error = f"The receiver answered {answer.status}.{redirect} {said}".rstrip()
    return Failure(error, answer.status in _ABOUT_EVENT, _pause(answer.retry_after, clock.now()))


def _pause(retry_after: str, now: datetime) -> timedelta | None:
    """The wait in a Retry-After (RFC 9110 §10.2.3), at least FIRST_WAIT; None for none."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        asked = timedelta(seconds=min(int(text[:20]), _MOST_SECONDS))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return max(asked, FIRST_WAIT)
