"""OpenID Connect: the authorization code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636).

Signatures, keys and time claims of ID tokens are joserfc's (decision 0065). No function here calls
another machine.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from accounts.sso.identity import (
    LEEWAY,
    SUBJECT_LENGTH,
    Identity,
    Kind,
    Request,
    SignOnRefused,
    immutable_subject,
)

WELL_KNOWN: Final = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0 §4
SCOPE: Final = "openid profile"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
MAX_TOKEN: Final = 16_384  # characters
MOST_KEYS: Final = 50
LEAST_RSA_BITS: Final = 2048
_KEY_TYPES: Final[Mapping[str, Any]] = {"RSA": RSAKey, "EC": ECKey}
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_OF_CLAIM: Final = {"iss": "sso.issuer", "aud": "sso.audience", "azp": "sso.audience"} | {
    "nonce": "sso.nonce",
    **dict.fromkeys(("exp", "iat", "nbf"), "sso.time"),
}


@dataclass(frozen=True, slots=True)
class Client:
    """myPolicies as the identity provider knows it, and the provider's documents.

    `keys` is a JWK set (RFC 7517 §5), {} until it was read.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    authorization_endpoint: str
    keys: Mapping[str, Any] = field(repr=False)


def authorization_url(client: Client, request: Request, *, again: bool = False) -> str:
    """The URL that the browser is sent to; with `again` the person has to prove themselves anew."""
    challenge = urlsafe_b64encode(sha256(request.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uri,
        "response_mode": "query",
        "scope": SCOPE,
        "state": request.id,
        "nonce": request.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    separator = "&" if "?" in client.authorization_endpoint else "?"
    return f"{client.authorization_endpoint}{separator}{urlencode(query)}"


def token_form(client: Client, request: Request, code: str, secret: str) -> bytes:
    """The body that exchanges a code for an ID token (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "client_id": client.client_id,
        "client_secret": secret,
        "code_verifier": request.verifier,
    }
    return urlencode(form).encode()


def read_token_answer(status: int, text: str) -> str:
    """The ID token in the answer of the token endpoint. Raises SignOnRefused."""
    try:
        answer = json.loads(text)
        if status == 200:
            return str(answer["id_token"])
        error = str(answer["error"])
    except (ValueError, TypeError, KeyError, RecursionError):
        error = f"status {status}"
    raise SignOnRefused(
        "sso.exchange",
        "The identity provider did not exchange its code for an ID token: check client id, client"
        " secret and redirect URI.",
        error,
    )


def check(client: Client, request: Request, token: str, now: datetime) -> Identity:
    """The person in an ID token that the provider signed in answer to the request.

    OpenID Connect Core 1.0 §3.1.3.7. Raises SignOnRefused.
    """
    claims = _claims(client, token)
    moment = int(now.timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=moment,
        leeway=int(LEEWAY.total_seconds()),
        iss={"essential": True, "value": client.issuer},
        aud={"essential": True, "value": client.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": request.nonce},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except ExpiredTokenError:
        raise SignOnRefused(
            "sso.time", "The ID token has expired.", _moment(claims.get("exp"))
        ) from None
    except ClaimError as error:
        reason = _OF_CLAIM.get(error.claim, "sso.response")
        raise SignOnRefused(
            reason,
            f"The ID token's claim {error.claim} is not the expected one.",
            claims.get(error.claim, "absent"),
        ) from None
    except _UNREADABLE:
        raise SignOnRefused("sso.response", "A claim of the ID token cannot be read.") from None
    if claims.get("azp", client.client_id) != client.client_id:
        raise SignOnRefused(
            "sso.audience", "The ID token was issued for another application.", claims["azp"]
        )
    return _identity(client, claims)


def _claims(client: Client, token: str) -> dict[str, Any]:
    """The claims of a token with a good signature. Raises SignOnRefused."""
    if len(token) > MAX_TOKEN:
        raise SignOnRefused("sso.response", "The ID token is too long.")
    try:
        keys = KeySet.import_key_set({"keys": list(client.keys["keys"])})
        return dict(jwt.decode(token.encode(), keys, algorithms=list(ALGORITHMS)).claims)
    except BadSignatureError:
        detail = "The signature of the ID token is not one of the identity provider's keys'."
        raise SignOnRefused("sso.signature", detail) from None
    except JoseError as error:
        raise SignOnRefused(
            "sso.signature",
            "The ID token is not signed with a key and an algorithm that are accepted here.",
            error.error,
        ) from None
    except _UNREADABLE:
        raise SignOnRefused("sso.response", "The ID token cannot be read.") from None


def _identity(client: Client, claims: Mapping[str, Any]) -> Identity:
    """The person. Entra's `sub` differs between applications; `oid` and `tid` do not."""
    directory, object_id = claims.get("tid"), claims.get("oid")
    if isinstance(directory, str) and isinstance(object_id, str) and directory and object_id:
        subject = immutable_subject(directory, object_id, client.issuer)
    else:
        subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH:
        raise SignOnRefused("sso.subject", "The ID token names nobody by an immutable id.")
    authenticated = claims.get("auth_time")
    return Identity(
        kind=Kind.OIDC,
        issuer=client.issuer,
        subject=subject,
        name=str(claims.get("name", ""))[:SUBJECT_LENGTH],
        login=str(claims.get("preferred_username", ""))[:SUBJECT_LENGTH],
        authenticated_at=(
            datetime.fromtimestamp(authenticated, UTC) if isinstance(authenticated, int) else None
        ),
    )


def _moment(seconds: object) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if isinstance(seconds, int) else ""


def issuer_of(document_url: str) -> str:
    """The issuer whose document has that URL (OpenID Connect Discovery 1.0 §4.1).

    Raises SignOnRefused for a URL that is not one of such a document.
    """
    issuer = document_url.strip().removesuffix(WELL_KNOWN)
    if issuer == document_url.strip() or not issuer:
        raise SignOnRefused(
            "sso.metadata", f"The URL of an OpenID Connect metadata document ends in {WELL_KNOWN}."
        )
    return issuer


def read_document(text: str, issuer: str) -> dict[str, str]:
    """The endpoints in the issuer's document, by their names there. Raises SignOnRefused."""
    try:
        given = json.loads(text)
        found = {name: str(given[name]) for name in _ENDPOINTS}
        stated = given["issuer"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SignOnRefused(
            "sso.metadata", "The document is not one of an OpenID Connect provider."
        ) from None
    if stated != issuer:
        raise SignOnRefused(
            "sso.metadata",
            "The document is about another issuer than its URL. Use the one of your own directory,"
            " with the Directory (tenant) ID in its URL.",
            stated,
        )
    return found


def read_keys(text: str) -> dict[str, Any]:
    """The public keys that are good enough, as a JWK set. Raises SignOnRefused for none."""
    try:
        given = list(json.loads(text)["keys"])[:MOST_KEYS]
    except (ValueError, TypeError, KeyError, RecursionError):
        given = []
    keys = [key for each in given if (key := _usable(each)) is not None]
    if not keys:
        raise SignOnRefused("sso.metadata", "The document of keys has no key that is usable here.")
    return dict(KeySet(keys).as_dict(private=False))


def _usable(given: Any) -> Key | None:
    """The key; None for one that cannot be read, is weak, or is there for something else."""
    if not isinstance(given, dict):
        return None
    if given.get("use", "sig") != "sig" or given.get("kty") not in _KEY_TYPES:
        return None
    try:
        key: Any = _KEY_TYPES[given["kty"]].import_key(given)
    except (JoseError, ValueError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < LEAST_RSA_BITS:
        return None
    return key  # type: ignore[no-any-return]  # one of the two classes
