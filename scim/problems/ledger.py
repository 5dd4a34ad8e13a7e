"""Open problems: refusals of one reason about one user or group, kept by counting at the write.

A request costs 3 to 7 µs and no statement: its outcome is added to a ledger of its process,
which a thread writes to the registry every two seconds, as tenants.traffic does (decision 0085). A
refusal opens a problem or counts on; a later request about the same subject that succeeds settles it.
Nobody scans the log. A process that is killed loses what it counted in the last seconds.

The subject of a request is an id where it has one. A refused create has none, so its subjects are
digests of the names that were sent, keyed by SECRET_KEY, and the create that succeeds has the same. Requests about nobody,
such as look-ups, are one subject for each kind and credential.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Any, Final
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts.sealing import secret_keys
from scim.protocol import urns
from scim.protocol.writing import to_json
from scim.provider.features import Round
from scim.provider.observers import Answered, Observer
from tenants import clock
from tenants.current import in_public
from tenants.lettercase import fold
from tenants.models import Problem, Tenant

FLUSH_SECONDS: Final = 2.0
MAX_SUBJECTS: Final = 50_000  # that a process remembers between two writes
MOST_TENANTS: Final = 1_000  # in which a search looks for somebody who was never created
MOST_FOUND: Final = 8  # by that search
KEPT: Final = timedelta(days=90)  # a settled problem, after its last refusal

_REFUSED_FROM: Final = 400
# Not about what was sent: credentials (tenants.connectivity tells of them), a version, a limit.
_PASSING: Final = frozenset({401, 403, 412, 429})
_NOT_FOUND: Final = 404
_READS: Final = frozenset({"GET", "HEAD"})
_NAMES: Final = {urns.USER_TYPE: ("username", "externalid"), urns.GROUP_TYPE: ("displayname",)}
_logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Refused:
    """The refusals of one reason about one subject since the last write; a row to be."""

    tenant_id: UUID
    subject: str
    reason: str
    resource_type: str
    resource_id: UUID | None
    operation: str
    status: int
    request_id: str
    first_at: datetime
    last_at: datetime
    times: int = 1

    def add(self, later: "Refused") -> None:
        """Count another one on."""
        self.times += 1
        self.last_at, self.request_id = later.last_at, later.request_id
        self.operation, self.status = later.operation, later.status


class Ledger:
    """The outcomes of a process since the last write; safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._refused: dict[tuple[UUID, str, str], Refused] = {}
        self._succeeded: dict[tuple[UUID, str], datetime] = {}

    def refuse(self, refused: Refused) -> None:
        key = (refused.tenant_id, refused.subject, refused.reason)
        with self._lock:
            known = self._refused.get(key)
            if known is not None:
                known.add(refused)
            elif len(self._refused) < MAX_SUBJECTS:
                self._refused[key] = refused

    def succeed(self, tenant_id: UUID, subjects: Iterable[str], at: datetime) -> None:
        with self._lock:
            if len(self._succeeded) < MAX_SUBJECTS:
                self._succeeded.update(((tenant_id, subject), at) for subject in subjects)

    def take(self) -> tuple[list[Refused], dict[tuple[UUID, str], datetime]]:
        """Refusals and successes; the ledger is empty afterwards."""
        with self._lock:
            refused, self._refused = self._refused, {}
            succeeded, self._succeeded = self._succeeded, {}
        return list(refused.values()), succeeded


_ledger: Final = Ledger()


class Outcomes(Observer):
    """Enters each request, and each operation of a bulk request, into the ledger: no statement."""

    def answered(self, tenant: Tenant, answered: Answered) -> None:
        if answered.verified is None or answered.refusal is not None:
            return
        now = clock.now()
        for each in (answered, *answered.parts):
            if each.status < _REFUSED_FROM:
                _ledger.succeed(tenant.id, subjects(tenant, each), now)
            elif _is_problem(each):
                _ledger.refuse(_refusal(tenant, each, now))


def subjects(tenant: Tenant, answered: Answered) -> Iterator[str]:
    """The subjects that the request is about; the first one names a refusal of it."""
    kind = answered.resource_type.name if answered.resource_type else ""
    if not _is_read(answered):
        if answered.resource_id:
            yield f"{kind}:{answered.resource_id}"
        elif answered.method == "POST" and isinstance(answered.sent, dict):
            yield from _named(tenant, kind, answered.sent)
    sender = answered.verified.token_id if answered.verified else ""
    yield f"{answered.operation[:20]} {kind[:20]} {sender}"[:80]


def flush() -> None:
    """Write what was counted; no statement for nothing.

    A database that does not answer costs what was counted and nothing else: it is logged.
    """
    refused, succeeded = _ledger.take()
    if not refused and not succeeded:
        return
    try:
        with in_public():
            if refused:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(_OPEN, [to_json([asdict(each) for each in refused])])
                    cursor.execute(
                        _PRUNE, [[each.tenant_id for each in refused], clock.now() - KEPT]
                    )
            if succeeded:
                rows = _successes(succeeded)
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(_SETTLE, [to_json(rows)])
    except Error:  # Django's InterfaceError is no DatabaseError
        _logger.exception("The problems of the last seconds could not be written.")


def _flush_and_close() -> None:
    flush()
    connection.close()


FLUSHES: Final = Round(FLUSH_SECONDS, _flush_and_close, _flush_and_close)


def forget() -> None:
    """Forget what was counted, in this process."""
    _ledger.take()


def _is_read(answered: Answered) -> bool:
    return answered.method in _READS or answered.operation == "query"


