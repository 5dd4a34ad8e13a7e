"""Acts on a tenant's secret tokens: mint, revoke, move to another admin account."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import models

from accounts import expiries, tokens
from accounts.actions.accounts import get_admin
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor
from accounts.models import LABEL_LENGTH, REASON_LENGTH, SecretToken
from accounts.tokens import PUBLIC_ID_LENGTH
from tenants import clock
from tenants.models import Tenant

# What the form offers; a command takes any number of days up to the most.
EXPIRY_DAYS: Final = {90: "90 days", 180: "180 days", 365: "1 year", 730: "2 years"}
MOST_DAYS: Final = 730


class ExistingTokens(models.TextChoices):
    """What happens to a tenant's live tokens when a new one is minted."""

    KEEP = "keep", "Keep them"
    REVOKE_NOW = "revoke", "Revoke them now"
    EXPIRE_IN_24_HOURS = "24h", "Let them expire in 24 hours"
    EXPIRE_IN_7_DAYS = "7d", "Let them expire in 7 days"


_OVERLAP: Final = {
    ExistingTokens.EXPIRE_IN_24_HOURS: timedelta(hours=24),
    ExistingTokens.EXPIRE_IN_7_DAYS: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token to be minted."""

    label: str
    issued_for: str | UUID  # an active tenant admin's e-mail address or account id
    days: int | None  # until it expires, 1 to MOST_DAYS; None: never, for the reason given
    no_expiry_reason: str = ""
    existing: ExistingTokens = ExistingTokens.KEEP


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token with its value, which exists nowhere else and is shown once."""

    token: SecretToken
    value: str = field(repr=False)


def mint_token(actor: Actor, tenant: Tenant, request: TokenRequest) -> Minted:
    """A new token of the tenant, issued for one of its active admins. Raises ActionRefused."""
    with performing(actor, "accounts.add_secrettoken", tenant):
        now = clock.now()
        account = get_admin(tenant, request.issued_for, "a secret token")
        value = tokens.generate()
        digest = tokens.digest(tenant.id, value)
        token = SecretToken(
            public_id=tokens.public_id(digest),
            digest=digest,
            label=one_line(request.label, "The label", LABEL_LENGTH),
            issued_for=account,
            created_at=now,
            created_by=actor.name,
            expires_at=_expiry(request, now),
            no_expiry_reason=_no_expiry_reason(request),
        )
        _end_existing(actor, tenant, request.existing, now)
        token.save(force_insert=True)
        details = {
            "issued_for": account.email,
            "expires": _second(token.expires_at) if token.expires_at else None,
            "no_expiry_reason": token.no_expiry_reason,
        }
        note(actor, tenant, "secret token minted", str(token), details)
        expiries.register(tenant, now)
    return Minted(token, value)


def revoke_token(actor: Actor, tenant: Tenant, token: str | UUID) -> SecretToken:
    """The token, revoked from the next request on; the first revocation of it counts.

    `token` is a public id or an id. Raises ActionRefused.
    """
    with performing(actor, "accounts.revoke_secrettoken", tenant):
        found = _get_token(tenant, token)
        if found.revoked_at is None:
            _revoke(actor, tenant, found, clock.now())
            expiries.register(tenant, clock.now())
    return found


def move_token(actor: Actor, tenant: Tenant, token: str | UUID, account: str | UUID) -> SecretToken:
    """The token, its value unchanged, issued for another active admin. Raises ActionRefused.

    `token` is a public id or an id, `account` an e-mail address or an id.
    """
    with performing(actor, "accounts.move_secrettoken", tenant):
        found = _get_token(tenant, token)
        former = found.issued_for
        found.issued_for = get_admin(tenant, account, "a secret token")
        found.save(update_fields=["issued_for"])
        details = {"from": former.email, "to": found.issued_for.email}
        note(actor, tenant, "secret token moved", str(found), details)
    return found


def _get_token(tenant: Tenant, token: str | UUID) -> SecretToken:
    """The token, locked, so that of two who revoke it one finds it revoked."""
    candidates = SecretToken.objects.select_for_update(no_key=True)
    if isinstance(token, str):
        name = one_line(token, "The token's id", PUBLIC_ID_LENGTH)
        found = candidates.filter(public_id=name.lower()).first()
    else:
        found = candidates.filter(id=token).first()
    if found is None:
        raise ActionRefused(f"{tenant} has no secret token {token}.")
    return found


def _expiry(request: TokenRequest, now: datetime) -> datetime | None:
    if request.days is None:
        return None
    if not 1 <= request.days <= MOST_DAYS:
        raise ActionRefused(f"A secret token expires after 1 to {MOST_DAYS} days.")
    return now + timedelta(days=request.days)


def _no_expiry_reason(request: TokenRequest) -> str:
    if request.days is None:
        return one_line(
            request.no_expiry_reason, "The reason why the token never expires", REASON_LENGTH
        )
    return ""


def _end_existing(actor: Actor, tenant: Tenant, existing: ExistingTokens, now: datetime) -> None:
    if existing is ExistingTokens.KEEP:
        return
    live = SecretToken.objects.select_for_update(no_key=True).filter(
        models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now), revoked_at__isnull=True
    )
    for token in live.order_by("id"):
        if existing is ExistingTokens.REVOKE_NOW:
            _revoke(actor, tenant, token, now)
        else:
            _expire(actor, tenant, token, now + _OVERLAP[existing])


def _revoke(actor: Actor, tenant: Tenant, token: SecretToken, now: datetime) -> None:
    token.revoked_at, token.revoked_by = now, actor.name
    token.save(update_fields=["revoked_at", "revoked_by"])
    note(actor, tenant, "secret token revoked", str(token), {})


def _expire(actor: Actor, tenant: Tenant, token: SecretToken, at: datetime) -> None:
    if token.expires_at is not None and token.expires_at <= at:
        return
    token.expires_at = at
    token.save(update_fields=["expires_at"])
    details = {"expires": _second(at)}
    note(actor, tenant, "secret token set to expire", str(token), details)


def _second(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
