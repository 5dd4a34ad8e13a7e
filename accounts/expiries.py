"""Keeps in the registry when a tenant's credentials end, so that staff see all tenants' in one query.

Each act on a credential calls `register` in its own transaction; `warn_of_expiry` calls it for every
tenant, so what went missing comes back by itself.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.models import ClientSecret, SecretToken, not_ended
from tenants.models import Expiry, Tenant

KEPT_AFTER: Final = timedelta(days=14)  # what has expired is shown for so long


def register(tenant: Tenant, now: datetime) -> None:
    """Bring the registry up to date with the credentials of `tenant`, which is the current one.

    Four statements. Needs a transaction in the tenant.
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
    found = [
        *((Expiry.Kind.TOKEN, token, token.expires_at) for token in tokens.defer("digest")),
        *(
            (Expiry.Kind.SECRET, secret, secret.expires_at)
            for secret in secrets.select_related("client").defer("digest")
        ),
    ]
    return {
        each.pk: Expiry(id=each.pk, tenant=tenant, kind=kind, name=str(each), expires_at=at)
        for kind, each, at in found
        if at is not None
    }
