"""The provisioning traffic of each tenant, counted in memory and written to the registry.

A request costs a few microseconds and no statement here: what it was is added to a tally of its
process. Tallies of all tenants are written together, in one statement and a transaction of its own,
when the first of them has waited FLUSH_SECONDS; what changes a tenant's state (its first request, a
failure after success, success after a failure) is written by the request that brings it, or by the
first one after a second in which another change was written: where many tenants come to a process
that does not know them, one request in a second pays for all of them (decision 0155). When
nothing follows, a thread of the worker writes (config.flushing). A process that is killed loses
what it counted in the last seconds (decision 0015).
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from django.db import Error, connection, transaction

from tenants.current import in_public
from tenants.models import Reach

FLUSH_SECONDS: Final = 5.0
# Changes of state are written once a second by each process, whatever tenants they are of.
STATE_SECONDS: Final = 1.0
USER_AGENT_LENGTH: Final = 200
MAX_KNOWN: Final = 10_000  # credentials whose state a process remembers

_logger: Final = logging.getLogger(__name__)


class Kind(Enum):
    """The meaning of a request for its tenant's connection."""

    __hash__ = object.__hash__  # by identity, as they are compared; Enum hashes names, in Python

    READ = auto()  # answered
    CHANGE = auto()  # answered, and it may have changed something
    PASSING = auto()  # refused for what it says or asks for, which tells nothing of the connection
    REFUSED = auto()  # refused in a way that keeps every request from working
    DENIED = auto()  # its credential is revoked, expired, or of an account that is no admin
    STRANGE = auto()  # it has no credential of the tenant


_REACH: Final = {Kind.REFUSED: Reach.ALL, Kind.DENIED: Reach.CREDENTIAL}
_SUCCESSES: Final = (Kind.READ, Kind.CHANGE)


