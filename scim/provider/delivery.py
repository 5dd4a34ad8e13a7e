"""The worker's part: what is queued is signed, sent and written down, at least once and in order.

A round takes a handful of deliveries of one stream, each of another resource, sends them side by
side and records what became of them, in one transaction that holds their row locks. A process that
dies leaves them as they were, for the next one: a receiver may get a token twice, with the same
`jti`, and never one before another of the same resource.
"""

import base64
import hmac
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from scim.models import DeliveryMethod, DeliveryStatus
from scim.protocol.representation import date_time
from scim.protocol.security_events import MEDIA_TYPE, Addressed, claims
from scim.provider import posting, sealing, signing
from scim.provider.posting import Answer, Message, NotSent
from scim.provider.redaction import storable
from scim.provider.sealing import SealBroken
from scim.repository import outbox
from scim.repository.outbox import Queued, Result, Stream
from tenants import clock, schemas
from tenants.current import in_tenant
from tenants.models import Tenant

BATCH: Final = 8  # deliveries a round, and requests that a receiver gets at once
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=30)  # how long the delivery log tells of what is done
PURGED: Final = 5_000  # rows a pass
MAX_ERROR: Final = 500  # characters of what a receiver says
# Answers to one event (RFC 8935 §2.3: 400); any other failure is the receiver's, for all events.
_ABOUT_EVENT: Final = frozenset({400, 409, 413, 415, 422})
# What seals the secret of a stream is bound to.
PUSH_HEADER: Final = "push authorization"
WEBHOOK_KEY: Final = "webhook key"
WEBHOOK_PREFIX: Final = "whsec_"
_SECRET_USES: Final = {
    DeliveryMethod.PUSH.value: PUSH_HEADER,
    DeliveryMethod.WEBHOOK.value: WEBHOOK_KEY,
}
_TABLE: Final = "scim_delivery"
# A worker that hangs must not hold its rows for ever.
_LIMIT: Final = "SET LOCAL idle_in_transaction_session_timeout = '90s'"

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not arrive, and whether anything else would have arrived instead."""

    error: str
    is_about_event: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one round: how many arrived, and how many did not."""

    delivered: int = 0
    failed: int = 0


def tenants_with_streams() -> list[Tenant]:
    """The active tenants from which something is sent at all; few, of many."""
    return schemas.where(outbox.IS_SENDING, _TABLE, (), schemas.active())


def tenants_with_work(among: Sequence[Tenant], now: datetime) -> list[Tenant]:
    """Those of the tenants in which a delivery is due."""
    return schemas.where(outbox.IS_DUE, _TABLE, (now, now), among)


def deliver(tenant: Tenant) -> Round:
    """Sends one round on each of the tenant's streams that have something due."""
    with in_tenant(tenant):
        streams = outbox.streams_to_send(clock.now())
    rounds = [_deliver_on(tenant, stream) for stream in streams]
    return Round(sum(each.delivered for each in rounds), sum(each.failed for each in rounds))


def purge() -> int:
    """How many deliveries were removed in all tenants: those done long ago and of deleted streams."""
    now = clock.now()
    removed = 0
    for tenant in schemas.where(outbox.IS_PURGEABLE, _TABLE, (now - KEPT,), schemas.active()):
        with in_tenant(tenant):
            removed += outbox.purge(now - KEPT, now, PURGED)
    return removed


