"""The message for a queued change: a signed token (RFC 8935), or a signed webhook."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from scim.events import signing
from scim.events.claims import MEDIA_TYPE, Addressed, Happening, claims
from scim.events.models import DeliveryMethod
from scim.events.outbox import Queued, Stream
from scim.events.posting import Message
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import date_time
from scim.provider import catalog
from tenants import clock
from tenants.models import Tenant

# Uses of secrets, part of the key that seals them.
PUSH_HEADER: Final = "push authorization"
WEBHOOK_KEY: Final = "webhook key"
WEBHOOK_PREFIX: Final = "whsec_"
_SECRET_USES: Final = {
    DeliveryMethod.PUSH.value: PUSH_HEADER,
    DeliveryMethod.WEBHOOK.value: WEBHOOK_KEY,
}


def composer(tenant: Tenant, stream: Stream) -> Callable[[Queued], Message]:
    """A function that turns a queued change into a message to the stream. Raises SealBroken."""
    secret = ""
    if stream.secret:
        secret = signing.unseal(tenant.id, _SECRET_USES[stream.method], stream.secret)
    if stream.method == DeliveryMethod.WEBHOOK:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX))
        return lambda queued: _webhook(stream, queued, claims_for(tenant, stream, queued), key)
    signer = signing.signer(tenant, clock.now())
    return lambda queued: _push(stream, signer.token(claims_for(tenant, stream, queued)), secret)


def claims_for(tenant: Tenant, stream: Stream, queued: Queued) -> dict[str, Any]:
    """The claims of the token for that stream; the same at each attempt."""
    addressed = Addressed(queued.id, tenant.tenant_url, stream.audience, stream.event_uris)
    return claims(_readable(tenant, queued.happening), addressed)


def _readable(tenant: Tenant, happening: Happening) -> Happening:
    """The happening, without values of attributes that have become secret since it was queued."""
    name = happening.resource_type
    resource_type = catalog.resource_type(tenant, name)
    return replace(
        happening,
        document=without_secrets(resource_type, happening.document),
        changes=tuple(catalog.redaction(tenant).readable(happening.changes, name)),
    )


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
