"""Actions on a tenant's secret tokens: mint, revoke, restrict, move to another admin account."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import models

from accounts import approvals, expiries, tokens
from accounts.actions import allowed_addresses
from accounts.actions.accounts import get_admin
from accounts.actions.allowed_addresses import ANYWHERE, RESTRICT, AllowedFrom
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor, Details
from accounts.models import LABEL_LENGTH, REASON_LENGTH, SecretToken, not_ended
from accounts.permissions import MINT, MINT_ENDLESS
from accounts.tokens import PUBLIC_ID_LENGTH
from tenants import clock
from tenants.errors import about
from tenants.models import Tenant

REVOKE: Final = "accounts.revoke_secrettoken"
MOVE: Final = "accounts.move_secrettoken"
# The choices of the form; a command takes any number of days up to the most.
EXPIRY_DAYS: Final = {90: "90 days", 180: "180 days", 365: "1 year", 730: "2 years"}
MOST_DAYS: Final = 730
_MOST_LIVE: Final = 100  # tokens in use that a new list is compared with


class Overlap(models.TextChoices):
    """The time for which replaced tokens go on working beside the new one."""

    NONE = "now", "Not at all: they are revoked now"
    DAY = "24h", "24 hours"
    WEEK = "7d", "7 days"


_OVERLAPS: Final = {Overlap.DAY: timedelta(hours=24), Overlap.WEEK: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token to be minted."""

    label: str
    issued_for: str | UUID  # an active tenant admin's e-mail address or account id
    days: int | None  # until it expires, 1 to MOST_DAYS; None: never, for the reason given
    no_expiry_reason: str = ""
    # Public ids or ids of the live tokens that end for it; all others stay as they are.
    replaces: tuple[str | UUID, ...] = ()
    overlap: Overlap = Overlap.WEEK
    allowed_from: AllowedFrom = ANYWHERE


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token with its value, which exists nowhere else and is shown once."""

    token: SecretToken
    value: str = field(repr=False)
    replaced: tuple[SecretToken, ...] = ()

    @property
    def label(self) -> str:
        """The token's."""
        return self.token.label

    @property
    def public_id(self) -> str:
        """The token's."""
        return self.token.public_id


def mint_token(actor: Actor, tenant: Tenant, request: TokenRequest) -> Minted:
    """A new token of the tenant, issued for one of its active admins. Raises ActionRefused."""
    with performing(actor, MINT, tenant):
        if approvals.are_required():
            raise ActionRefused(
                "token.needs-approval",
                "A second person has to approve credentials here: request the secret token.",
            )
        return mint(actor, tenant, request)


def mint(actor: Actor, tenant: Tenant, request: TokenRequest) -> Minted:
    """A new token for an actor who may have one. Needs the frame of an action. Raises ActionRefused."""
    if request.days is None and not actor.may(MINT_ENDLESS, tenant):
        with about("days"):
            raise ActionRefused(
                "token.endless",
                "A support lead generates tokens that never expire: choose an expiry, or ask one.",
            )
    now = clock.now()
    account = get_admin(tenant, request.issued_for, "a secret token")
    value = tokens.generate()
    digest = tokens.digest(tenant.id, value)
    token = SecretToken(
        public_id=tokens.public_id(digest),
        digest=digest,
        label=one_line(request.label, "The label", LABEL_LENGTH, "label"),
        issued_for=account,
        created_at=now,
        created_by=actor.name,
        expires_at=_expiry(request, now),
        no_expiry_reason=_no_expiry_reason(request),
    )
    allowed = _allow(request, token, now)
    replaced = _end_replaced(actor, tenant, request, now)
    token.save(force_insert=True)
    details: Details = {
        "issued_for": account.email,
        "expires": _second(token.expires_at) if token.expires_at else None,
        "no_expiry_reason": token.no_expiry_reason,
        "replaces": [str(other) for other in replaced],
        **allowed,
    }
    note(actor, tenant, "secret token minted", str(token), details)
    expiries.register(tenant, now)
    return Minted(token, value, tuple(replaced))


def revoke_token(actor: Actor, tenant: Tenant, token: str | UUID) -> SecretToken:
    """The token, revoked from the next request on; the first revocation of it counts.

    `token` is a public id or an id. Raises ActionRefused.
    """
    with performing(actor, REVOKE, tenant):
        found = _get_token(tenant, token)
        if found.revoked_at is None:
            _revoke(actor, tenant, found, clock.now())
            expiries.register(tenant, clock.now())
    return found


