"""Endpoints for receivers, in plain JSON: events (RFC 8936) and the keys to verify them (RFC 7517).

A stream's own secret opens the poll endpoint and nothing else. Every poll is in the provisioning log,
equal ones together.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from scim.api import bodies
from scim.api.authentication import CHALLENGE, INVALID_TOKEN, bearer_token, requester_of
from scim.api.log import log_read, log_refusal
from scim.events import polling, signing
from scim.events.outbox import Stream
from scim.events.polling import PollRefused
from scim.events.sealing import SealBroken
from scim.protocol.errors import BadRequest, ScimError, ServiceUnavailable, Unauthorized
from scim.provider.requester import Requester
from tenants import clock
from tenants.current import current_tenant

MAX_BODY: Final = 131_072  # bytes: MAX_REPORTED jti, errors included
_NO_STORE: Final = {"Cache-Control": "no-store"}
# RFC 8935 §2.4, which RFC 8936 §2.4.4 takes over.
_CODES: Final = {401: "authentication_failed", 503: "server_error"}


@dataclass(slots=True)
class _Asked:
    """The log's view of a poll."""

    operation: str = "poll events"
    resource_type: None = None
    requester: Requester | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    sent: None = None


class _JsonView(View):
    """Answers other methods in JSON too, and logs nothing of them."""

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        allow = ", ".join(name.upper() for name in self.http_method_names)
        body = {"err": "invalid_request", "description": f"Use {allow}."}
        return JsonResponse(body, status=405, headers={**_NO_STORE, "Allow": allow})


@method_decorator(csrf_exempt, name="dispatch")  # no cookie counts here
class PollView(_JsonView):
    """POST: acknowledge tokens, get the next ones (RFC 8936 §2)."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        asked = _Asked()
        try:
            stream, state = _authenticate(request, asked)
            wanted = polling.read_request(_read_json(request))
            body = polling.answer(current_tenant(), stream, state, wanted)
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


def _authenticate(request: HttpRequest, asked: _Asked) -> tuple[Stream, str]:
    """The stream that the bearer token belongs to, and its state. Raises Unauthorized."""
    secret = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
    if secret is None:
        raise Unauthorized("stream.secret", "Send the stream's secret as a bearer token.")
    found = polling.find_stream(current_tenant(), secret)
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
        return json.loads(bodies.read_all(request, MAX_BODY))
    except (ValueError, RecursionError, UnreadablePostError):
        raise PollRefused("The body is not JSON.") from None


def _refusal(request: HttpRequest, asked: _Asked, error: ScimError) -> HttpResponse:
    transaction.set_rollback(True)
    log_refusal(request, asked, error)
    headers = dict(_NO_STORE)
    if isinstance(error, Unauthorized):
        sent = "HTTP_AUTHORIZATION" in request.META
        headers["WWW-Authenticate"] = INVALID_TOKEN if sent else CHALLENGE
    body = {"err": _CODES.get(error.status, "invalid_request"), "description": error.detail}
    return JsonResponse(body, status=error.status, headers=headers)
