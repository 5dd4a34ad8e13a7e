"""Uses of credentials, counted in memory and written within seconds.

The use of a secret token by a request, or of an OAuth client and the client secret behind its access
token, is added to a tally of the process. The row that the log has of a read takes its tenant's tally
along (`taken_along`); a thread of the worker writes the others (config.flushing), one transaction a
tenant; so the last uses of a token count even if it is idle or revoked by then. A count that could
not be written waits for the next round, and a worker that stops gracefully writes all of them, after
others that stop with it (decision 0028).
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError

from accounts.tokens import USER_AGENT_LENGTH
from tenants import clock, schemas
from tenants.backend.base import Late, execute_late
from tenants.current import in_tenant
from tenants.models import Tenant

# A count that could not be written for so long is dropped: its row is gone.
KEPT_FOR: Final = timedelta(hours=1)

_logger: Final = logging.getLogger(__name__)


class Kind(Enum):
    """A kind of credential."""

    __hash__ = object.__hash__  # by identity, as they are compared; Enum hashes names, in Python

    TOKEN = auto()
    CLIENT = auto()
    SECRET = auto()


class Credential(NamedTuple):
    """A credential of a tenant."""

    kind: Kind
    id: UUID


def of_client(client_id: UUID, secret_id: UUID | None) -> tuple[Credential, ...]:
    """The credentials of an OAuth client that asks with a secret, or with a key (None)."""
    client = Credential(Kind.CLIENT, client_id)
    return (client,) if secret_id is None else (client, Credential(Kind.SECRET, secret_id))


@dataclass(frozen=True, slots=True)
class Use:
    """Uses of a credential: the newest one, and how many there were."""

    at: datetime
    address: str | None = None  # an IP address
    user_agent: str = ""
    count: int = 1

    def plus(self, other: "Use") -> "Use":
        """Both together."""
        newest = other if other.at >= self.at else self
        return Use(newest.at, newest.address, newest.user_agent, self.count + other.count)


Uses = dict[Credential, Use]


class Ledger:
    """The tallies of a process; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[UUID, tuple[Tenant, Uses]] = {}

    def add(self, tenant: Tenant, uses: Iterable[tuple[Credential, Use]]) -> None:
        """Count uses of the tenant's credentials."""
        with self._lock:
            _, tally = self._tallies.setdefault(tenant.id, (tenant, {}))
            for credential, use in uses:
                former = tally.get(credential)
                tally[credential] = former.plus(use) if former else use

    def take(self) -> list[tuple[Tenant, Uses]]:
        """The tallies, which are empty afterwards."""
        with self._lock:
            taken, self._tallies = self._tallies, {}
            return list(taken.values())

    def take_of(self, tenant: Tenant) -> Uses:
        """The tally of a tenant, which is empty afterwards."""
        with self._lock:
            _, taken = self._tallies.pop(tenant.id, (tenant, {}))
            return taken


_ledger: Final = Ledger()


def note(tenant: Tenant, credentials: Iterable[Credential], use: Use) -> None:
    """Count a use of each of the tenant's credentials: no statement."""
    _ledger.add(tenant, [(each, use) for each in credentials])


def forget() -> None:
    """Forget what was counted in this process."""
    _ledger.take()


def flush(*, waits: bool = False) -> None:
    """Write what was counted: a transaction a tenant, none for nothing. Opens its transactions.

    Counts are kept while the database, or the tenant's node of it, does not answer or, unless it waits,
    their row is locked.
    """
    taken = _ledger.take()
    while taken:
        tenant, uses = taken.pop()
        try:
            _keep(tenant, write(tenant, uses, waits=waits))
        except (OperationalError, InterfaceError):
            _logger.exception("The uses of credentials could not be written; they are kept.")
            _keep(tenant, uses)
            taken = _writable(taken)
        except DatabaseError:
            _logger.exception("The uses of a tenant's credentials could not be written.")