@dataclass(frozen=True, slots=True)
class Bearer:
    """The credential that a request came with, good or not: a secret token or an OAuth client."""

    id: UUID
    name: str  # its kind, label and public id
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as they are counted.

    `reason` is the id of its refusal (scim.refusals), "" for none.
    `marks` name what was seen in its body, from a small closed set. Without a `bearer` no credential
    of the tenant was read.
    """

    at: datetime
    kind: Kind
    reason: str = ""
    request_id: str = ""
    marks: frozenset[str] = frozenset()
    bearer: Bearer | None = None


@dataclass(slots=True)
class Standing:
    """The latest requests of a credential, or of a tenant without any."""

    name: str = ""
    last_request_at: datetime | None = None
    last_success_at: datetime | None = None
    last_change_at: datetime | None = None
    failed_at: datetime | None = None
    failed_reach: str = ""
    failed_reason: str = ""
    failed_request_id: str = ""
    failed_user_agent: str = ""

    def add(self, exchange: Exchange) -> None:
        """Note the request."""
        self.last_request_at = exchange.at
        if exchange.kind in _SUCCESSES:
            self.last_success_at = exchange.at
        if exchange.kind is Kind.CHANGE:
            self.last_change_at = exchange.at

    def fail(self, exchange: Exchange) -> None:
        """Note why the request was refused, if it tells something of the connection."""
        if exchange.kind not in _REACH:
            return
        self.failed_at, self.failed_reach = exchange.at, _REACH[exchange.kind]
        self.failed_reason, self.failed_request_id = exchange.reason, exchange.request_id
        if exchange.bearer:
            agent = exchange.bearer.user_agent.replace("\0", "")
            self.failed_user_agent = agent[:USER_AGENT_LENGTH]


@dataclass(slots=True)
class Tally:
    """The counts of a tenant since the last flush.

    `standing` is that of the tenant as a whole, with the failures that no credential had.
    """

    first_request_at: datetime | None = None
    standing: Standing = field(default_factory=Standing)
    credentials: dict[UUID, Standing] = field(default_factory=dict)
    stranger_at: datetime | None = None
    stranger_reason: str = ""
    marks: dict[str, datetime] = field(default_factory=dict)
    requests: Counter[date] = field(default_factory=Counter)
    failures: Counter[date] = field(default_factory=Counter)
    departures: Counter[date] = field(default_factory=Counter)

    def add(self, exchange: Exchange) -> None:
        at, kind, bearer = exchange.at, exchange.kind, exchange.bearer
        day = at.astimezone(UTC).date()
        self.requests[day] += 1
        if kind not in _SUCCESSES:
            self.failures[day] += 1
        if kind is Kind.STRANGE:
            self.stranger_at, self.stranger_reason = at, exchange.reason
            return
        if bearer:
            own = self.credentials.get(bearer.id)
            if own is None:
                own = self.credentials[bearer.id] = Standing(bearer.name)
            own.add(exchange)
            own.fail(exchange)
        else:
            self.standing.fail(exchange)
        if kind is Kind.DENIED:
            return
        self.first_request_at = self.first_request_at or at
        self.standing.add(exchange)
        if exchange.marks:
            self.marks |= dict.fromkeys(exchange.marks, at)

    def days(self) -> list[date]:
        return sorted({*self.requests, *self.departures})


@dataclass(slots=True)
class _Known:
    """The last kind of request seen of a credential, and the time of its last write."""

    kind: Kind
    written_at: datetime


class Ledger:
    """The tallies of a process; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[UUID, Tally] = {}
        self._known: dict[tuple[UUID, UUID | None], _Known] = {}  # by tenant and credential
        self._waiting_since: datetime | None = None
        self._is_due = False
        self._has_news = False  # a change of state
        self._told_at: datetime | None = None  # when a change of state was due

    def note(self, tenant_id: UUID, exchange: Exchange) -> None:
        """Count a request."""
        with self._lock:
            self._tally(tenant_id, exchange.at).add(exchange)
            if self._changes_state(tenant_id, exchange):
                self._has_news = True
            if self._has_news and self._may_tell(exchange.at):
                self._is_due, self._told_at = True, exchange.at

    def note_departures(self, tenant_id: UUID, at: datetime, number: int) -> None:
        """Count users who were deactivated or deleted."""
        with self._lock:
            self._tally(tenant_id, at).departures[at.astimezone(UTC).date()] += number

    def take(self, *, only_due: bool = False) -> dict[UUID, Tally]:
        """The tallies, which are empty afterwards; none if `only_due` and it is too early."""
        with self._lock:
            if only_due and not self._is_due:
                return {}
            taken, self._tallies = self._tallies, {}
            self._waiting_since, self._is_due, self._has_news = None, False, False
            return taken

    def forget(self) -> None:
        """Start over, as a new process does."""
        self.take()
        with self._lock:
            self._known.clear()
            self._told_at = None

    def _may_tell(self, at: datetime) -> bool:
        """True if no change of state was due within the last second."""
        return self._told_at is None or _seconds_between(at, self._told_at) >= STATE_SECONDS

    def _tally(self, tenant_id: UUID, at: datetime) -> Tally:
        if self._waiting_since is None:
            self._waiting_since = at
        elif _seconds_between(at, self._waiting_since) >= FLUSH_SECONDS:
            self._is_due = True
        tally = self._tallies.get(tenant_id)
        if tally is None:
            tally = self._tallies[tenant_id] = Tally()
        return tally

    def _changes_state(self, tenant_id: UUID, exchange: Exchange) -> bool:
        """True if people should hear of this request at once."""
        key = (tenant_id, exchange.bearer.id if exchange.bearer else None)
        known, kind = self._known.get(key), exchange.kind
        if known is not None:
            # Reading and refusals of single changes are part of working.
            tells_nothing = kind is Kind.PASSING or (
                kind is Kind.READ and known.kind is Kind.CHANGE
            )
            waited = _seconds_between(exchange.at, known.written_at)
            if tells_nothing or kind is known.kind or waited < STATE_SECONDS:
                return False
        elif len(self._known) >= MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = _Known(kind, exchange.at)
        return True


def _seconds_between(one: datetime, other: datetime) -> float:
    return abs((one - other).total_seconds())


_ledger: Final = Ledger()


def note(tenant_id: UUID, exchange: Exchange) -> None:
    """Count a request of the tenant: no statement."""
    _ledger.note(tenant_id, exchange)


def note_departures(tenant_id: UUID, at: datetime, number: int = 1) -> None:
    """Count users of the tenant who were deactivated or deleted: no statement."""
    _ledger.note_departures(tenant_id, at, number)


def flush(*, only_due: bool = False) -> None:
    """Write what was counted, in a transaction of its own; no statement for nothing.

    A database that does not answer costs the tallies and nothing else: it is logged.
    """
    tallies = _ledger.take(only_due=only_due)
    if not tallies:
        return
    try:
        write(tallies)
    except Error:  # Django's InterfaceError is no DatabaseError
        _logger.exception("The traffic of the last seconds could not be written.")


def write(tallies: Mapping[UUID, Tally]) -> None:
    """Add the tallies, by tenant, to what is in the registry: two statements, one transaction."""
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WRITE, _parameters(tallies))
        credentials = _credentials(tallies)
        if credentials:
            cursor.execute(_WRITE_CREDENTIALS, [_json(credentials)])


def forget() -> None:
    """Forget what was counted and seen, in this process."""
    _ledger.forget()


