"""The audit log: who did what, appended to the current tenant's schema and chained by hashes.

Each entry's hash is SHA-256(previous hash || canonical JSON of the entry), the first one following
32 zero bytes. A changed or removed entry breaks the chain at that place. Removing the newest entries
leaves a shorter, valid chain: against that stand the privileges (append-only, see migration 0002)
and the copy of staff's actions in the schema `support`.

Writers of one schema take turns by an advisory lock that PostgreSQL drops at the transaction's end,
so it works behind PgBouncer; the unique `previous_hash` keeps the chain from forking in any case.
"""

import json
import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Final, Self
from uuid import UUID

from django.db import connection

from accounts.models import (
    ACT_LENGTH,
    ACTOR_LENGTH,
    SUBJECT_LENGTH,
    Account,
    AuditEntry,
)
from tenants import clock
from tenants.models import Tenant

FIRST_PREVIOUS_HASH: Final = bytes(32)
# Values that JSON and PostgreSQL give back exactly as stored: no floats, no nesting.
Details = Mapping[str, str | int | bool | list[str] | None]

_LOCK_CLASS: Final = 0x6175_6469  # "audi": keeps this lock apart from others on the same table
_LOCK: Final = "SELECT pg_advisory_xact_lock(%s, 'accounts_auditentry'::regclass::int4)"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program that acts, and its permissions: none unless a constructor says so."""

    name: str
    address: str | None = None
    permissions: frozenset[str] = frozenset()
    # The one tenant whose data the actor may act on; None: staff, any tenant.
    tenant_id: UUID | None = None
    is_command: bool = False

    @classmethod
    def command(cls) -> Self:
        """The operating system's user at the command line, who may do everything."""
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # containers run under ids that have no name
            user = f"uid {os.getuid()}"
        return cls(f"{user} (command line)", is_command=True)

    @classmethod
    def account(cls, account: Account, tenant: Tenant, address: str | None) -> Self:
        """An account that signed in on the host of `tenant`, with the permissions it has now."""
        home = "staff" if tenant.is_operator else tenant.custom_domain
        return cls(
            name=f"{account.email} ({home})",
            address=address,
            permissions=account.permissions,
            tenant_id=None if tenant.is_operator else tenant.id,
        )

    @property
    def is_staff(self) -> bool:
        """True if the actor is no tenant's own: staff, or a command that an operator runs."""
        return self.tenant_id is None

    def may(self, permission: str, tenant: Tenant | None) -> bool:
        """True if the actor has the permission in that tenant (None: in the registry)."""
        if self.is_command:
            return True
        at_home = self.tenant_id is None or (tenant is not None and tenant.id == self.tenant_id)
        return at_home and permission in self.permissions


def record(actor: Actor, act: str, subject: str, details: Details | None = None) -> AuditEntry:
    """Append an entry to the current tenant's audit log.

    `act` is a past participle with its object ("secret token minted"), `subject` what it was done
    to. Needs a transaction in the tenant and holds the log's lock until it ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_CLASS])
    last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
    entry = AuditEntry(
        at=clock.now(),
        actor=actor.name[:ACTOR_LENGTH],
        act=act[:ACT_LENGTH],
        subject=subject[:SUBJECT_LENGTH],
        details=dict(details or {}),
        address=actor.address,
        previous_hash=FIRST_PREVIOUS_HASH if last is None else bytes(last),
    )
    entry.hash = _hash(entry)
    entry.save(force_insert=True)
    return entry


def verify_chain(
    watched: Callable[[Iterator[AuditEntry]], Iterator[AuditEntry]] = iter,
) -> int | None:
    """The id of the first entry of the current tenant that breaks the chain; None when it holds.

    Needs a transaction in the tenant; reads the whole log in chunks. `watched` passes on the entries,
    and can say how many there were.
    """
    previous = FIRST_PREVIOUS_HASH
    for entry in watched(AuditEntry.objects.order_by("id").iterator()):
        if bytes(entry.previous_hash) != previous or bytes(entry.hash) != _hash(entry):
            return entry.id
        previous = bytes(entry.hash)
    return None


def _hash(entry: AuditEntry) -> bytes:
    content = {
        "at": _timestamp(entry.at),
        "actor": entry.actor,
        "act": entry.act,
        "subject": entry.subject,
        "details": entry.details,
        "address": str(ip_address(entry.address)) if entry.address else None,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(bytes(entry.previous_hash) + text.encode()).digest()


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