def _writable(taken: list[tuple[Tenant, Uses]]) -> list[tuple[Tenant, Uses]]:
    """Those of the tallies whose tenant's node answers; the others are kept, all if no node does."""
    try:
        silent = schemas.reachable([tenant for tenant, _ in taken]).silent
    except (OperationalError, InterfaceError):
        silent = tuple(tenant for tenant, _ in taken)
    for tenant, uses in taken:
        if tenant in silent:
            _keep(tenant, uses)
    return [(tenant, uses) for tenant, uses in taken if tenant not in silent]


def write(tenant: Tenant, uses: Uses, *, waits: bool = False) -> Uses:
    """Add the uses to the tenant's rows: one statement each, all in one message that waits for no disk.

    Those whose row is locked come back, unless it waits; and those whose row is gone.
    """
    with in_tenant(tenant):
        execute_late(_WITHOUT_DISK)
        written = _write_late(uses, waits=waits)
    return _unwritten(uses, written)


@contextmanager
def taken_along(tenant: Tenant) -> Iterator[None]:
    """`in_tenant` for a transaction that waits for no disk, and takes the tenant's uses along.

    Those that it does not write are counted on.
    """
    uses = _ledger.take_of(tenant)
    try:
        with in_tenant(tenant):
            execute_late(_WITHOUT_DISK)
            yield
            written = _write_late(uses)
    except BaseException:
        _keep(tenant, uses)
        raise
    _keep(tenant, _unwritten(uses, written))


def _write_late(uses: Uses, *, waits: bool = False) -> dict[Credential, Late]:
    # Rows are locked in order, so that no two processes wait for each other.
    ordered = sorted(uses, key=lambda each: (each.kind.value, each.id))
    return {
        each: execute_late(_statement(each.kind, waits=waits), _values(each, uses[each]))
        for each in ordered
    }


def _unwritten(uses: Uses, written: Mapping[Credential, Late]) -> Uses:
    return {each: uses[each] for each, late in written.items() if not late.rows()}


def _keep(tenant: Tenant, uses: Uses) -> None:
    if not uses:
        return
    oldest = clock.now() - KEPT_FOR
    kept = [(credential, use) for credential, use in uses.items() if use.at > oldest]
    if kept:
        _ledger.add(tenant, kept)


def _values(credential: Credential, use: Use) -> dict[str, Any]:
    return {
        "id": credential.id,
        "at": use.at,
        "address": use.address,
        "agent": use.user_agent.replace("\0", "")[:USER_AGENT_LENGTH],
        "uses": use.count,
    }


# A PostgreSQL that crashes may forget what was committed in the last half second.
_WITHOUT_DISK: Final = "SELECT set_config('synchronous_commit', 'off', true)"
_WRITE: Final = """
UPDATE TABLE
   SET last_used_at = GREATEST(last_used_at, %(at)s)MORE
 WHERE id = FOUND
RETURNING id
"""
_UNLOCKED: Final = "(SELECT id FROM TABLE WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)"
# Address and agent are the newest use's.
_ADDRESS: Final = """,
       last_used_address = CASE WHEN last_used_at > %(at)s
           THEN last_used_address ELSE %(address)s::inet END"""
_AGENT_AND_COUNT: Final = """,
       last_used_user_agent = CASE WHEN last_used_at > %(at)s
           THEN last_used_user_agent ELSE %(agent)s END,
       use_count = use_count + %(uses)s::bigint"""


_TABLES: Final = {
    Kind.TOKEN: ("accounts_secrettoken", _ADDRESS + _AGENT_AND_COUNT),
    Kind.CLIENT: ("accounts_oauthclient", _ADDRESS),
    Kind.SECRET: ("accounts_clientsecret", ""),
}


@cache
def _statement(kind: Kind, *, waits: bool) -> str:
    table, more = _TABLES[kind]
    found = "%(id)s" if waits else _UNLOCKED
    return _WRITE.replace("MORE", more).replace("FOUND", found).replace("TABLE", table)
