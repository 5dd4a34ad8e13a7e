"""Secret tokens: their shape, and how one is checked.

The only module that knows what a token looks like:

    mypscim_ <43 base62: 256 random bits> <6 base62: CRC-32 of all before>

Client secrets and access tokens (accounts.oauth, accounts.access) have the same shape behind longer
prefixes; since "_" is no base62 digit, none of the three can be taken for another.

The prefix lets secret scanners find a leaked token; the checksum tells a mistyped or cut-off one
without a query. Stored is SHA-256(tenant id || value): 256 random bits need neither salt nor a slow
hash, and the tenant in front makes another tenant's token unknown even if the tables were mixed up.
A token is found by its digest, so nothing is ever compared with a secret byte by byte.
"""

import secrets
import string
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts import addresses
from accounts.permissions import Role
from tenants.backend.base import execute
from tenants.backend.statements import Hot, Rows

PREFIX: Final = "mypscim_"
KIND: Final = "token"  # in the ids of refusals
BODY_LENGTH: Final = 43  # 62 ** 43 > 2 ** 256
CHECKSUM_LENGTH: Final = 6  # 62 ** 6 > 2 ** 32
PUBLIC_ID_LENGTH: Final = 8
USER_AGENT_LENGTH: Final = 200
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE: Final = len(ALPHABET)  # of the checksum's digits

SUPPORT: Final = "support@mypolicies.com"

# The hot statement: token and account in one look-up by a unique index, written once
# (docs/performance.md: the ORM costs ten times the query). Columns: Verified, the addresses, Standing.
_FIND: Final = """
    SELECT token.id, token.public_id, token.label, account.id, account.email,
           token.allowed_networks || ' ' || token.preset_networks,
           token.revoked_at, token.expires_at, account.role, account.is_active
      FROM accounts_secrettoken token
      JOIN accounts_account account ON account.id = token.issued_for_id
     WHERE token.digest = %s
"""


class Scope(StrEnum):
    """The scope of a token (RFC 6749 §3.3)."""

    READ = "scim.read"
    WRITE = "scim.write"
    FULL = "scim"  # both; the one name that the IPSIE profile of OpenID has


ALL_SCOPES: Final = frozenset({Scope.READ, Scope.WRITE})


@dataclass(frozen=True, slots=True)
class Verified:
    """A token of the tenant, and the account that answers for it; good now, unless it is refused.

    Of an access token, id, public id and label are its client's: the token lives for an hour.
    """

    token_id: UUID
    public_id: str
    label: str
    account_id: UUID
    account_email: str
    scopes: frozenset[Scope] = ALL_SCOPES
    is_client: bool = False
    # Of the client secret that an access token was obtained with; None: with a key.
    secret_id: UUID | None = None
    secret_public_id: str | None = None
    # The networks from which it may be used (accounts.addresses); blank: anywhere.
    allowed_networks: str = ""


class Reason(Enum):
    """The reason to refuse a token. NOT_ADMIN and ADDRESS concern permission (403), the others identity."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_ADMIN = "account is no active admin"
    ADDRESS = "address is not allowed"

    @property
    def is_forbidden(self) -> bool:
        """True if the token is known and something else than the token stands in its way."""
        return self in {Reason.NOT_ADMIN, Reason.ADDRESS}

    def of(self, kind: str) -> str:
        """The id of the refusal for that reason in the catalogue (accounts.refusals)."""
        return f"{kind}.{self.name.lower().replace('_', '-')}"


class TokenRefused(Exception):
    """A token may not be used; `detail` tells an IT administrator why and what to do.

    `kind` is what the token is: `token` or `access-token`. `refused` is the tenant's token that it is,
    None for one that is not known.
    """

    def __init__(
        self, kind: str, reason: Reason, detail: str, refused: Verified | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.id = reason.of(kind)  # in the catalogue of refusals
        self.detail = detail
        self.refused = refused


class Standing(NamedTuple):
    """The facts that decide whether a stored credential may be used; the one place that decides it.

    `accounts.models.not_ended` asks PostgreSQL the same as has_ended; a test holds the two together.
    """

    revoked_at: datetime | None
    expires_at: datetime | None
    account_role: str
    account_is_active: bool

    def why_refused(self, now: datetime) -> Reason | None:
        """The reason to refuse the credential at that moment; None when it may be used."""
        if self.revoked_at is not None:
            return Reason.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return Reason.EXPIRED
        if self.account_role != Role.ADMIN or not self.account_is_active:
            return Reason.NOT_ADMIN
        return None

    def has_ended(self, now: datetime) -> bool:
        """True if it was revoked or has expired, after which nothing makes it good again."""
        return self.why_refused(now) in {Reason.REVOKED, Reason.EXPIRED}


def generate(prefix: str = PREFIX) -> str:
    """A new token value from the system's random source."""
    unsigned = prefix + "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))
    return unsigned + _checksum(unsigned)