# The columns that are written, with their types.
_TIMES: Final = {
    "last_request_at": "timestamptz",
    "last_success_at": "timestamptz",
    "last_change_at": "timestamptz",
}
_FAILURE: Final = {
    "failed_at": "timestamptz",
    "failed_reach": "text",
    "failed_reason": "text",
    "failed_request_id": "text",
}
_STRANGER: Final = {"stranger_at": "timestamptz", "stranger_reason": "text"}
_COUNTS: Final = {"requests": "bigint", "failures": "bigint", "departures": "bigint"}


def _upsert(table: str, rows: str, columns: Mapping[str, str], key: str, *changes: str) -> str:
    """The statement that writes rows, a JSON array, to what is in the table already.

    PostgreSQL adds up the rows that two processes write at once; they are in the order of their keys,
    so that no two processes wait for each other. Rows of a tenant that has been deleted are left out.
    """
    return f"""
    INSERT INTO {table} AS known ({", ".join(columns)})
    SELECT {", ".join(f"new.{name}" for name in columns)}
    FROM jsonb_to_recordset({rows}::jsonb)
        AS new({", ".join(f"{name} {kind}" for name, kind in columns.items())})
    JOIN tenants_tenant AS tenant ON tenant.id = new.tenant_id
    ORDER BY {", ".join(f"new.{name}" for name in key.split(", "))}
    ON CONFLICT ({key}) DO UPDATE SET {", ".join(changes)}
    """  # noqa: S608  # our own constants


def _latest(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = GREATEST(known.{name}, excluded.{name})" for name in columns)


def _newer(columns: Iterable[str]) -> str:
    """The columns of the row, the known one or the new one, whose first column is later."""
    names = list(columns)
    rows = ", ".join(
        f"({', '.join(f'{row}.{name}' for name in names)})" for row in ("excluded", "known")
    )
    listed = f"({', '.join(names)})"
    later = f"SELECT later.* FROM (VALUES {rows}) AS later{listed}"  # noqa: S608  # as above
    return f"{listed} = ({later} ORDER BY later.{names[0]} DESC NULLS LAST LIMIT 1)"


_WRITE_DAYS: Final = _upsert(
    "tenants_trafficday",
    "%(days)s",
    {"tenant_id": "uuid", "day": "date", **_COUNTS},
    "tenant_id, day",
    *(f"{name} = known.{name} + excluded.{name}" for name in _COUNTS),
)
_WRITE_TENANTS: Final = _upsert(
    "tenants_traffic",
    "%(tenants)s",
    {"tenant_id": "uuid", "first_request_at": "timestamptz", "marks": "jsonb"}
    | _TIMES
    | _FAILURE
    | _STRANGER,
    "tenant_id",
    "first_request_at = LEAST(known.first_request_at, excluded.first_request_at)",
    "marks = known.marks || excluded.marks",
    _latest(_TIMES),
    _newer(_FAILURE),
    _newer(_STRANGER),
)
_WRITE: Final = f"WITH days AS ({_WRITE_DAYS}) {_WRITE_TENANTS}"
_OF_CREDENTIAL: Final = _FAILURE | {"failed_user_agent": "text"}
_WRITE_CREDENTIALS: Final = _upsert(
    "tenants_credentialtraffic",
    "%s",
    {"id": "uuid", "tenant_id": "uuid", "name": "text"} | _TIMES | _OF_CREDENTIAL,
    "id",
    _latest(_TIMES),
    _newer(_OF_CREDENTIAL),
)


def _parameters(tallies: Mapping[UUID, Tally]) -> dict[str, str]:
    rows = [
        {
            "tenant_id": tenant_id,
            "first_request_at": tally.first_request_at,
            "marks": tally.marks,
            **_values(tally.standing, _TIMES | _FAILURE),
            **_values(tally, _STRANGER),
        }
        for tenant_id, tally in tallies.items()
    ]
    days = [
        {"tenant_id": tenant_id, "day": day} | {name: getattr(tally, name)[day] for name in _COUNTS}
        for tenant_id, tally in tallies.items()
        for day in tally.days()
    ]
    return {"tenants": _json(rows), "days": _json(days)}


def _credentials(tallies: Mapping[UUID, Tally]) -> list[dict[str, Any]]:
    return [
        {"id": key, "tenant_id": tenant_id, "name": each.name}
        | _values(each, _TIMES | _OF_CREDENTIAL)
        for tenant_id, tally in tallies.items()
        for key, each in tally.credentials.items()
    ]


def _values(of: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return json.dumps(
        list(rows),
        default=lambda value: value.isoformat() if isinstance(value, date) else str(value),
    )
