"""Poll-based delivery (RFC 8936): what a receiver acknowledges, and what it gets next.

Always answered at once: `returnImmediately` is understood and changes nothing, since a request that
waits would hold a connection to the database. Tokens that are not acknowledged are handed out again
after REDELIVERY. `sets` is an object, whose members have no order: so it holds at most one token of
each resource, and the next one follows the acknowledgment.

A stream's own secret opens the poll endpoint and nothing else; the other endpoint shows the keys that
verify the tokens (RFC 7517). Both speak plain JSON. Every poll is in the provisioning log, equal ones
together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from accounts import tokens
from accounts.sealing import SealBroken
from scim.api import bodies
from scim.api.authentication import bearer_token, challenge_of, requester_of
from scim.api.log import Asked, log_read, log_refusal
from scim.api.requests import ScimRequest, scim_request
from scim.api.views import JsonView
from scim.events import outbox, signing
from scim.events.delivery import MAX_ERROR
from scim.events.models import DeliveryStatus, StreamState
from scim.events.outbox import Result, Stream
from scim.events.signing import claims_for
from scim.protocol.errors import BadRequest, ScimError, ServiceUnavailable, Unauthorized
from scim.provider.provisioning_log import storable
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant

PATH: Final = "/events/poll"  # below the SCIM base
SECRET_PREFIX: Final = "mypscim_events_"  # noqa: S105  # every secret begins with it
MAX_EVENTS: Final = 100  # tokens in an answer
MAX_REPORTED: Final = 1_000  # jti that one request acknowledges or refuses
REDELIVERY: Final = timedelta(seconds=30)
MAX_BODY: Final = 131_072  # bytes: MAX_REPORTED jti, errors included
_NO_STORE: Final = {"Cache-Control": "no-store"}
# RFC 8935 §2.4, which RFC 8936 §2.4.4 takes over.
_CODES: Final = {401: "authentication_failed", 503: "server_error"}


class PollRefused(Exception):
    """A request that RFC 8936 does not know; the message is the `description` of the error."""


@dataclass(frozen=True, slots=True)
class PollRequest:
    """A receiver's poll (RFC 8936 §2.2): acknowledgments, errors, and the most events it takes."""

    most: int
    acknowledged: tuple[UUID, ...] = ()
    errors: tuple[tuple[UUID, str], ...] = ()


def find_stream(tenant: Tenant, secret: str) -> tuple[Stream, str] | None:
    """The stream of the current tenant with that poll secret, and its state; None without one."""
    if not tokens.is_well_formed(secret, SECRET_PREFIX):
        return None
    return outbox.find_polling(tokens.digest(tenant.id, secret))


def read_request(body: Any) -> PollRequest:
    """The poll in a JSON body; members that are not known are ignored. Raises PollRefused."""
    if not isinstance(body, dict):
        raise PollRefused("The body must be a JSON object.")
    most = body.get("maxEvents", MAX_EVENTS)
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise PollRefused("maxEvents must be an integer of at least 0.")
    acknowledged, errors = body.get("ack", []), body.get("setErrs", {})
    if not isinstance(acknowledged, list) or not isinstance(errors, dict):
        raise PollRefused("ack must be an array of jti and setErrs an object by jti.")
    if len(acknowledged) + len(errors) > MAX_REPORTED:
        raise PollRefused(f"A request acknowledges at most {MAX_REPORTED} tokens.")
    return PollRequest(
        most=min(most, MAX_EVENTS),
        acknowledged=tuple(known for jti in acknowledged if (known := _read_jti(jti))),
        errors=tuple(
            (known, _described(error)) for jti, error in errors.items() if (known := _read_jti(jti))
        ),
    )


