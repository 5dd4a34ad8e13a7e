"""Host name -> tenant: one statement, then a second of memory per process.

A second, because a suspension must act everywhere within one, and there is no channel between
processes. Unknown hosts are remembered too, so that knocking costs no more than visiting. Memory is
bounded: the oldest tenth makes room.
"""

from itertools import islice
from threading import Lock
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models.signals import post_delete, post_save

from tenants import hostnames, outages
from tenants.current import in_public
from tenants.models import Domain, Guard, Tenant

TTL_SECONDS: Final = 1.0
MAX_ENTRIES: Final = 10_000  # about 5 MB


class _Entry(NamedTuple):
    until: float  # monotonic seconds
    tenant: Tenant | None


_known: dict[str, _Entry] = {}
_changing = Lock()  # held by writers; a reader's look-up is atomic


def find_tenant(host: str) -> Tenant | None:
    """The tenant that a host name serves, suspended or not; None when it is not served.

    `host` is lower-cased and has no port (hostnames.parse_host). The instance is shared by threads:
    read it only. At most one statement, none within a second after the last.
    """
    now = monotonic()
    entry = _known.get(host)
    if entry is None or entry.until <= now:
        entry = _Entry(now + TTL_SECONDS, _query(host))
        _remember(host, entry)
    return entry.tenant


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
        tenant: Tenant | None = Tenant.objects.select_related("guard").filter(**by).first()
    return tenant


def _remember(host: str, entry: _Entry) -> None:
    with _changing:
        _known.pop(host, None)  # to the end: the first is the oldest
        _known[host] = entry
        if len(_known) > MAX_ENTRIES:
            for oldest in list(islice(_known, MAX_ENTRIES // 10)):
                del _known[oldest]


def forget() -> None:
    """Forget every host name, at once, in this process."""
    with _changing:
        _known.clear()


def _forget_changed(**_: Any) -> None:
    forget()  # for what follows in this transaction
    transaction.on_commit(forget)  # for who asked before others could see the change


for _model in (Tenant, Domain, Guard):
    post_save.connect(_forget_changed, sender=_model, dispatch_uid="tenants.resolution")
    post_delete.connect(_forget_changed, sender=_model, dispatch_uid="tenants.resolution")
