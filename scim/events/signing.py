"""The keys that a tenant's Security Event Tokens are signed with, and the tokens (RFC 8417, RFC 7515).

A tenant's first key is made when it is first needed. The private part is sealed in the tenant's
schema (scim.events.sealing) and erased when another key takes over; the public part stays
published for as long as tokens that it verifies may be kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from joserfc import jwt
from joserfc.jwk import ECKey

from scim.events.claims import TOKEN_TYPE
from scim.events.models import SigningKey
from scim.events.sealing import seal, unseal
from tenants.models import Tenant

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
# How long a retired key verifies what was signed with it.
PUBLISHED: Final = timedelta(days=90)
_USE: Final = "signing key"


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
    private = ECKey.import_key(json.loads(unseal(tenant.id, _USE, key.private)))
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
        private=seal(tenant.id, _USE, json.dumps(made.as_dict(private=True))),
        created_at=now,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        return SigningKey.objects.get(retired_at=None)
    return key
