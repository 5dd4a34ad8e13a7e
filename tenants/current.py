"""The tenant that the connection is directed to: asking for it, entering one, and what comes after.

The only door to another schema. `with tenant:` of django-tenants mixes threads up and is refused
(tenants.models); its `tenant_context` is used here and nowhere else.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, cast

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.transaction import Atomic
from django.http import HttpRequest
from django_tenants.utils import schema_context, tenant_context

from tenants import outages
from tenants.backend.base import PUBLIC
from tenants.backend.sessions import MOST_KEPT
from tenants.backend.statements import Foreseen, Hot, Rows
from tenants.models import Tenant

_REVISION: Final = "SELECT xmin::text FROM public.tenants_tenant WHERE id = %s"


class TenantChangedError(Exception):
    """The tenant is not what it was when its host was resolved: resolve it again."""


class ServedRequest(HttpRequest):
    """A request as config.edge.outermost hands it on (served)."""

    request_id: str
    started: float  # of time.perf_counter
    log_fields: dict[str, str]  # that its line in the server's log has, too


class TenantRequest(ServedRequest):
    """A request whose host is resolved; what tenants.middleware hands on."""

    tenant: Tenant
    first_rows: Rows | None  # of the statement that went with the beginning of the transaction
    after_transaction: list[Callable[[], None]]
    afterwards: list[Callable[[], None]]
    begins_left: int  # how often its transaction may begin again
    begins_again: bool  # once it has been rolled back


def served(request: HttpRequest, request_id: str) -> ServedRequest:
    """The request as one that has come now under that id."""
    known = cast("ServedRequest", request)
    known.request_id, known.started, known.log_fields = request_id, time.perf_counter(), {}
    return known


def current_tenant() -> Tenant:
    """The tenant whose schema the connection is directed to. Raises LookupError in public."""
    tenant: Any = connections[DEFAULT_DB_ALIAS].tenant  # type: ignore[attr-defined]  # tenants.backend
    if not isinstance(tenant, Tenant):
        raise LookupError("No tenant is entered.")  # noqa: TRY004  # a state, not a wrong argument
    return tenant


@contextmanager
def in_tenant(tenant: Tenant) -> Iterator[None]:
    """Direct the connection to a tenant's schema and open a transaction, a savepoint within one.

    Afterwards the connection is directed to where it was. Read querysets inside: one that is read
    later runs on the schema of that moment.
    """
    with tenant_context(tenant), transaction.atomic():
        yield
        _send_late_unless_committing(connections[DEFAULT_DB_ALIAS])


@contextmanager
def within(tenant: Tenant) -> Iterator[None]:
    """`in_tenant` as a part of a transaction that fails as a whole: without a savepoint, two statements less."""
    with tenant_context(tenant):
        yield
        connections[DEFAULT_DB_ALIAS].send_late()  # type: ignore[attr-defined]  # tenants.backend


def in_tenant_from_start(
    tenant: Tenant,
    first: Hot | None = None,
    *,
    only_reads: bool = False,
    ends_with_last: bool = False,
    foreseen: Foreseen | None = None,
) -> "_FromStart":
    """`in_tenant` for a request: begins the transaction at once.

    The same message asks for the revision of a tenant that has one, and for `first`, a hot statement, whose rows
    the context gives, None without one. What is foreseen goes ahead in that message, too. A transaction that
    only reads may end with a hot statement already, that one included; one that `ends_with_last` may with the
    statement that is said to be its last. Entering raises TenantChangedError.
    """
    ahead = foreseen if foreseen and (only_reads or not foreseen.ends) else None
    return _FromStart(tenant, first, ahead, only_reads=only_reads, ends_with_last=ends_with_last)


class _FromStart(Atomic):
    """The context of `in_tenant_from_start`; generators, one in the other, would be 60 calls more."""

    def __init__(
        self,
        tenant: Tenant,
        first: Hot | None,
        foreseen: Foreseen | None,
        *,
        only_reads: bool,
        ends_with_last: bool,
    ) -> None:
        super().__init__(DEFAULT_DB_ALIAS, savepoint=True, durable=False)
        self._tenant = tenant
        self._first = first
        self._foreseen = foreseen
        self._only_reads = only_reads
        self._ends_with_last = ends_with_last

    def __enter__(self) -> Rows | None:  # type: ignore[override]  # Atomic gives nothing
        session: Any = connections[DEFAULT_DB_ALIAS]
        self._former = session.tenant
        session.set_tenant(self._tenant)
        try:
            rows = self._begun_anew_if_needed(session)
        except BaseException:
            _direct(session, self._former)
            raise
        session.only_reads = self._only_reads
        session.ends_with_last = self._ends_with_last and len(session.atomic_blocks) == 1
        session.has_ended = False
        return rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session: Any = connections[DEFAULT_DB_ALIAS]
        session.only_reads = session.ends_with_last = False
        session.forget_foreseen()
        try:
            if error is None:
                _send_late_unless_committing(session)
        except BaseException:
            super().__exit__(*sys.exc_info())
            raise
        else:
            super().__exit__(kind, error, traceback)
        finally:
            _direct(session, self._former)

    def _begun_anew_if_needed(self, session: Any) -> Rows | None:
        for _ in range(MOST_KEPT):  # the plans of each session may be outdated
            try:
                return self._begun(session, self._first)
            except Error as error:
                if self._first and outages.is_of_no_table(error):
                    self._begun(session, None)  # raises if the tenant was removed, with its tables
                    super().__exit__(None, None, None)
                if not outages.is_outdated(error):
                    raise
        return self._begun(session, self._first)

    def _begun(self, session: Any, first: Hot | None) -> Rows | None:
        super().__enter__()
        try:
            question, ahead = Hot(_REVISION, [self._tenant.id]), self._foreseen if first else None
            revision, rows = session.begin(question, first, ahead)
            _check_revision(self._tenant, revision)
        except BaseException:
            session.forget_foreseen()
            super().__exit__(*sys.exc_info())
            raise
        return rows  # type: ignore[no-any-return]  # tenants.backend


def _check_revision(tenant: Tenant, found: Rows) -> None:
    if tenant.revision is not None and found != [(tenant.revision,)]:
        raise TenantChangedError


def _direct(session: Any, tenant: Any) -> None:
    """Direct the connection to where it was, as django-tenants' own contexts do."""
    if tenant is None:
        session.set_schema_to_public()
    else:
        session.set_tenant(tenant)


