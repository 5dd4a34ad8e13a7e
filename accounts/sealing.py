"""Secrets that are stored to be used again: sealed for one tenant and one use.

Secrets that must be used again cannot be digests, so they are sealed: encrypted and authenticated (JWE,
`dir` with A256GCM) under a key that follows from SECRET_KEY, the tenant and what the secret is for. A copy
of the database gives none away, and a value that is moved to another tenant or another column cannot be
opened. With another SECRET_KEY neither, unless the former one is among SECRET_KEY_FALLBACKS.

A sealed value begins with a mark of its SECRET_KEY, so that PostgreSQL can tell which values need another
one (accounts.resealing). The mark is a digest and opens nothing.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

# Never changed, wherever this module stands: it is part of each key that something is sealed with.
_SALT: Final = "scim.provider.sealing"
_MARK: Final = 16  # hexadecimal digits


class SealBroken(Exception):
    """A sealed secret cannot be opened; the message is a sentence for staff."""


class SealedField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A column of secrets that are sealed for its use; a use can depend on the row.

    `kind` says what it is and `owner` whose, for a person. Blank where there is no secret.
    """

    def __init__(
        self,
        *args: Any,
        use: str | Callable[[Any], str] = "",
        kind: str = "",
        owner: Callable[[Any], str] = str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._use, self.kind, self.owner = use, kind, owner

    def use_of(self, row: models.Model) -> str:
        """The use that the row's secret is sealed for."""
        return self._use if isinstance(self._use, str) else self._use(row)

    def deconstruct(self) -> Any:
        """As a TextField: migrations know of the column alone."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def seal(tenant_id: UUID, use: str, secret: str) -> str:
    """The sealed secret, to be stored."""
    key = _key(settings.SECRET_KEY, tenant_id, use)
    return jwe.encrypt_compact(_header(settings.SECRET_KEY), secret, key)


def unseal(tenant_id: UUID, use: str, sealed: str) -> str:
    """The secret. Raises SealBroken."""
    for secret_key in secret_keys():
        opened = _open(secret_key, tenant_id, use, sealed)
        if opened is not None:
            return opened
    raise SealBroken(
        "A stored secret cannot be read: SECRET_KEY has changed since it was stored, and the former"
        " key is not among SECRET_KEY_FALLBACKS."
    )


def is_of_present_key(tenant_id: UUID, use: str, sealed: str) -> bool:
    """True if SECRET_KEY opens it, without former keys."""
    return _open(settings.SECRET_KEY, tenant_id, use, sealed) is not None


def secret_keys() -> list[str]:
    """SECRET_KEY, then the former ones that are still read with."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def mark() -> str:
    """The beginning of all that is sealed with SECRET_KEY, and of nothing else."""
    return _mark(settings.SECRET_KEY)


def _open(secret_key: str, tenant_id: UUID, use: str, sealed: str) -> str | None:
    try:
        opened = jwe.decrypt_compact(sealed, _key(secret_key, tenant_id, use)).plaintext
    except (JoseError, ValueError):
        return None
    return (opened or b"").decode()


@lru_cache(maxsize=8)
def _mark(secret_key: str) -> str:
    sealed = jwe.encrypt_compact(_header(secret_key), "", OctKey.generate_key(256))
    return f"{sealed.partition('.')[0]}."


def _header(secret_key: str) -> dict[str, Any]:
    kid = salted_hmac(f"{_SALT}.mark", "", secret_key, algorithm="sha256").hexdigest()[:_MARK]
    return {"alg": "dir", "enc": "A256GCM", "kid": kid}


def _key(secret_key: str, tenant_id: UUID, use: str) -> OctKey:
    derived = salted_hmac(_SALT, f"{use}:{tenant_id}", secret_key, algorithm="sha256")
    return OctKey.import_key(derived.digest())
