"""Actions on a tenant's event streams, like those of accounts.actions: authorize, act, audit.

A stream carries personal data of the whole tenant, so each action is reserved to staff.
"""

import base64
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts import posting, tokens
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor, Details
from accounts.sealing import seal
from scim.events import outbox, signing
from scim.events.claims import DETAILED, EVENT_URIS, NOTICE, uris_of
from scim.events.models import (
    PUSH_HEADER,
    WEBHOOK_KEY,
    Delivery,
    DeliveryMethod,
    DeliveryStatus,
    EventStream,
    SigningKey,
    StreamState,
)
from scim.events.polling import SECRET_PREFIX
from scim.events.signing import WEBHOOK_PREFIX
from tenants import clock, lifecycle, schemas
from tenants.current import in_tenant
from tenants.errors import about
from tenants.models import Tenant

MOST_STREAMS: Final = 10  # of a tenant: each costs a row a change
MOST_COUNTED: Final = 10_000  # deliveries of a tenant that wait
MAX_LABEL: Final = 100
MAX_AUDIENCE: Final = 500
MAX_HEADER: Final = 4_096
DEFAULT_URIS: Final = tuple(uri for uri in EVENT_URIS if not uri.endswith(":full"))
_KEY_BYTES: Final = 32  # Standard Webhooks asks for 24 to 64

ADD: Final = "scim.add_eventstream"
CHANGE: Final = "scim.change_eventstream"
DELETE: Final = "scim.delete_eventstream"
ROTATE: Final = "scim.rotate_signingkey"
SKIP: Final = "scim.skip_delivery"


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream to be created. `endpoint` and `authorization` are for what is sent, not polled."""

    label: str
    method: DeliveryMethod
    endpoint: str = ""
    authorization: str = field(repr=False, default="")  # push: the Authorization header
    audience: str = ""  # blank: the endpoint, or for poll a name made of the stream's id
    event_uris: tuple[str, ...] = DEFAULT_URIS


@dataclass(frozen=True, slots=True)
class CreatedStream:
    """A stream, and its secret, which is shown once: what poll sends, what webhooks are signed with."""

    stream: EventStream
    secret: str = field(repr=False, default="")


def create_stream(actor: Actor, tenant: Tenant, request: StreamRequest) -> CreatedStream:
    """A new stream, which gets what changes from now on. Raises ActionRefused."""
    with performing(actor, ADD, tenant):
        now = clock.now()
        if EventStream.objects.filter(deleted_at=None).count() >= MOST_STREAMS:
            raise ActionRefused(
                "action.range", f"A tenant has at most {MOST_STREAMS} event streams."
            )
        with about("endpoint"):
            endpoint = _endpoint(request)
        stream = EventStream(
            label=one_line(request.label, "The label", MAX_LABEL, "label"),
            method=request.method,
            endpoint=endpoint,
            event_uris=_event_uris(request.event_uris),
            created_at=now,
            retry_at=now,
            created_by=actor.name,
        )
        stream.audience = _audience(tenant, stream, request.audience)
        with about("authorization"):
            secret = _secret(tenant, stream, request.authorization)
        stream.save(force_insert=True)
        _register(tenant)
        if stream.method != DeliveryMethod.WEBHOOK:
            signing.signer(tenant, now)  # so that the key can be fetched before the first event
        details: Details = {
            "method": stream.method,
            "endpoint": stream.endpoint,
            "audience": stream.audience,
            "events": list(stream.event_uris),
        }
        note(actor, tenant, "event stream created", str(stream), details)
        return CreatedStream(stream, secret)


def pause_stream(actor: Actor, tenant: Tenant, stream: str | UUID) -> EventStream:
    """The stream, on which nothing is sent until it is resumed; changes are queued. Raises
    ActionRefused.
    """
    with performing(actor, CHANGE, tenant):
        found = get_stream(tenant, stream)
        if found.state != StreamState.PAUSED:
            found.state = StreamState.PAUSED
            found.generation += 1
            found.save(update_fields=["state", "generation"])
            note(actor, tenant, "event stream paused", str(found), {})
    return found


def resume_stream(actor: Actor, tenant: Tenant, stream: str | UUID) -> EventStream:
    """The stream, on which sending goes on at once where it stopped. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        found, now = get_stream(tenant, stream), clock.now()
        was = found.state
        found.state, found.reason = StreamState.ACTIVE, ""
        found.failures, found.retry_at = 0, now
        found.generation += 1
        found.save(update_fields=["state", "reason", "failures", "retry_at", "generation"])
        outbox.hasten(found.id, now)
        if was != found.state:
            note(actor, tenant, "event stream resumed", str(found), {"was": was})
    return found


