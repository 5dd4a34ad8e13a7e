"""The client credentials grant (RFC 6749 §4.4): who asks, and the access token that is the answer.

One function for each way in which a client proves itself, and one that issues. Written by hand on
rows of the tenant's schema: why no framework, decision 0009 tells.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts import access, addresses, assertions, tokens, uses
from accounts.models import AccessToken, ClientSecret, OAuthClient
from accounts.tokens import SUPPORT, Reason, Scope, Standing, Verified
from accounts.uses import Use
from tenants.current import current_tenant

SECRET_PREFIX: Final = "mypscim_secret_"  # noqa: S105  # every secret begins with it
KIND: Final = "client"  # in the ids of refusals
ADDRESS: Final = Reason.ADDRESS.of(KIND)
# Expired access tokens are told apart from unknown ones for this long.
REMEMBERED: Final = timedelta(days=7)


class ErrorCode(StrEnum):
    """The words of RFC 6749 §5.2."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"


class GrantRefused(Exception):
    """No access token; `detail` says why and what to do, in printable ASCII (RFC 6749 §5.2).

    `reason` is the id of its row in the catalogue (accounts.refusals). `refused` is the client of the tenant that has proven who it is and may not have one.
    """

    def __init__(
        self, code: ErrorCode, reason: str, detail: str, refused: Verified | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.reason = reason
        self.detail = detail
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Proven:
    """A client that has proven who it is and may have an access token."""

    client: OAuthClient
    secret: ClientSecret | None = None  # None: it signed an assertion
    address: str | None = None  # that the request comes from

    @property
    def verified(self) -> Verified:
        """The client as the provisioning log knows it."""
        account = self.client.issued_for
        return Verified(
            token_id=self.client.id,
            public_id=self.client.public_id,
            label=self.client.label,
            account_id=account.id,
            account_email=account.email,
            is_client=True,
            secret_id=self.secret.id if self.secret else None,
            secret_public_id=self.secret.public_id if self.secret else None,
            allowed_networks=self.client.networks,
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access token; the value exists nowhere else."""

    value: str = field(repr=False)
    scope: str
    seconds: int


def by_secret(
    tenant_id: UUID, client_id: str, value: str, now: datetime, address: str | None = None
) -> Proven:
    """The client with that id and secret: one statement, none if malformed. Raises GrantRefused.

    `tenant_id` must be the current tenant's. Needs a transaction in the tenant.
    """
    if not tokens.is_well_formed(value, SECRET_PREFIX):
        raise GrantRefused(ErrorCode.INVALID_CLIENT, Reason.MALFORMED.of(KIND), _MALFORMED_SECRET)
    rows = ClientSecret.objects.select_related("client__issued_for").defer("digest")
    secret = rows.filter(digest=tokens.digest(tenant_id, value)).first()
    if secret is None or str(secret.client_id) != client_id.strip().lower():
        raise GrantRefused(ErrorCode.INVALID_CLIENT, Reason.UNKNOWN.of(KIND), _UNKNOWN_SECRET)
    proven = Proven(secret.client, secret, address)
    _check(proven, secret.standing, f"client secret {secret.public_id}", now)
    return proven


def by_assertion(
    client_id: str | None,
    assertion: str,
    audiences: frozenset[str],
    now: datetime,
    address: str | None = None,
) -> Proven:
    """The client that signed the assertion (RFC 7523 §2.2), which is then spent.

    `client_id` is what else the request says (RFC 7521 §4.2). Needs a transaction in the tenant.
    Raises GrantRefused.
    """
    try:
        claimed = assertions.claimed_client(assertion)
        client = OAuthClient.objects.select_related("issued_for").filter(id=claimed).first()
        if client is None or client_id not in {None, str(claimed)}:
            raise GrantRefused(ErrorCode.INVALID_CLIENT, Reason.UNKNOWN.of(KIND), _UNKNOWN_CLIENT)
        claims = assertions.check(assertion, client.public_keys, audiences, now)
    except assertions.AssertionRefused as refusal:
        raise GrantRefused(ErrorCode.INVALID_CLIENT, "assertion.refused", str(refusal)) from None
    proven = Proven(client, address=address)
    _check(proven, client.standing, f"OAuth client {client.public_id}", now)
    if not assertions.spend(client.id, claims, now):
        raise GrantRefused(
            ErrorCode.INVALID_CLIENT, "assertion.used", "The client assertion has been used before."
        )
    return proven


def read_scopes(asked: str | None) -> frozenset[Scope]:
    """The scopes asked for, all when none is named (RFC 6749 §3.3). Raises GrantRefused."""
    try:
        return access.read_scopes(asked or access.to_scope(tokens.ALL_SCOPES))
    except ValueError:
        known = access.to_scope(frozenset(tokens.Scope))
        raise GrantRefused(
            ErrorCode.INVALID_SCOPE, "oauth.scope", f"The scopes are: {known}."
        ) from None


def issue(tenant_id: UUID, proven: Proven, scopes: frozenset[Scope], now: datetime) -> Issued:
    """A new access token for the client; those that expired long ago are removed.

    `tenant_id` must be the current tenant's. Needs a transaction in the tenant.
    """
    AccessToken.objects.filter(expires_at__lt=now - REMEMBERED).delete()
    lifetime = timedelta(minutes=settings.ACCESS_TOKEN_MINUTES)
    value, scope = access.generate(), access.to_scope(scopes)
    AccessToken.objects.create(
        digest=tokens.digest(tenant_id, value),
        client=proven.client,
        secret=proven.secret,
        scope=scope,
        created_at=now,
        expires_at=now + lifetime,
    )
    secret_id = proven.secret.id if proven.secret else None
    use = Use(now, proven.address)
    uses.note(current_tenant(), uses.of_client(proven.client.id, secret_id), use)
    return Issued(value, scope, int(lifetime.total_seconds()))


def _check(proven: Proven, standing: Standing, name: str, now: datetime) -> None:
    """Raise GrantRefused unless the credential of that standing may be used from where it is.

    From an address that is not the client's, nothing else is said of it, such as that it has ended.
    """
    if not addresses.allows(proven.client.networks, proven.address):
        detail = (
            f"The OAuth client {proven.client.public_id} gets no access token at the address"
            f" {proven.address or 'that is not known'}. If the request is from your provisioning service,"
            f" ask {SUPPORT} to add this address to the client's allowed addresses."
        )
        raise GrantRefused(ErrorCode.UNAUTHORIZED_CLIENT, ADDRESS, detail, proven.verified)
    match standing.why_refused(now):
        case None:
            return
        case Reason.NOT_ADMIN:
            detail = (
                f"The myPolicies account that the {name} was issued for is no longer an active"
                " admin: ensure that the myPolicies account has Admin permissions."
            )
            raise GrantRefused(
                ErrorCode.UNAUTHORIZED_CLIENT, Reason.NOT_ADMIN.of(KIND), detail, proven.verified
            )
        case reason:
            moment = standing.revoked_at or standing.expires_at
            day = f"{moment.astimezone(UTC):%Y-%m-%d}" if moment else ""
            detail = f"The {name} is {reason.value} since {day}. Ask {SUPPORT} for a new one."
            raise GrantRefused(ErrorCode.INVALID_CLIENT, reason.of(KIND), detail, proven.verified)


_MALFORMED_SECRET: Final = (
    "The client secret is not a myPolicies client secret: it is incomplete or mistyped. "
    f"Check that you copied all of it; if it is lost, ask {SUPPORT} for a new one."
)
_UNKNOWN_SECRET: Final = (
    "Client id and client secret are not known together to this tenant: check that both were "
    f"copied completely and belong to this Tenant URL. If they are lost, ask {SUPPORT} for new ones."
)
_UNKNOWN_CLIENT: Final = "The OAuth client is not known to this tenant."
