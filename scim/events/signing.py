"""The messages for a stream's queued changes, and the keys that sign them.

A message is a signed Security Event Token (RFC 8417, RFC 7515, RFC 8935) or a signed webhook. A tenant's
first signing key is made when it is first needed. The private part is sealed in the tenant's schema and
erased when another key takes over; the public part stays published for as long as tokens that it verifies
may be kept.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from joserfc import jwt
from joserfc.jwk import ECKey

from accounts.posting import Message
from accounts.sealing import seal, unseal
from scim.events.claims import MEDIA_TYPE, TOKEN_TYPE, Addressed, Happening, claims
from scim.events.models import SIGNING_KEY, DeliveryMethod, SigningKey
from scim.events.outbox import Queued, Stream
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import date_time
from scim.provider import catalog
from tenants import clock
from tenants.models import Tenant

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
# How long a retired key verifies what was signed with it.
PUBLISHED: Final = timedelta(days=90)
WEBHOOK_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key of a tenant."""

    kid: str
    _key: ECKey = field(repr=False)

    def token(self, claims: Mapping[str, Any]) -> str:
        """The Security Event Token with those claims, in compact form."""
        header = {"typ": TOKEN_TYPE, "alg": ALGORITHM, "kid": self.kid}
        return jwt.encode(header, dict(claims), self._key, algorithms=[ALGORITHM])


def signer(tenant: Tenant, now: datetime) -> Signer:
    """The signer of the current tenant; makes the first key. Raises SealBroken."""
    key = SigningKey.objects.filter(retired_at=None).first() or _make(tenant, now)
    private = ECKey.import_key(json.loads(unseal(tenant.id, SIGNING_KEY, key.private)))
    return Signer(key.kid, private)


def rotate(tenant: Tenant, now: datetime) -> SigningKey:
    """A new key, which signs from now on; the former one's private part is gone.

    Those that have been retired for long are no longer published.
    """
    SigningKey.objects.filter(retired_at=None).update(retired_at=now, private="")
    SigningKey.objects.filter(retired_at__lt=now - PUBLISHED).delete()
    return _make(tenant, now)


def key_set(now: datetime) -> dict[str, Any]:
    """The current tenant's public keys as a JWK set (RFC 7517 §5), the one that signs first."""
    published = SigningKey.objects.filter(
        Q(retired_at=None) | Q(retired_at__gte=now - PUBLISHED)
    ).order_by("-created_at")
    return {"keys": [key.public for key in published]}


def _make(tenant: Tenant, now: datetime) -> SigningKey:
    """A new key, or the one that another process has just made."""
    made = ECKey.generate_key(CURVE, auto_kid=False)
    kid = made.thumbprint()
    public = {**made.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
    key = SigningKey(
        kid=kid,
        public=public,
        private=seal(tenant.id, SIGNING_KEY, json.dumps(made.as_dict(private=True))),
        created_at=now,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        return SigningKey.objects.get(retired_at=None)
    return key


def composer(tenant: Tenant, stream: Stream) -> Callable[[Queued], Message]:
    """A function that turns a queued change into a message to the stream. Raises SealBroken."""
    secret = ""
    if stream.secret:
        secret = unseal(tenant.id, DeliveryMethod(stream.method).secret_use, stream.secret)
    if stream.method == DeliveryMethod.WEBHOOK:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX))
        return lambda queued: _webhook(stream, queued, claims_for(tenant, stream, queued), key)
    signing = signer(tenant, clock.now())
    return lambda queued: _push(stream, signing.token(claims_for(tenant, stream, queued)), secret)


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
