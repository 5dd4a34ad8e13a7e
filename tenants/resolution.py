"""Host name -> tenant: one statement, then remembered by the process for as long as it is right.

An active tenant is remembered with the revision of its row, and the first message of each request asks
for it (tenants.current): after a change in any process, the next request resolves the host again.
A change of a tenant's hosts or guard touches its row. Other hosts are remembered for a second, so
that knocking costs no more than visiting. Memory is bounded: the oldest tenth makes room.
"""

from itertools import islice
from threading import Lock
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import CharField, F, Func
from django.db.models.signals import post_delete, post_save

from tenants import hostnames, outages
from tenants.current import in_public
from tenants.models import Domain, Guard, Tenant

TTL_SECONDS: Final = 1.0
# Of active tenants: for what somebody may have written past this program.
MOST_SECONDS: Final = 60.0
MAX_ENTRIES: Final = 10_000  # about 5 MB


class _Entry(NamedTuple):
    until: float  # monotonic seconds
    tenant: Tenant | None


# The transaction that wrote the row: another one each time.
_REVISION: Final = Func(template="tenants_tenant.xmin::text", output_field=CharField())

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
        tenant = _query(host)
        is_asked_for = tenant is not None and not tenant.is_suspended
        entry = _Entry(now + (MOST_SECONDS if is_asked_for else TTL_SECONDS), tenant)
        _remember(host, entry)
    return entry.tenant


def remembered(host: str) -> Tenant | None:
    """The tenant that the host name served when it was last asked for: no statement."""
    entry = _known.get(host)
    return entry.tenant if entry else None


def _query(host: str) -> Tenant | None:
    if hostnames.is_below(host, settings.BASE_DOMAIN):
        custom_domain = hostnames.custom_domain_of(host, settings.BASE_DOMAIN)
        if custom_domain is None:
            return None
        by = {"custom_domain": custom_domain}
    else:
        by = {"domains__domain": host}
    was_open = connection.connection is not None and not connection.in_atomic_block
    try:
        return _first(by)
    except Error as error:
        if not (was_open and outages.is_disconnection(error)):
            raise
        connection.close()  # PostgreSQL closed it while it was idle; the next one is new
        return _first(by)


def _first(by: dict[str, str]) -> Tenant | None:
    with in_public():
        tenants = Tenant.objects.select_related("guard").annotate(revision=_REVISION)
        tenant: Tenant | None = tenants.filter(**by).first()
    return tenant


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