def wait(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: doubling, with jitter, at most an hour."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(failures - 1, 30)
    longest = min(doubled, LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing


def _deliver_on(tenant: Tenant, stream: Stream) -> Round:
    with in_tenant(tenant):
        with connection.cursor() as cursor:
            cursor.execute(_LIMIT)
        # A receiver that did not answer last time is asked with one request first.
        queued = outbox.take(stream.id, clock.now(), 1 if stream.failures else BATCH)
        if not queued:
            return Round()
        failures = _send(tenant, stream, queued)
        now = clock.now()
        outbox.record([_result(each, failures.get(each.id), now) for each in queued], now)
        return _conclude(stream, queued, failures, now)


def _conclude(
    stream: Stream, queued: Sequence[Queued], failures: Mapping[UUID, Failure], now: datetime
) -> Round:
    """Notes on the stream how the round went, and gives up on one that has failed for too long."""
    unreached = [failure for failure in failures.values() if not failure.is_about_event]
    if len(unreached) == len(queued):
        outbox.record_round(stream.id, stream.failures + 1, now + wait(stream.failures + 1))
    elif stream.failures:
        outbox.record_round(stream.id, 0, now)
    limit = timedelta(hours=settings.EVENT_GIVE_UP_HOURS)
    for each in queued:
        since = each.failing_since
        if each.id in failures and since is not None and now - since >= limit:
            outbox.give_up(
                stream.id,
                f"Event {each.id} could not be delivered since {since:%Y-%m-%d %H:%M} UTC:"
                f" {failures[each.id].error}",
            )
            extra = {"stream": str(stream.id)}
            logger.error("An event stream is failing and was stopped.", extra=extra)
            break
    return Round(len(queued) - len(failures), len(failures))


def _result(queued: Queued, failure: Failure | None, now: datetime) -> Result:
    if failure is None:
        return Result(queued.id, DeliveryStatus.DELIVERED.value)
    retry_at = now + wait(queued.attempts + 1)
    return Result(queued.id, DeliveryStatus.PENDING.value, retry_at, failure.error)


def _send(tenant: Tenant, stream: Stream, queued: Sequence[Queued]) -> dict[UUID, Failure]:
    """The deliveries that did not arrive, and why."""
    try:
        to_message = _composer(tenant, stream)
    except SealBroken as error:
        return {each.id: Failure(str(error)) for each in queued}
    messages = [to_message(each) for each in queued]
    with ThreadPoolExecutor(max_workers=BATCH) as pool:
        outcomes = list(pool.map(_attempt, messages))
    return {
        each.id: failure
        for each, failure in zip(queued, outcomes, strict=True)
        if failure is not None
    }


def _attempt(message: Message) -> Failure | None:
    """None when the receiver took it, else what happened. Touches no database: it runs in a thread."""
    try:
        answer = posting.post(message, private_allowed=settings.DEVELOPMENT)
    except NotSent as error:
        return Failure(str(error))
    return None if 200 <= answer.status < 300 else _refusal(answer)


def _refusal(answer: Answer) -> Failure:
    """The answer in a line: status and, as far as it is text, what the receiver said."""
    said = "".join(filter(str.isprintable, storable(answer.text)))[:MAX_ERROR]
    redirect = " Redirects are not followed." if 300 <= answer.status < 400 else ""
    error = f"The receiver answered {answer.status}.{redirect} {said}".rstrip()
    return Failure(error, is_about_event=answer.status in _ABOUT_EVENT)


def _composer(tenant: Tenant, stream: Stream) -> Callable[[Queued], Message]:
    """What makes a queued change a message to the stream's endpoint. Raises SealBroken."""
    secret = ""
    if stream.secret:
        secret = sealing.unseal(tenant.id, _SECRET_USES[stream.method], stream.secret)
    if stream.method == DeliveryMethod.WEBHOOK:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX))
        return lambda queued: _webhook(stream, queued, claims_for(tenant, stream, queued), key)
    signer = signing.signer(tenant, clock.now())
    return lambda queued: _push(stream, signer.token(claims_for(tenant, stream, queued)), secret)


def claims_for(tenant: Tenant, stream: Stream, queued: Queued) -> dict[str, Any]:
    """The claims of the token for that stream; the same at each attempt."""
    addressed = Addressed(queued.id, tenant.tenant_url, stream.audience, stream.event_uris)
    return claims(queued.happening, addressed)


def _push(stream: Stream, token: str, authorization: str) -> Message:
    """RFC 8935 §2.1."""
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    return Message(stream.endpoint, token.encode("ascii"), headers)


def _webhook(stream: Stream, queued: Queued, whole: Mapping[str, Any], key: bytes) -> Message:
    """Plain JSON, signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body."""
    body = {
        "type": next(iter(whole["events"])),
        "timestamp": date_time(queued.happening.at),
        "data": whole,
    }
    raw = json.dumps(body, ensure_ascii=False).encode()
    timestamp = str(int(clock.now().timestamp()))
    signed = b".".join((whole["jti"].encode(), timestamp.encode(), raw))
    signature = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": whole["jti"],
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
    return Message(stream.endpoint, raw, headers)