def delete_stream(actor: Actor, tenant: Tenant, stream: str | UUID) -> EventStream:
    """The stream, which ends at once; what it had not delivered is dropped and counted in the
    audit log. Raises ActionRefused.
    """
    with performing(actor, DELETE, tenant):
        found = get_stream(tenant, stream)
        found.deleted_at, found.secret, found.digest = clock.now(), "", None
        found.save(update_fields=["deleted_at", "secret", "digest"])
        _register(tenant)
        pending = Delivery.objects.filter(stream=found, status=DeliveryStatus.PENDING)
        dropped = pending.count()  # the worker removes them: it may be sending some
        note(actor, tenant, "event stream deleted", str(found), {"undelivered": dropped})
    return found


def skip_event(actor: Actor, tenant: Tenant, jti: str | UUID) -> Delivery:
    """The delivery of that event, which is tried no more, so that what waits behind it can follow.

    The delivery log keeps it and says who skipped it. Raises ActionRefused.
    """
    with performing(actor, SKIP, tenant):
        found, now = _get_delivery(tenant, jti), clock.now()
        if found.status != DeliveryStatus.PENDING or found.stream.deleted_at is not None:
            raise ActionRefused(
                "action.too-late", f"Event {found.id} no longer waits: nothing to skip."
            )
        if not found.attempts:
            raise ActionRefused(
                "action.too-late", f"Event {found.id} has not been tried yet: there is no failure."
            )
        if found.held_until is not None and found.held_until > now:
            raise ActionRefused(
                "action.too-late",
                f"Event {found.id} is being sent right now. Try again in a minute.",
            )
        found.status, found.done_at = DeliveryStatus.SKIPPED, now
        found.error = f"Skipped by {actor.name}. {found.error}".rstrip()
        found.save(update_fields=["status", "done_at", "error"])
        details: Details = {
            "stream": str(found.stream),
            "resource": found.event.uri,
            "version": found.version,
            "events": list(found.event.kinds),
            "attempts": found.attempts,
        }
        note(actor, tenant, "event skipped", str(found.id), details)
    return found


def get_delivery(tenant: Tenant, jti: str | UUID) -> Delivery:
    """The tenant's delivery with that id; needs a transaction in the tenant. Raises ActionRefused."""
    return _find_delivery(tenant, jti, Delivery.objects.all())


def rotate_key(actor: Actor, tenant: Tenant) -> SigningKey:
    """The new key that signs from now on; the former one stays published. Raises ActionRefused."""
    with performing(actor, ROTATE, tenant):
        key = signing.rotate(tenant, clock.now())
        note(actor, tenant, "event signing key rotated", key.kid, {})
    return key


def event_uris() -> tuple[str, ...]:
    """The events that the current tenant's receivers can be told of; none without a receiver."""
    return EVENT_URIS if EventStream.objects.filter(deleted_at=None).exists() else ()


def get_stream(tenant: Tenant, stream: str | UUID) -> EventStream:
    """The tenant's stream with that id, or beginning of an id, locked. Raises ActionRefused."""
    candidates = EventStream.objects.select_for_update(no_key=True).filter(deleted_at=None)
    name = str(stream).strip().lower()
    found = [each for each in candidates if name and str(each.id).startswith(name)]
    if len(found) != 1:
        raise ActionRefused("action.not-found", f"{tenant} has no event stream {name}.")
    return found[0]


