"""A client that proves itself by a signature: JSON Web Tokens as client assertions (RFC 7523).

Signatures, keys and time claims are joserfc's (decision 0009); here is what the RFC leaves to us:
which keys and algorithms are good enough, and that an assertion is accepted once.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
CURVES: Final = frozenset({"P-256", "P-384", "P-521"})
LEAST_RSA_BITS: Final = 2048
MOST_KEYS: Final = 10
MAX_LENGTH: Final = 8192  # characters of an assertion, and of a key set 10 times as many
LEEWAY: Final = timedelta(seconds=60)  # two clocks are never equal
MOST_LIFETIME: Final = timedelta(days=1)

# Errors of the libraries below for text from outside; nesting ends in RecursionError.
_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError)

_SPEND: Final = """
    INSERT INTO accounts_spentassertion (digest, expires_at) VALUES (%s, %s)
    ON CONFLICT (digest) DO NOTHING
"""
_FORGET: Final = "DELETE FROM accounts_spentassertion WHERE expires_at <= %s"


class AssertionRefused(Exception):
    """An assertion or key set that is not accepted; the message is a sentence that says why."""


class Claims(NamedTuple):
    """The part of an accepted assertion that is needed to accept it only once."""

    jti: str
    expires_at: datetime


def read_key_set(text: str) -> dict[str, Any]:
    """The JWK set in the text, public members only. Raises AssertionRefused."""
    try:
        given = json.loads(text[: 10 * MAX_LENGTH])
        keys = [
            RSAKey.import_key(key) if key["kty"] == "RSA" else ECKey.import_key(key)
            for key in given["keys"]
        ]
    except _UNREADABLE:
        raise AssertionRefused(
            'The public keys must be a JWK set, {"keys": [...]}, of RSA or EC keys.'
        ) from None
    if not 1 <= len(keys) <= MOST_KEYS:
        raise AssertionRefused(f"A client has 1 to {MOST_KEYS} public keys.")
    for key in keys:
        _check_key(key)
    return dict(KeySet(list[Key](keys)).as_dict(private=False))


def _check_key(key: RSAKey | ECKey) -> None:
    if key.is_private:
        raise AssertionRefused("This is a private key: keep it, and give its public part only.")
    if isinstance(key, ECKey):
        if key.curve_name not in CURVES:
            raise AssertionRefused("EC keys are on one of the curves P-256, P-384 and P-521.")
    elif key.public_key.key_size < LEAST_RSA_BITS:
        raise AssertionRefused(f"RSA keys have at least {LEAST_RSA_BITS} bits.")


def claimed_client(assertion: str) -> UUID:
    """The client that the assertion says it is from, not yet proven. Raises AssertionRefused."""
    try:
        payload = json.loads(jws.extract_compact(_bounded(assertion)).payload)
        return UUID(payload["sub"])
    except (*_UNREADABLE, AttributeError):
        raise AssertionRefused(
            "The client assertion is not a JSON Web Token whose subject is a client id."
        ) from None


def check(
    assertion: str, public_keys: Mapping[str, Any], audiences: frozenset[str], now: datetime
) -> Claims:
    """The claims of an assertion that one of the keys signed for us. Raises AssertionRefused.

    It must be issued by its subject (RFC 7523 §3), for one of the audiences and for at most a day.
    """
    try:
        keys = KeySet.import_key_set({"keys": list(public_keys["keys"])})
        claims = jwt.decode(_bounded(assertion), keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=int(LEEWAY.total_seconds()),
            iss={"essential": True, "value": claims["sub"]},
            aud={"essential": True, "values": sorted(audiences)},
            exp={"essential": True},
            jti={"essential": True},
        ).validate(claims)
    except JoseError as error:
        raise AssertionRefused(f"The client assertion is refused: {error.error}.") from None
    except _UNREADABLE:
        raise AssertionRefused("The client assertion cannot be read.") from None
    if claims["exp"] > (now + MOST_LIFETIME).timestamp():
        raise AssertionRefused("The client assertion is valid for more than a day.")
    return Claims(claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))


def spend(client_id: UUID, claims: Claims, now: datetime) -> bool:
    """Remember the assertion; False when it has been used before (RFC 7523 §3, item 7).

    Two statements; needs a transaction in the tenant. Of two at the same moment one waits.
    """
    digest = sha256(client_id.bytes + claims.jti.encode("utf-8", "surrogatepass")).digest()
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [now])
        cursor.execute(_SPEND, [digest, claims.expires_at + LEEWAY])
        return bool(cursor.rowcount)


def _bounded(assertion: str) -> bytes:
    if len(assertion) > MAX_LENGTH:
        raise ValueError("too long")
    return assertion.encode()
