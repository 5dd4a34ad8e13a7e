"""Identity providers shaped as Microsoft Entra ID: what they sign, and servers that browsers visit.

Keys are made when a test needs them. Each provider is one directory with one person, Tara.
"""

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from tenants import clock

DIRECTORY: Final = "7e7a1f5c-3a52-4f8b-9d0e-2f1f6b0c9a11"
OBJECT_ID: Final = "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"
CLIENT_ID: Final = "c0ffee00-5b6a-4a41-9d3c-6e5f6d7c8b9a"
CLIENT_SECRET: Final = "a client secret of the test provider"
LOGIN: Final = "tara@contoso.example"  # not her address here: nothing maps by it
_CLAIMS: Final = "http://schemas.microsoft.com/identity/claims/"
_NAME: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_SAML: Final = "urn:oasis:names:tc:SAML:2.0"
_SPACES: Final = (
    f'xmlns:p="{_SAML}:protocol" xmlns:a="{_SAML}:assertion"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)


@cache
def key(name: str = "signing") -> rsa.RSAPrivateKey:
    """A private key of that name, the same one in all tests of a process."""
    return rsa.generate_private_key(65_537, 2048)


@cache
def certificate(name: str = "signing") -> x509.Certificate:
    """A certificate of the key, as long valid as no test's clock can leave."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test SSO Certificate")])
    builder = x509.CertificateBuilder(subject, subject, key(name).public_key(), 1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
    return builder.sign(key(name), hashes.SHA256())


@cache
def jwk(name: str = "signing") -> RSAKey:
    return RSAKey.import_key(key(name), {"kid": name, "use": "sig"})


def key_set(*names: str) -> dict[str, Any]:
    """The public keys as a JWK set."""
    return {"keys": [jwk(name).as_dict(private=False) for name in names or ("signing",)]}


def id_token(
    issuer: str, answering: str, header: Any = None, signed_by: str = "signing", **claims: Any
) -> str:
    """An ID token of Entra's form; a claim that is None is left out."""
    moment = int(clock.now().timestamp())
    whole = {
        "aud": CLIENT_ID,
        "iss": issuer,
        "iat": moment,
        "nbf": moment,
        "exp": moment + 3600,
        "name": "Tara Admin",
        "nonce": answering,
        "oid": OBJECT_ID,
        "preferred_username": LOGIN,
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "tid": DIRECTORY,
        "ver": "2.0",
        **claims,
    }
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(
        header or {"alg": "RS256", "kid": signed_by, "typ": "JWT"}, kept, jwk(signed_by)
    )


def unsigned(token: str) -> str:
    """The token with `alg` none and without a signature."""
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."
