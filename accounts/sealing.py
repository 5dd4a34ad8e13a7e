"""Secrets that are stored to be used again: sealed for one tenant and one use.

Secrets that must be used again cannot be digests, so they are sealed: encrypted and authenticated (JWE,
`dir` with A256GCM) under a key that follows from SECRET_KEY, the tenant and what the secret is for. A copy
of the database gives none away, and a value that is moved to another tenant or another column cannot be
opened. With another SECRET_KEY neither.
"""

from typing import Final
from uuid import UUID

from django.utils.crypto import salted_hmac
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
# Never changed, wherever this module stands: it is part of each key that something is sealed with.
_SALT: Final = "scim.provider.sealing"


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