def move_token(actor: Actor, tenant: Tenant, token: str | UUID, account: str | UUID) -> SecretToken:
    """The token, its value unchanged, issued for another active admin. Raises ActionRefused.

    `token` is a public id or an id, `account` an e-mail address or an id.
    """
    with performing(actor, MOVE, tenant):
        found = _get_token(tenant, token)
        former = found.issued_for
        found.issued_for = get_admin(tenant, account, "a secret token")
        found.save(update_fields=["issued_for"])
        details = {"from": former.email, "to": found.issued_for.email}
        note(actor, tenant, "secret token moved", str(found), details)
    return found


def restrict_token(
    actor: Actor, tenant: Tenant, token: str | UUID, allowed_from: AllowedFrom
) -> SecretToken:
    """The token, accepted only from those addresses from the next request on. Raises ActionRefused.

    `token` is a public id or an id.
    """
    with performing(actor, RESTRICT, tenant):
        found = _get_token(tenant, token)
        details = allowed_addresses.restrict(allowed_from, found)
        note(actor, tenant, "secret token's addresses changed", str(found), details)
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
        raise ActionRefused("action.not-found", f"{tenant} has no secret token {token}.")
    return found


def _expiry(request: TokenRequest, now: datetime) -> datetime | None:
    if request.days is None:
        return None
    if not 1 <= request.days <= MOST_DAYS:
        with about("days"):
            raise ActionRefused(
                "action.range", f"A secret token expires after 1 to {MOST_DAYS} days."
            )
    return now + timedelta(days=request.days)


def _no_expiry_reason(request: TokenRequest) -> str:
    if request.days is None:
        what = "The reason why the token never expires"
        return one_line(request.no_expiry_reason, what, REASON_LENGTH, "no_expiry_reason")
    return ""


def _allow(request: TokenRequest, token: SecretToken, now: datetime) -> Details:
    """Set the addresses of a new token; what the audit log tells of them. Raises ActionRefused.

    The clients that the list is compared with are those of the tokens that end, else of all.
    """
    if request.allowed_from == ANYWHERE:
        return {}
    live = SecretToken.objects.filter(
        not_ended(now), last_used_at__gt=now - allowed_addresses.IN_USE
    )
    if request.replaces:
        ids, names = _by_id_and_name(request.replaces)
        live = live.filter(models.Q(id__in=ids) | models.Q(public_id__in=names))
    return allowed_addresses.apply(request.allowed_from, token, live.defer("digest")[:_MOST_LIVE])


def _end_replaced(
    actor: Actor, tenant: Tenant, request: TokenRequest, now: datetime
) -> list[SecretToken]:
    """The tokens that the request names, which end after the overlap. Raises ActionRefused."""
    with about("replaces"):
        replaced = _get_live(tenant, request.replaces, now)
    for token in replaced:
        if request.overlap is Overlap.NONE:
            _revoke(actor, tenant, token, now)
        else:
            _expire(actor, tenant, token, now + _OVERLAPS[request.overlap])
    return replaced


def _get_live(tenant: Tenant, named: Collection[str | UUID], now: datetime) -> list[SecretToken]:
    """The live tokens with those public ids or ids, locked in one order. Raises ActionRefused."""
    ids, names = _by_id_and_name(named)
    chosen = models.Q(id__in=ids) | models.Q(public_id__in=names)
    found = list(
        SecretToken.objects.select_related("issued_for")
        .select_for_update(of=("self",), no_key=True)
        .filter(chosen)
        .order_by("id")
    )
    known = {key for token in found for key in (token.id, token.public_id)}
    for key in [*ids, *names]:
        if key not in known:
            raise ActionRefused("action.not-found", f"{tenant} has no secret token {key}.")
    for token in found:
        if token.standing.has_ended(now):
            raise ActionRefused("action.too-late", f"The secret token {token} has ended already.")
    return found


def _by_id_and_name(named: Collection[str | UUID]) -> tuple[set[UUID], set[str]]:
    ids = {each for each in named if isinstance(each, UUID)}
    return ids, {each.strip().lower() for each in named if isinstance(each, str)}


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
