"""The audit log: who did what, appended to the current tenant's schema and chained by hashes.

Each entry's hash is SHA-256(previous hash || canonical JSON of the entry), the first one following
32 zero bytes. A changed or removed entry breaks the chain at that place. Removing the newest entries
leaves a shorter, valid chain: against that stand the privileges (append-only, see migration 0002),
the copy of staff's actions in the schema `support`, and heads that are noted there (accounts.audit_heads).

Personal data are erased from an entry all the same (`erase`): it keeps its hash, and a later entry of the
chain tells the hash of what it says now. An entry that was changed without such a later one breaks the chain.

Writers of one schema take turns by an advisory lock that PostgreSQL drops at the transaction's end,
so it works behind PgBouncer; the unique `previous_hash` keeps the chain from forking in any case.
"""

import json
import os
import pwd
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final, Self
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

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

TABLE: Final = "accounts_auditentry"
ERASURE: Final = "personal data erased"
ERASED: Final = "[erased]"
_CHANGED: Final = "changed entries"
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


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it is told: a past participle with its object ("secret token minted"), to what it was done."""

    act: str
    subject: str
    details: Details = field(default_factory=dict)


def record(actor: Actor, act: str, subject: str, details: Details | None = None) -> AuditEntry:
    """Append an entry to the current tenant's audit log, as `record_all` does."""
    return record_all(actor, [Act(act, subject, details or {})])[0]


def record_all(actor: Actor, acts: Iterable[Act], *, begins: bool = False) -> list[AuditEntry]:
    """Append an entry for each act to the current tenant's audit log, in their order: three statements.

    Needs a transaction in the tenant and holds the log's lock until it ends. A log that `begins`, made in this
    transaction, is empty and seen by nobody else: one statement.
    """
    previous, now = FIRST_PREVIOUS_HASH if begins else _last_hash(), clock.now()
    entries = []
    for each in acts:
        entry = AuditEntry(
            at=now,
            actor=actor.name[:ACTOR_LENGTH],
            act=each.act[:ACT_LENGTH],
            subject=each.subject[:SUBJECT_LENGTH],
            details=dict(each.details),
            address=actor.address,
            previous_hash=previous,
        )
        entry.hash = previous = _hash(entry)
        entries.append(entry)
    return AuditEntry.objects.bulk_create(entries)


def _last_hash() -> bytes:
    """The hash of the log's last entry, to which nobody else appends until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_CLASS])
    last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
    return FIRST_PREVIOUS_HASH if last is None else bytes(last)


def mentions(values: Collection[str]) -> bool:
    """True if an entry of the current tenant's log holds one of the values."""
    return _mentioning(values).exists()


def erase(actor: Actor, subject: str, values: Collection[str], details: Details) -> AuditEntry:
    """Put a mark in the place of the values, wherever an entry's subject or details hold them.

    Appends the entry that keeps the chain; `details` are told there, too. Needs the right to change
    entries (tenants.rewriting).
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_CLASS])
    changed = []
    longest_first = sorted(values, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    for entry in _mentioning(values):
        entry.subject = pattern.sub(ERASED, entry.subject)
        entry.details = _without(entry.details, pattern)
        entry.save(update_fields=["subject", "details"])
        changed.append(f"{entry.pk}:{sha256(_content(entry)).hexdigest()}")
    return record(actor, ERASURE, subject, {**details, _CHANGED: changed})


def _mentioning(values: Collection[str]) -> QuerySet[AuditEntry]:
    found = Q()
    for value in values:
        escaped = json.dumps(value, ensure_ascii=False)[1:-1]
        found |= Q(subject__icontains=value) | Q(text__icontains=escaped)
    entries = AuditEntry.objects.annotate(text=Cast("details", TextField())).order_by("pk")
    return entries.filter(found) if values else entries.none()


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    """The details with the mark in the place of what the pattern finds."""
    if isinstance(value, dict):
        return {name: _without(each, pattern) for name, each in value.items()}
    if isinstance(value, list):
        return [_without(each, pattern) for each in value]
    return pattern.sub(ERASED, value) if isinstance(value, str) else value


def verify_chain(
    watched: Callable[[Iterator[AuditEntry]], Iterator[AuditEntry]] = iter,
) -> int | None:
    """The id of the first entry of the current tenant that breaks the chain; None when it holds.

    Needs a transaction in the tenant; reads the whole log in chunks. `watched` passes on the entries,
    and can say how many there were.
    """
    previous = FIRST_PREVIOUS_HASH
    erased = _erased()
    for entry in watched(AuditEntry.objects.order_by("id").iterator()):
        is_whole = bytes(entry.hash) == _hash(entry) or (
            erased.get(entry.id) == sha256(_content(entry)).hexdigest()
        )
        if bytes(entry.previous_hash) != previous or not is_whole:
            return entry.id
        previous = bytes(entry.hash)
    return None


def _erased() -> dict[int, str]:
    """The hashes of the contents of entries that were changed, as later entries of the chain tell."""
    found: dict[int, str] = {}
    for entry in AuditEntry.objects.filter(act=ERASURE).order_by("id"):
        for told in entry.details.get(_CHANGED, []):
            key, _, digest = told.partition(":")
            if int(key) < entry.id:
                found[int(key)] = digest
    return found


def _hash(entry: AuditEntry) -> bytes:
    return sha256(bytes(entry.previous_hash) + _content(entry)).digest()


def _content(entry: AuditEntry) -> bytes:
    content = {
        "at": _timestamp(entry.at),
        "actor": entry.actor,
        "act": entry.act,
        "subject": entry.subject,
        "details": entry.details,
        "address": str(ip_address(entry.address)) if entry.address else None,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