def answer(tenant: Tenant, stream: Stream, state: str, asked: PollRequest) -> dict[str, Any]:
    """The tokens that come next, by jti, after noting what the receiver says of former ones.

    A stream that is paused hands out nothing and still takes acknowledgments. Raises SealBroken.
    """
    now = clock.now()
    if asked.acknowledged:
        outbox.acknowledge(stream.id, asked.acknowledged, now)
    if asked.errors:
        outbox.refuse(stream.id, asked.errors, now)
    if not asked.most or state != StreamState.ACTIVE:
        return {"sets": {}, "moreAvailable": False}
    queued = outbox.take(stream.id, now, asked.most)
    if not queued:
        return {"sets": {}, "moreAvailable": False}
    signer = signing.signer(tenant, now)
    sets = {str(each.id): signer.token(claims_for(tenant, stream, each)) for each in queued}
    handed_out = _handed_out([each.id for each in queued])
    outbox.record(handed_out, now)
    return {"sets": sets, "moreAvailable": outbox.has_due(stream.id, now)}


def _handed_out(ids: Sequence[UUID]) -> list[Result]:
    retry_at = clock.now() + REDELIVERY
    return [Result(each, DeliveryStatus.PENDING.value, retry_at) for each in ids]


def _read_jti(text: Any) -> UUID | None:
    """The id, None for what was never a jti of ours."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None


def _described(error: Any) -> str:
    """The receiver's error in a line (RFC 8935 §2.4: `err` and `description`)."""
    given = error if isinstance(error, Mapping) else {}
    words = [str(given[name]) for name in ("err", "description") if given.get(name)]
    text = storable(": ".join(words)) or "no reason given"
    return "The receiver refused it: " + "".join(filter(str.isprintable, text))[:MAX_ERROR]


class _JsonView(JsonView):
    error_names = ("err", "description")


@method_decorator(csrf_exempt, name="dispatch")  # no cookie counts here
class PollView(_JsonView):
    """POST: acknowledge tokens, get the next ones (RFC 8936 §2)."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        request, asked = scim_request(request), Asked("poll events")
        try:
            stream, state = _authenticate(request, asked)
            wanted = read_request(_read_json(request))
            body = answer(current_tenant(), stream, state, wanted)
        except PollRefused as refusal:
            return _refusal(request, asked, BadRequest("stream.poll", str(refusal)))
        except SealBroken as error:
            return _refusal(request, asked, ServiceUnavailable("stream.sealed", str(error)))
        except ScimError as error:
            return _refusal(request, asked, error)
        log_read(request, asked, 200)
        return JsonResponse(body, headers=_NO_STORE)


class KeysView(_JsonView):
    """GET: the public keys of the tenant's tokens, open to all."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        keys = signing.key_set(clock.now())
        headers = {"Cache-Control": "public, max-age=300"}
        return JsonResponse(keys, content_type="application/jwk-set+json", headers=headers)


def _authenticate(request: ScimRequest, asked: Asked) -> tuple[Stream, str]:
    """The stream that the bearer token belongs to, and its state. Raises Unauthorized."""
    secret = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
    if secret is None:
        raise Unauthorized("stream.secret", "Send the stream's secret as a bearer token.")
    found = find_stream(current_tenant(), secret)
    if found is None:
        raise Unauthorized("stream.secret", "The secret is that of no event stream of this tenant.")
    stream = found[0]
    named = f"{stream.label} ({stream.id.hex[:8]})"
    stranger = requester_of(request, None)
    origin = replace(stranger.origin, token_id=stream.id) if stranger.origin else None
    asked.requester = replace(stranger, origin=origin, name=named)
    return found


def _read_json(request: HttpRequest) -> Any:
    """The body. Raises PollRefused, ContentTooLarge, InvalidSyntax, UnsupportedCoding."""
    try:
        return bodies.parse(bodies.read_all(request, MAX_BODY))
    except UnreadablePostError as error:
        raise PollRefused(str(error)) from None


def _refusal(request: ScimRequest, asked: Asked, error: ScimError) -> HttpResponse:
    transaction.set_rollback(True)
    log_refusal(request, asked, error)
    headers = dict(_NO_STORE)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = challenge_of(request)
    body = {"err": _CODES.get(error.status, "invalid_request"), "description": error.detail}
    return JsonResponse(body, status=error.status, headers=headers)
