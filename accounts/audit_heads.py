"""The heads of the audit chains, noted elsewhere, so that newest entries that were removed are missed.

A chain without its newest entries is a valid chain. So the last entry of each tenant's log, its id and its
hash, is noted in staff's own log, which is a chain too, and nobody may change it. Whoever removes entries
has to remove those of staff as well; against that stand heads that were exported (`audit heads`), since
the database does not hold them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEntry
from tenants import clock, schemas
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tenants.words import counted

EVERY: Final = timedelta(hours=1)
NOTED: Final = "audit heads noted"
RESTORED: Final = "tenant restored"  # from here on the tenant's log is that of a file
WORKER: Final = Actor("audit heads")
_HEADS: Final = "heads"
_MOST: Final = 500  # heads in an entry


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry that a tenant's audit log had once."""

    tenant_id: UUID
    entry_id: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.tenant_id}:{self.entry_id}:{self.hash.hex()}"


Heads = Mapping[UUID, list[Head]]


def read_head(text: str) -> Head:
    """The head that str() wrote. Raises ValueError."""
    tenant_id, entry_id, digest = text.split(":")
    return Head(UUID(tenant_id), int(entry_id), bytes.fromhex(digest))


def head_of(tenant: Tenant) -> Head | None:
    """The newest entry of the tenant's log; None if it has none. One statement in the tenant."""
    with in_tenant(tenant):
        last = AuditEntry.objects.order_by("-id").values_list("id", "hash").first()
    return Head(tenant.pk, last[0], bytes(last[1])) if last else None


def note_due() -> int:
    """Note the heads that have changed since they were last noted; their number, 0 within the hour.

    One statement a tenant.
    """
    operator = _operator()
    if operator is None:
        return 0
    now = clock.now()
    with in_tenant(operator):
        if AuditEntry.objects.filter(act=NOTED, at__gt=now - EVERY).exists():
            return 0
    return note_changed()


def note_changed() -> int:
    """Note the heads that have changed since they were last noted, in staff's log; their number.

    Those on a node of the database that does not answer are noted when it does.
    """
    operator = _operator()
    if operator is None:
        return 0
    known = noted()
    with in_public():
        tenants = list(Tenant.objects.filter(is_operator=False).order_by("pk"))
    heads = [head for head in map(head_of, schemas.reachable(tenants).tenants) if head]
    changed = [head for head in heads if head not in known.get(head.tenant_id, [])]
    for start in range(0, len(changed), _MOST):
        some = changed[start : start + _MOST]
        with in_tenant(operator):
            audit.record(
                WORKER, NOTED, counted(len(some), "tenant"), {_HEADS: list(map(str, some))}
            )
    return len(changed)


def noted() -> Heads:
    """The heads that staff's log tells of, by tenant, oldest first; none from before it was restored."""
    operator = _operator()
    found: dict[UUID, list[Head]] = {}
    if operator is None:
        return found
    with in_public():
        ids = {domain: key for key, domain in Tenant.objects.values_list("pk", "custom_domain")}
    with in_tenant(operator):
        entries = AuditEntry.objects.filter(act__in=(NOTED, RESTORED)).order_by("id")
        for act, details in entries.values_list("act", "details").iterator():
            if act == RESTORED:
                found.pop(ids.get(details.get("tenant", "")), None)  # type: ignore[arg-type]  # None is no key of it
                continue
            for head in map(read_head, details[_HEADS]):
                found.setdefault(head.tenant_id, []).append(head)
    return found


def first_missing(tenant: Tenant, heads: Iterable[Head]) -> Head | None:
    """The oldest of the heads that the tenant's log does not have as they were noted; None if it has all."""
    wanted = list(heads)
    with in_tenant(tenant):
        ids = [head.entry_id for head in wanted]
        present = dict(AuditEntry.objects.filter(pk__in=ids).values_list("pk", "hash"))
    for head in wanted:
        if bytes(present.get(head.entry_id, b"")) != head.hash:
            return head
    return None


def read_export(document: Any) -> Heads:
    """The heads in the JSON that `audit heads --json` printed. Raises ValueError."""
    found: dict[UUID, list[Head]] = {}
    for head in _exported(document):
        found.setdefault(head.tenant_id, []).append(head)
    return found


def _exported(document: Any) -> Iterator[Head]:
    if not isinstance(document, list):
        raise ValueError("It is no list of heads.")  # noqa: TRY004  # whatever is wrong, it is no export
    for row in document:
        match row:
            case {"id": str(tenant_id), "entry": int(entry_id), "hash": str(digest)}:
                yield read_head(f"{tenant_id}:{entry_id}:{digest}")
            case _:
                raise ValueError("It is no list of heads.")


def _operator() -> Tenant | None:
    with in_public():
        found: Tenant | None = Tenant.objects.filter(is_operator=True).first()
    return found
