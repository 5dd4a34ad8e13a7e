"""Users of all tenants found by their whole names: digests in the registry, kept by the worker.

A user is one row (tenants.models.UserDigests) with a digest of each value that people look for, keyed by
SECRET_KEY: the registry holds no name, and only a complete value finds. No request writes it. A job of
the worker reads what has changed in a tenant since it last looked, along an index, and writes the rows
(decision 0107); so it misses nothing, whatever changed the users, and is some seconds late.

A row says where to look, no more: what an account gets to see there is decided in the tenant.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts.sealing import secret_keys
from scim.models import User
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.lettercase import fold
from tenants.models import Tenant, UserDigests, UserIndexing

PIECE: Final = 500  # users a transaction
# A change is committed by then: requests end within seconds (tenants.deadlines).
SETTLED: Final = timedelta(seconds=30)
EVERY: Final = timedelta(seconds=20)  # so often a tenant with traffic is looked at
ALWAYS: Final = timedelta(hours=1)  # and so often any: not every change is traffic
AT_ONCE: Final = 200  # tenants of a round
MOST: Final = 8  # users that are found

# A row of a user: its id, and the values that are looked for.
Row = tuple[datetime, UUID, str | None, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """A user that has the value that was looked for."""

    tenant: Tenant
    user_id: UUID


def find(term: str, identifier: UUID | None) -> list[Found]:
    """The users of all tenants with that whole userName, work e-mail, display name, externalId or id."""
    names = _known_digests(fold(term))
    named = Q(user_name__in=names) | Q(work_email__in=names) | Q(display_name__in=names)
    named |= Q(external_id__in=_known_digests(term))
    if identifier:
        named |= Q(user_id=identifier)
    with in_public():
        rows = UserDigests.objects.filter(named).select_related("tenant")
        found = list(rows.order_by("tenant_id", "user_id")[:MOST])
    return [Found(row.tenant, row.user_id) for row in found]


def digest(value: str, secret_key: str = "") -> int:
    """The number that stands for a value, which nobody makes without SECRET_KEY."""
    key = _key(secret_key or settings.SECRET_KEY)
    text = blake2b(value.encode(errors="replace"), key=key, digest_size=8).digest()
    return int.from_bytes(text, signed=True)


def _known_digests(value: str) -> list[int]:
    """The numbers for a value: rows have that of a former key until the job has made them anew."""
    return [digest(value, secret_key) for secret_key in secret_keys()]


def mark_of_key() -> str:
    """Names the key: rows that were made with another one are made anew."""
    return blake2b(_key(settings.SECRET_KEY), digest_size=8).hexdigest()


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return salted_hmac("scim.finding", "users", secret, algorithm="sha256").digest()


def tenants_with_work() -> list[Tenant]:
    """The tenants that are due to be looked at, those that wait longest first: one statement."""
    now = clock.now()
    stale = Q(indexing=None) | Q(indexing__looked_at=None) | ~Q(indexing__key=mark_of_key())
    stale |= Q(indexing__looked_at__lt=now - ALWAYS)
    has_news = Q(traffic__last_change_at__gt=F("indexing__looked_at") - SETTLED)
    stale |= has_news & Q(indexing__looked_at__lt=now - EVERY)
    with in_public():
        due = Tenant.objects.filter(stale, is_operator=False)
        return list(due.order_by(F("indexing__looked_at").asc(nulls_first=True), "pk")[:AT_ONCE])


def advance(tenant: Tenant) -> bool:
    """Index the next piece of a tenant's changed users. False when that was the last one.

    Another worker that is at it, and an erasure, hold the lock.
    """
    now, key = clock.now(), mark_of_key()
    with in_public(), transaction.atomic():
        progress = _locked(tenant, waits=False)
        if progress is None:
            return False
        if progress.key != key:
            progress.key, progress.reached_at, progress.reached_id = key, None, None
        with in_tenant(tenant):
            rows = _changed(progress, now - SETTLED)
            has_more = User.objects.filter(last_modified__gte=now - SETTLED).exists()
        if rows:
            progress.reached_at, progress.reached_id = rows[-1][0], rows[-1][1]
            with connection.cursor() as cursor:
                cursor.execute(_WRITE, [json.dumps(_digests(tenant, rows))])
        is_last = len(rows) < PIECE
        # What is not settled yet is looked at soon.
        looked_at = now - ALWAYS + EVERY if has_more else now
        progress.looked_at = looked_at if is_last else None
        progress.save()
    return not is_last


def _locked(tenant: Tenant, *, waits: bool) -> UserIndexing | None:
    """The progress of the tenant, locked; None if others have it and it shall not wait."""
    UserIndexing.objects.get_or_create(tenant=tenant)
    rows = UserIndexing.objects.select_for_update(skip_locked=not waits, no_key=True)
    return rows.filter(tenant=tenant).first()


def forget(tenant: Tenant, ids: Collection[UUID]) -> int:
    """Remove the rows of those users of the tenant; return their number. Needs a transaction."""
    with in_public():
        _locked(tenant, waits=True)  # no worker has read them and not yet written
        return UserDigests.objects.filter(tenant=tenant, user_id__in=ids).delete()[0]


def _changed(progress: UserIndexing, before: datetime) -> list[Row]:
    """The users behind the place that was reached, in the order of their changes, deleted ones too."""
    users: QuerySet[User] = User.objects.filter(last_modified__lt=before)
    if progress.reached_at is not None:
        at, identifier = progress.reached_at, progress.reached_id
        behind = Q(last_modified__gt=at) | Q(last_modified=at, id__gt=identifier)
        users = users.filter(behind, last_modified__gte=at)
    columns = ("last_modified", "id", "unique_key", "work_email", "display_name", "external_id")
    return list(users.order_by("last_modified", "id").values_list(*columns)[:PIECE])


def _digests(tenant: Tenant, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows to write, in the order of their keys, so that no two workers wait for each other.

    An e-mail address that is the userName as well is found as that.
    """
    return [
        {
            "user_id": str(identifier),
            "tenant_id": str(tenant.pk),
            "user_name": _or_none(name),
            "work_email": _or_none(email if email != name else None),
            "display_name": _or_none(shown),
            "external_id": _or_none(external),
        }
        for _, identifier, name, email, shown, external in sorted(rows, key=lambda row: row[1])
    ]


def _or_none(value: str | None) -> int | None:
    return digest(value) if value else None


def _assigned(names: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names)


_NAMES: Final = ("user_name", "work_email", "display_name", "external_id")
_COLUMNS: Final = {"user_id": "uuid", "tenant_id": "uuid", **dict.fromkeys(_NAMES, "bigint")}
_WRITE: Final = f"""
INSERT INTO tenants_userdigests AS known ({", ".join(_COLUMNS)})
SELECT {", ".join(f"new.{name}" for name in _COLUMNS)}
FROM jsonb_to_recordset(%s::jsonb) AS new({", ".join(f"{n} {t}" for n, t in _COLUMNS.items())})
JOIN tenants_tenant AS tenant ON tenant.id = new.tenant_id
ORDER BY new.user_id
ON CONFLICT (user_id, tenant_id) DO UPDATE SET {_assigned(_NAMES)}
WHERE ({", ".join(f"known.{name}" for name in _NAMES)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _NAMES)})
"""  # noqa: S608  # our own constants
