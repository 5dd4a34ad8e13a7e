"""The ends of credentials: kept in the registry, so that staff see all tenants', and warned of.

Each action on a credential calls `register` in its own transaction; `warn_of_expiry` calls it for
every tenant, so a missing row comes back automatically. A warning is marked in the
transaction that queues its messages, so each is sent once: of two commands at once one waits and then
finds it queued, and what cannot be sent is tried again by the worker (accounts.mailing).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from accounts import audit, mail
from accounts.audit import Actor, Details
from accounts.models import ClientSecret, IdentityProvider, SecretToken, not_ended
from accounts.permissions import MINT
from accounts.sso.identity import Kind as SignOn
from accounts.sso.saml import expiry_of
from accounts.tokens import SUPPORT
from tenants.current import in_tenant
from tenants.models import Expiry, Tenant

KEPT_AFTER: Final = timedelta(days=14)  # what has expired is shown for so long
DAYS: Final = (30, 14, 3, 1)  # before the end
_TEMPLATES: Final[dict[str, str]] = {
    Expiry.Kind.SAML: "certificate.txt",
    Expiry.Kind.OIDC: "sign_on_secret.txt",
}


def register(tenant: Tenant, now: datetime) -> None:
    """Bring the registry up to date with the credentials of `tenant`, which is the current one.

    Six statements. Needs a transaction in the tenant.
    """
    found = _expiries(tenant, now)
    Expiry.objects.filter(tenant=tenant).exclude(pk__in=found).delete()
    Expiry.objects.bulk_create(
        (found[key] for key in sorted(found)),
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name", "expires_at"],
    )


def _expiries(tenant: Tenant, now: datetime) -> dict[UUID, Expiry]:
    """The live credentials of a tenant that expire, by key."""
    since = now - KEPT_AFTER
    tokens = SecretToken.objects.filter(not_ended(since)).exclude(expires_at=None)
    secrets = ClientSecret.objects.filter(not_ended(since), client__revoked_at=None)
    found: list[tuple[Expiry.Kind, Model, datetime | None]] = [
        *((Expiry.Kind.TOKEN, token, token.expires_at) for token in tokens.defer("digest")),
        *(
            (Expiry.Kind.SECRET, secret, secret.expires_at)
            for secret in secrets.select_related("client").defer("digest")
        ),
        *(
            (Expiry.Kind.SAML, provider, _last_end(provider.document("certificates")))
            for provider in IdentityProvider.objects.filter(kind=SignOn.SAML, is_enabled=True)
        ),
        *(
            (Expiry.Kind.OIDC, provider, _begin(provider.secret_expires_on))
            for provider in IdentityProvider.objects.filter(kind=SignOn.OIDC, is_enabled=True)
        ),
    ]
    return {
        each.pk: Expiry(id=each.pk, tenant=tenant, kind=kind, name=str(each), expires_at=at)
        for kind, each, at in found
        if at is not None
    }


def _begin(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _last_end(certificates: Sequence[str]) -> datetime | None:
    """The end of the certificate that is good longest: providers announce the next one beside it."""
    return max(map(expiry_of, certificates), default=None)


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that was queued, to how many people."""

    expiry: Expiry
    messages: int


def warn(actor: Actor, tenants: Iterable[Tenant], now: datetime) -> Iterator[Warned]:
    """Queue the warnings that are due in those tenants, and yield each.

    Bring the registry up to date before. A few statements a tenant.
    """
    for tenant in tenants:
        with in_tenant(tenant):
            register(tenant, now)
            ending = Expiry.objects.filter(tenant=tenant, expires_at__gt=now)
            soon = list(ending.filter(expires_at__lte=now + timedelta(days=max(DAYS))))
        for expiry in soon:
            if due(expiry, now):
                yield from _warn(actor, tenant, expiry, now)


def due(expiry: Expiry, now: datetime) -> int | None:
    """Of how many days before the end it is time to warn, one of DAYS; None when that was done."""
    left = expiry.expires_at - now
    reached = [days for days in DAYS if timedelta(0) < left <= timedelta(days=days)]
    if not reached:
        return None
    is_warned = expiry.warned_for == expiry.expires_at and (expiry.warned_days or 0) <= min(reached)
    return None if is_warned else min(reached)


def _warn(actor: Actor, tenant: Tenant, expiry: Expiry, now: datetime) -> Iterator[Warned]:
    with in_tenant(tenant), transaction.atomic():
        locked = Expiry.objects.select_for_update().filter(pk=expiry.pk).first()
        days = due(locked, now) if locked else None
        if locked is None or days is None:
            return
        locked.warned_for, locked.warned_days = locked.expires_at, days
        locked.save(update_fields=["warned_for", "warned_days"])
        messages = _queue(tenant, locked, now)
        details: Details = {
            "expires": locked.expires_at.isoformat(timespec="seconds"),
            "messages": messages,
        }
        audit.record(actor, "expiry warning queued", locked.name, details)
    yield Warned(locked, messages)


def _queue(tenant: Tenant, expiry: Expiry, now: datetime) -> int:
    """Have the tenant's admins and staff told; the number of messages."""
    values: dict[str, mail.Value] = {
        "kind": expiry.get_kind_display(),
        "name": expiry.name,
        "expires": f"{expiry.expires_at:%Y-%m-%d} at {expiry.expires_at:%H:%M} UTC",
        "days": max((expiry.expires_at - now).days, 1),
        "support": SUPPORT,
    }
    notice = mail.Notice(_TEMPLATES.get(expiry.kind, "expiry.txt"), tenant, values, expiry.screen)
    return mail.queue(notice, [*mail.tenant_admins(tenant), *mail.staff_who_may(MINT)], now)
