"""Host name -> tenant: one statement, a hot one, then remembered by the process for as long as it is right.

An active tenant is remembered with the revision of its row, and the first message of each request asks
for it (tenants.current): after a change in any process, the next request resolves the host again.
A change of a tenant's hosts or guard touches its row, and its custom domain stands there: a host below
the base domain is asked for once. Other hosts are remembered for a second, so that knocking costs no
more than visiting. Memory is bounded: the oldest tenth makes room.
"""

from functools import cache
from itertools import islice
from threading import Lock
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F, Model
from django.db.models.signals import post_delete, post_save
from psycopg import sql

from tenants import hostnames
from tenants.backend import base
from tenants.current import in_public
from tenants.models import Domain, Guard, Tenant

TTL_SECONDS: Final = 1.0
MAX_ENTRIES: Final = 10_000  # about 5 MB


class _Entry(NamedTuple):
    until: float  # monotonic seconds
    tenant: Tenant | None


_BY_DOMAIN: Final = "tenant.custom_domain = %s"
_BY_HOST: Final = "tenant.id = (SELECT tenant_id FROM public.tenants_domain WHERE domain = %s)"
# Of active tenants: for what somebody may have written past this program. A further host name is a row of
# its own, which may be led to another tenant; beside a custom domain stands the guard alone.
MOST_SECONDS: Final = {_BY_DOMAIN: 3600.0, _BY_HOST: 60.0}
# With the transaction that wrote the row: another one each time.
_FIND: Final = """
    SELECT tenant.xmin::text, {tenant}, {guard}
    FROM public.tenants_tenant AS tenant
    LEFT JOIN public.tenants_guard AS guard ON guard.tenant_id = tenant.id
    WHERE {condition}
"""
_known: dict[str, _Entry] = {}
_changing = Lock()  # held by writers; a reader's look-up is atomic


def find_tenant(host: str) -> Tenant | None:
    """The tenant that a host name serves, suspended or not; None when it is not served.

    `host` is lower-cased and has no port (hostnames.parse_host). The instance is shared by threads:
    read it only. At most one statement. An active one is known to be right when its transaction has
    begun (tenants.current.in_tenant_from_start).
    """
    now = monotonic()
    entry = _known.get(host)
    if entry is None or entry.until <= now:
        condition, name = _sought(host)
        tenant = _query(condition, name) if name else None
        is_asked_for = tenant is not None and not tenant.is_suspended
        entry = _Entry(now + (MOST_SECONDS[condition] if is_asked_for else TTL_SECONDS), tenant)
        _remember(host, entry)
    return entry.tenant


def remembered(host: str) -> Tenant | None:
    """The tenant that the host name served when it was last asked for: no statement."""
    entry = _known.get(host)
    return entry.tenant if entry else None


def _sought(host: str) -> tuple[str, str | None]:
    """The condition that finds a host's tenant, and the value that it is about; None if nobody has that host."""
    if hostnames.is_below(host, settings.BASE_DOMAIN):
        return _BY_DOMAIN, hostnames.custom_domain_of(host, settings.BASE_DOMAIN)
    return _BY_HOST, host


def _query(condition: str, name: str) -> Tenant | None:
    with in_public():
        rows = base.ask(_statement(condition), [name])
    if not rows:
        return None
    revision, *values = rows[0]
    count = len(_columns(Tenant))
    tenant: Tenant = Tenant.from_db(DEFAULT_DB_ALIAS, _columns(Tenant), values[:count])
    tenant.revision = revision
    _set_guard(tenant, values[count:])
    return tenant


def _set_guard(tenant: Tenant, values: list[Any]) -> None:
    """Note the tenant's guard, or that it has none, so that nobody asks for it."""
    of_tenant, of_guard = Tenant._meta.get_field("guard"), Guard._meta.get_field("tenant")  # noqa: SLF001  # Django's documented name
    guard = None
    if any(value is not None for value in values):
        guard = Guard.from_db(DEFAULT_DB_ALIAS, _columns(Guard), values)
        of_guard.set_cached_value(guard, tenant)
    of_tenant.set_cached_value(tenant, guard)


@cache
def _columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)  # noqa: SLF001  # Django's documented name


@cache
def _statement(condition: str) -> str:
    """The statement that finds a tenant with its guard, as a hot one: the ORM takes 1 ms to write it."""
    tenant, guard = (
        sql.SQL(", ").join(sql.Identifier(name, column) for column in _columns(model))
        for name, model in (("tenant", Tenant), ("guard", Guard))
    )
    form = sql.SQL(_FIND).format(tenant=tenant, guard=guard, condition=sql.SQL(condition))
    return form.as_string()


def _remember(host: str, entry: _Entry) -> None:
    with _changing:
        _known.pop(host, None)  # to the end: the first is the oldest
        _known[host] = entry
        if len(_known) > MAX_ENTRIES:
            for oldest in list(islice(_known, MAX_ENTRIES // 10)):
                del _known[oldest]


def forget(host: str = "") -> None:
    """Forget the host name, or every one, at once, in this process."""
    with _changing:
        if host:
            _known.pop(host, None)
        else:
            _known.clear()


def _forget_changed(instance: Any, **_: Any) -> None:
    if not isinstance(instance, Tenant):
        with in_public():
            Tenant.objects.filter(pk=instance.tenant_id).update(name=F("name"))
    forget()  # for what follows in this transaction
    transaction.on_commit(forget)  # for who asked before others could see the change


for _model in (Tenant, Domain, Guard):
    post_save.connect(_forget_changed, sender=_model, dispatch_uid="tenants.resolution")
    post_delete.connect(_forget_changed, sender=_model, dispatch_uid="tenants.resolution")
