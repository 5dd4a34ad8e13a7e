"""The keys that a tenant's Security Event Tokens are signed with, and the tokens (RFC 8417, RFC 7515).

A tenant's first key is made when it is first needed. The private part is sealed in the tenant's
schema and erased when another key takes over; the public part stays
published for as long as tokens that it verifies may be kept.

A secret that must be used again cannot be a digest: it is sealed for one tenant and use. It is encrypted
and authenticated (JWE, `dir` with A256GCM) under a key that follows from SECRET_KEY, the tenant and the
use: a copy of the database gives none away, and a value that is moved to another tenant or another
column cannot be opened. With another SECRET_KEY neither.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from scim.events.claims import TOKEN_TYPE
from scim.events.models import SigningKey
from tenants.models import Tenant

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
# How long a retired key verifies what was signed with it.
PUBLISHED: Final = timedelta(days=90)
_USE: Final = "signing key"
_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
# Never changed, wherever this module stands: it is part of each key that something is sealed with.
_SALT: Final = "scim.provider.sealing"


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


class SealBroken(Exception):
    """A sealed secret cannot be opened; the message is a sentence for staff."""


def seal(tenant_id: UUID, use: str, secret: str) -> str:
    """The sealed secret, to be stored."""
    return jwe.encrypt_compact(dict(_HEADER), secret, _key(tenant_id, use))


def unseal(tenant_id: UUID, use: str, sealed: str) -> str:
    """The secret. Raises SealBroken."""
    try:
        opened = jwe.decrypt_compact(sealed, _key(tenant_id, use)).plaintext or b""
    except (JoseError, ValueError):
        raise SealBroken(
            "A stored secret cannot be read: SECRET_KEY has changed since it was stored."
        ) from None
    return opened.decode()


def _key(tenant_id: UUID, use: str) -> OctKey:
    return OctKey.import_key(salted_hmac(_SALT, f"{use}:{tenant_id}", algorithm="sha256").digest())