def _is_problem(answered: Answered) -> bool:
    """True unless the refusal belongs to normal working, or somebody else tells of it."""
    if answered.status in _PASSING:
        return False
    is_gone = answered.status == _NOT_FOUND
    return not (is_gone and (_is_read(answered) or answered.method == "DELETE"))


def _refusal(tenant: Tenant, answered: Answered, at: datetime) -> Refused:
    return Refused(
        tenant_id=tenant.id,
        subject=next(subjects(tenant, answered)),
        reason=answered.reason,
        resource_type=answered.resource_type.name if answered.resource_type else "",
        resource_id=None if _is_read(answered) else answered.resource_id,
        operation=answered.operation[:20],
        status=answered.status,
        request_id=answered.request_id,
        first_at=at,
        last_at=at,
    )


def _named(tenant: Tenant, kind: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """The subjects that the names in a body are; then those that they were under former keys."""
    wanted = _NAMES.get(kind, ())
    names = {name.lower(): value for name, value in sent.items() if name.lower() in wanted}
    for secret_key in secret_keys():
        for name in wanted:
            value = names.get(name)
            if isinstance(value, str) and value:
                yield _digest(_key(tenant.id, secret_key), kind, name, value)


def _digest(key: bytes, kind: str, name: str, value: str) -> str:
    """The subject that a name is: a digest that nobody makes without SECRET_KEY, the tenant's own."""
    text = f"{name} {fold(value)}".encode(errors="replace")
    return f"{kind}~{blake2b(text, key=key, digest_size=16).hexdigest()}"


@lru_cache(maxsize=1_000)
def _key(tenant_id: UUID, secret: str) -> bytes:
    return salted_hmac("scim.problems", str(tenant_id), secret, algorithm="sha256").digest()


def forget_person(tenant: Tenant, ids: Collection[UUID], values: Iterable[str]) -> int:
    """Remove the tenant's problems about a person of these ids or names; return their number."""
    named = [each for value in values for each in _called(tenant.id, urns.USER_TYPE, value)]
    about = Problem.objects.filter(Q(resource_id__in=ids) | Q(subject__in=named), tenant=tenant)
    return about.delete()[0]


def _successes(succeeded: Mapping[tuple[UUID, str], datetime]) -> list[dict[str, Any]]:
    return [
        {"tenant_id": tenant_id, "subject": subject, "at": at}
        for (tenant_id, subject), at in succeeded.items()
    ]


_COLUMNS: Final = {
    "tenant_id": "uuid",
    "subject": "text",
    "reason": "text",
    "resource_type": "text",
    "resource_id": "uuid",
    "operation": "text",
    "status": "smallint",
    "request_id": "text",
    "first_at": "timestamptz",
    "last_at": "timestamptz",
    "times": "integer",
}
_LIST: Final = ", ".join(_COLUMNS)
# Both statements lock rows in the order of their keys, so that no two processes wait for each other. A
# problem that comes back begins again; a success that another process has written stays the last word.
_OPEN: Final = f"""
INSERT INTO tenants_problem AS known (id, {_LIST})
SELECT gen_random_uuid(), {", ".join(f"new.{name}" for name in _COLUMNS)}
FROM jsonb_to_recordset(%s::jsonb) AS new({", ".join(f"{n} {t}" for n, t in _COLUMNS.items())})
JOIN tenants_tenant AS tenant ON tenant.id = new.tenant_id
ORDER BY new.tenant_id, new.subject, new.reason
ON CONFLICT (tenant_id, subject, reason) DO UPDATE SET
    first_at = CASE WHEN known.settled_at IS NULL THEN known.first_at ELSE excluded.first_at END,
    times = excluded.times + CASE WHEN known.settled_at IS NULL THEN known.times ELSE 0 END,
    settled_at = CASE WHEN known.settled_at > excluded.last_at THEN known.settled_at END,
    last_at = GREATEST(known.last_at, excluded.last_at),
    operation = excluded.operation, status = excluded.status, request_id = excluded.request_id
"""  # noqa: S608  # our own constants
_SETTLE: Final = """
WITH done AS (
    SELECT known.id, new.at
    FROM jsonb_to_recordset(%s::jsonb) AS new(tenant_id uuid, subject text, at timestamptz)
    JOIN tenants_problem AS known ON known.tenant_id = new.tenant_id AND known.subject = new.subject
    WHERE known.settled_at IS NULL AND known.last_at <= new.at
    ORDER BY known.tenant_id, known.subject, known.reason FOR UPDATE OF known
)
UPDATE tenants_problem SET settled_at = done.at FROM done WHERE tenants_problem.id = done.id
"""
_PRUNE: Final = """
DELETE FROM tenants_problem WHERE tenant_id = ANY(%s) AND last_at < %s AND muted_at IS NULL
"""


def never_created(problems: QuerySet[Problem], name: str) -> list[Problem]:
    """Those of the problems whose user or group was never created and sent under that complete name.

    Two statements at most, whatever the number of tenants: a name is a digest of its own in each.
    """
    unnamed = problems.filter(resource_id=None)
    tenants = list(unnamed.order_by().values_list("tenant_id", flat=True).distinct()[:MOST_TENANTS])
    subjects_called = [
        each for key in tenants for kind in _NAMES for each in _called(key, kind, name)
    ]
    if not subjects_called:
        return []
    found = unnamed.filter(subject__in=subjects_called).select_related("tenant")
    return list(found.order_by("-last_at", "pk")[:MOST_FOUND])


def _called(tenant_id: UUID, kind: str, value: str) -> list[str]:
    """The subjects that the name may be, also under former keys."""
    return [
        _digest(_key(tenant_id, secret_key), kind, name, value)
        for secret_key in secret_keys()
        for name in _NAMES[kind]
    ]