def _send_late_unless_committing(session: Any) -> None:
    """Send what waits for COMMIT, at the end of what is part of a transaction only."""
    if len(session.atomic_blocks) > 1:
        session.send_late()


@contextmanager
def in_public() -> Iterator[None]:
    """Direct the connection to the registry; opens no transaction, which reading needs not."""
    with schema_context(PUBLIC):
        yield


def address_of(request: HttpRequest) -> str | None:
    """The IP address of the client (config.edge.proxies); None for one of a Unix socket."""
    return request.META.get("REMOTE_ADDR") or None


def log_with(request: HttpRequest, **fields: str) -> None:
    """Have the request's line in the server's log (config.edge.outermost) say more."""
    cast("ServedRequest", request).log_fields.update(fields)


def after_transaction(request: TenantRequest, callback: Callable[[], None]) -> None:
    """Have `callback` run after the request's transaction ended, whether kept or rolled back.

    All callbacks of a request share one further transaction in the same tenant. Their errors are
    logged and never reach the client, whose answer is already decided.
    """
    request.after_transaction.append(callback)


def afterwards(request: TenantRequest, callback: Callable[[], None]) -> None:
    """`after_transaction` for a callback that opens the transactions that it needs."""
    request.afterwards.append(callback)


def begin_again(request: TenantRequest, error: Exception) -> bool:
    """Have the request handled once more in a new transaction, if the error makes that worthwhile.

    True if it will be; then what the caller answers reaches nobody, and nothing must be counted or
    logged. False for other errors than a lost conflict or an outdated plan, when it has been tried often
    enough, or once its change is committed.
    """
    has_ended = connections[DEFAULT_DB_ALIAS].has_ended  # type: ignore[attr-defined]  # tenants.backend
    may_succeed = outages.is_conflict(error) or outages.is_outdated(error)
    if has_ended or not may_succeed or request.begins_left < 1:
        return False
    request.begins_left -= 1
    request.begins_again = True
    return True