def is_well_formed(value: str, prefix: str = PREFIX) -> bool:
    """True if the value has the prefix and a token's length, letters and checksum."""
    unsigned, checksum = value[:-CHECKSUM_LENGTH], value[-CHECKSUM_LENGTH:]
    return (
        len(value) == len(prefix) + BODY_LENGTH + CHECKSUM_LENGTH
        and value.startswith(prefix)
        and value.isascii()
        and value[len(prefix) :].isalnum()
        and checksum == _checksum(unsigned)
    )


def _checksum(unsigned: str) -> str:
    number = zlib.crc32(unsigned.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        digits = ALPHABET[number % _BASE] + digits
        number //= _BASE
    return digits


def digest(tenant_id: UUID, value: str) -> bytes:
    """The digest stored for a well-formed value: SHA-256 bound to the tenant, 32 bytes."""
    return sha256(tenant_id.bytes + value.encode("ascii")).digest()


def public_id(token_digest: bytes) -> str:
    """Eight hexadecimal characters that name a token in logs and lists without giving it away."""
    return token_digest.hex()[:PUBLIC_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Sent:
    """A token as a request brings it, and the address that the request comes from, if it has one."""

    value: str = field(repr=False)
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of token: its shape, its look-up, and the words of its refusals.

    A detail is a format of `token`, a Verified, `standing`, and the client's `address`.
    """

    name: str
    prefix: str
    find: str  # by the digest
    read: Callable[[tuple[Any, ...]], tuple[Verified, Standing]]
    details: Mapping[Reason, str]

    def look_up(self, tenant_id: UUID, value: str) -> Hot | None:
        """The statement that finds the token with that value in its tenant; None if it is malformed."""
        if not is_well_formed(value, self.prefix):
            return None
        return Hot(self.find, [digest(tenant_id, value)])

    def verify(
        self, tenant_id: UUID, sent: Sent, now: datetime, rows: Rows | None = None
    ) -> Verified:
        """The token with that value in the current tenant: one statement, none if malformed.

        `tenant_id` must be the current tenant's. `rows` are those of the look-up, if it was executed
        in this transaction already. Needs a transaction in the tenant. Raises TokenRefused.

        From an address that is not the token's, nothing else is said of it, such as that it has ended.
        """
        if rows is None:
            look_up = self.look_up(tenant_id, sent.value)
            if look_up is None:
                raise self._refusal(Reason.MALFORMED)
            rows = execute(*look_up)
        if not rows:
            raise self._refusal(Reason.UNKNOWN)
        token, standing = self.read(rows[0])
        if not addresses.allows(token.allowed_networks, sent.address):
            address = sent.address or "that is not known"
            raise self._refusal(Reason.ADDRESS, token=token, address=address)
        reason = standing.why_refused(now)
        if reason is not None:
            raise self._refusal(reason, token=token, standing=standing)
        return token

    def _refusal(self, reason: Reason, **facts: Any) -> TokenRefused:
        detail = self.details[reason].format(**facts)
        return TokenRefused(self.name, reason, detail, facts.get("token"))


# Each sentence says what to do next: Entra shows it to the customer's administrator as it is.
_NEW_TOKEN: Final = (
    f"Ask {SUPPORT} for a new one and enter it as Secret Token in the provisioning settings."
)
_DETAILS: Final = {
    Reason.MALFORMED: (
        "The secret token is not a myPolicies secret token: it is incomplete or mistyped. "
        f"Check that you copied all of it; if it is lost, ask {SUPPORT} for a new one."
    ),
    Reason.UNKNOWN: (
        "The secret token is not known to this tenant: check that you copied all of it and that "
        f"it belongs to this Tenant URL. If it is lost, ask {SUPPORT} for a new one."
    ),
    Reason.REVOKED: "The secret token {token.public_id} was revoked on {standing.revoked_at:%Y-%m-%d} (UTC). "
    + _NEW_TOKEN,
    Reason.EXPIRED: "The secret token {token.public_id} expired on {standing.expires_at:%Y-%m-%d} (UTC). "
    + _NEW_TOKEN,
    Reason.NOT_ADMIN: (
        "The myPolicies account that the secret token {token.public_id} was issued for is no longer an active "
        "admin: ensure that the myPolicies account has Admin permissions, or ask "
        f"{SUPPORT} to move the token to another admin account."
    ),
    Reason.ADDRESS: (
        "The secret token is not accepted from the address {address}. If the request is from your "
        f"provisioning service, ask {SUPPORT} to add this address to the token's allowed addresses."
    ),
}


def _read(row: tuple[Any, ...]) -> tuple[Verified, Standing]:
    token_id, name, label, account_id, email, networks, *facts = row
    token = Verified(token_id, name, label, account_id, email, allowed_networks=networks.strip())
    return token, Standing(*facts)


SECRET: Final = Kind(KIND, PREFIX, _FIND, _read, _DETAILS)


def verify(tenant_id: UUID, value: str, now: datetime, address: str | None = None) -> Verified:
    """The secret token with that value, as Kind.verify finds it."""
    return SECRET.verify(tenant_id, Sent(value, address), now)
