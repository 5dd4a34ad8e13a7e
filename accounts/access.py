"""Access tokens: what an OAuth client sends to the SCIM endpoints (RFC 6749 §1.4, RFC 6750).

Opaque, shaped like a secret token with a prefix of its own, stored as its digest. A token holds no
data, so the present state of client, secret and account counts on each request.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from accounts import tokens
from accounts.tokens import SUPPORT, Kind, Reason, Scope, Sent, Standing, Verified

PREFIX: Final = "mypscim_access_"
KIND: Final = "access-token"  # in the ids of refusals

# The hot statement: token, client, secret and account in one look-up by a unique index, as
# accounts.tokens has it. Columns: client and account, scope, secret, networks, Standing.
_FIND: Final = """
    SELECT client.id, client.label, account.id, account.email, token.scope,
           secret.id, secret.public_id, client.allowed_networks || ' ' || client.preset_networks,
           COALESCE(client.revoked_at, secret.revoked_at), token.expires_at,
           account.role, account.is_active
      FROM accounts_accesstoken token
      JOIN accounts_oauthclient client ON client.id = token.client_id
      JOIN accounts_account account ON account.id = client.issued_for_id
      LEFT JOIN accounts_clientsecret secret ON secret.id = token.secret_id
     WHERE token.digest = %s
"""


def generate() -> str:
    """A new access token's value."""
    return tokens.generate(PREFIX)


def is_access_token(value: str) -> bool:
    """True if the value claims to be an access token and not a secret token."""
    return value.startswith(PREFIX)


def _read(row: tuple[Any, ...]) -> tuple[Verified, Standing]:
    client_id, label, account_id, email, scope, secret_id, secret_public_id, networks, *facts = row
    token = Verified(
        token_id=client_id,
        public_id=client_id.hex[: tokens.PUBLIC_ID_LENGTH],
        label=label,
        account_id=account_id,
        account_email=email,
        scopes=covered(read_scopes(scope)),
        is_client=True,
        secret_id=secret_id,
        secret_public_id=secret_public_id,
        allowed_networks=networks.strip(),
    )
    return token, Standing(*facts)


def read_scopes(text: str) -> frozenset[Scope]:
    """The scopes in a list that blanks separate (RFC 6749 §3.3). Raises ValueError."""
    return frozenset(map(Scope, text.split()))


def covered(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes with those that they stand for."""
    return scopes | tokens.ALL_SCOPES if Scope.FULL in scopes else scopes


def to_scope(scopes: frozenset[Scope]) -> str:
    """The scopes as the text that `read_scopes` reads."""
    return " ".join(sorted(scopes))


_CLIENT: Final = "OAuth client {token.label} ({token.public_id})"
_AGAIN: Final = "Request another one from the token endpoint."
_DETAILS: Final = {
    Reason.MALFORMED: f"The access token is incomplete or mistyped. {_AGAIN}",
    Reason.UNKNOWN: f"The access token is not known to this tenant. {_AGAIN}",
    Reason.REVOKED: (
        f"The access token ended because the {_CLIENT}, or the client secret that it was"
        f" requested with, was revoked. Ask {SUPPORT} for a new client secret."
    ),
    Reason.EXPIRED: (
        f"The access token of the {_CLIENT} expired at "
        f"{{standing.expires_at:%Y-%m-%d %H:%M}} UTC. {_AGAIN}"
    ),
    Reason.NOT_ADMIN: (
        f"The myPolicies account that the {_CLIENT} was issued for is no longer an active "
        "admin: ensure that the myPolicies account has Admin permissions."
    ),
    Reason.ADDRESS: (
        f"The access token of the {_CLIENT} is not accepted from the address {{address}}. If the request"
        f" is from your provisioning service, ask {SUPPORT} to add this address to the client's allowed"
        " addresses."
    ),
}
ACCESS: Final = Kind(KIND, PREFIX, _FIND, _read, _DETAILS)


def verify(tenant_id: UUID, value: str, now: datetime, address: str | None = None) -> Verified:
    """The client with that access token, as Kind.verify finds it."""
    return ACCESS.verify(tenant_id, Sent(value, address), now)