def _get_delivery(tenant: Tenant, jti: str | UUID) -> Delivery:
    """The delivery, locked. Raises ActionRefused."""
    return _find_delivery(tenant, jti, Delivery.objects.select_for_update(of=("self",)))


def _find_delivery(tenant: Tenant, jti: str | UUID, among: QuerySet[Delivery]) -> Delivery:
    name = str(jti).strip()
    with suppress(ValueError):
        found = among.select_related("stream", "event").filter(pk=UUID(name)).first()
        if found is not None:
            return found
    raise ActionRefused("action.not-found", f"{tenant} has no event {name[:64]!r}.")


def _register(tenant: Tenant) -> None:
    """Note in the registry whether the worker has anything to ask in the tenant."""
    live = EventStream.objects.filter(deleted_at=None).exclude(method=DeliveryMethod.POLL)
    lifecycle.set_sends_events(tenant, sends=live.exists())


def _endpoint(request: StreamRequest) -> str:
    if request.method == DeliveryMethod.POLL:
        if request.endpoint.strip():
            raise ActionRefused("stream.settings", "A stream that is polled has no endpoint.")
        return ""
    url = request.endpoint.strip()
    flaw = posting.flaw(url, private_allowed=settings.DEVELOPMENT)
    if flaw is not None:
        raise ActionRefused("stream.settings", flaw)
    return url


def _event_uris(chosen: tuple[str, ...]) -> list[str]:
    """The chosen URIs in the order of the RFC."""
    unknown = set(chosen) - set(EVENT_URIS)
    if unknown or not chosen:
        names = ", ".join(sorted(unknown)) or "none"
        raise ActionRefused(
            "stream.settings", f"Choose at least one of the event types that exist, not {names}."
        )
    for kind in DETAILED:
        if set(uris_of(kind)) <= set(chosen):
            raise ActionRefused(
                "stream.settings", f"Choose {NOTICE} or full of {kind}: an event is one of the two."
            )
    return [uri for uri in EVENT_URIS if uri in chosen]


def _audience(tenant: Tenant, stream: EventStream, wished: str) -> str:
    made = stream.endpoint or f"{tenant.tenant_url}/events/{stream.id}"
    return one_line(wished if wished.strip() else made, "The audience", MAX_AUDIENCE, "audience")


def _secret(tenant: Tenant, stream: EventStream, authorization: str) -> str:
    """Give the stream its secret; return the part that is shown once."""
    authorization = authorization.strip()
    if authorization and stream.method != DeliveryMethod.PUSH:
        raise ActionRefused("stream.settings", "Only a push stream sends an Authorization header.")
    match stream.method:
        case DeliveryMethod.POLL:
            secret = tokens.generate(SECRET_PREFIX)
            stream.digest = tokens.digest(tenant.id, secret)
            return secret
        case DeliveryMethod.WEBHOOK:
            key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
            secret = WEBHOOK_PREFIX + key
            stream.secret = seal(tenant.id, WEBHOOK_KEY, secret)
            return secret
        case _:
            if authorization:
                if not (authorization.isascii() and authorization.isprintable()):
                    raise ActionRefused(
                        "stream.settings", "The Authorization header must be printable ASCII."
                    )
                if len(authorization) > MAX_HEADER:
                    raise ActionRefused("stream.settings", "The Authorization header is too long.")
                stream.secret = seal(tenant.id, PUSH_HEADER, authorization)
            return ""


def count_waiting() -> int:
    """The number of deliveries that wait, at most MOST_COUNTED of each tenant, which is entered.

    Without the tenants whose node of the database does not answer.
    """
    total = 0
    for tenant in schemas.reachable(schemas.sending()).tenants:
        with in_tenant(tenant):
            waiting = Delivery.objects.filter(status=DeliveryStatus.PENDING).order_by()
            total += len(waiting.values_list("pk")[:MOST_COUNTED])
    return total
