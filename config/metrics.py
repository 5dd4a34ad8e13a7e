"""Figures for Prometheus: counted by each serving process in files, gathered by `manage.py metrics`.

The files are below DATA_DIR, one set a process, and are written by prometheus_client through shared memory; a
process that ends leaves its counts. Nothing is counted unless METRICS_PORT is set. Labels have few values:
kinds of resources, methods, classes of status, ids of reasons (scim.refusals), and ten tenants at most.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Sum

from scim.provider.features import features
from tenants import clock, connectivity
from tenants.current import in_public
from tenants.models import Alarm, Expiry, Mail, Tenant, TrafficDay

TOP: Final = 10  # tenants that are named
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"  # read by the library when it is imported
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
_RESOURCE: Final = re.compile(
    r"/scim(?:/v2)?/(users|groups|bulk|me|oauth|events|\.search)\b", re.IGNORECASE
)


def place() -> Path:
    """The folder of the processes' files."""
    return Path(settings.DATA_DIR) / "metrics"


class Times(NamedTuple):
    """The seconds that a request took, and those of them in statements of the database."""

    all: float
    in_database: float


class Counts:
    """The counts of one serving process."""

    def __init__(self) -> None:
        place().mkdir(parents=True, exist_ok=True)
        os.environ.setdefault(_DIRECTORY, str(place()))
        from prometheus_client import Counter, Histogram, Summary  # once the folder is named

        self._requests = Counter(
            "mypolicies_requests",
            "Requests by resource, method and class of status",
            ["resource", "method", "status"],
        )
        self._seconds = Histogram(
            "mypolicies_request_seconds", "Time of requests", ["resource"], buckets=BUCKETS
        )
        self._database = Summary(
            "mypolicies_request_database_seconds",
            "Time of requests in statements of the database",
            ["resource", "method"],
        )
        self._refusals = Counter("mypolicies_refusals", "Refused requests by reason", ["reason"])

    def count(self, method: str, path: str, status: int, times: Times, reason: str) -> None:
        """Count one request that was answered."""
        resource = resource_of(path)
        named = method if method in _METHODS else "other"
        self._requests.labels(resource, named, f"{status // 100}xx").inc()
        self._seconds.labels(resource).observe(times.all)
        self._database.labels(resource, named).observe(times.in_database)
        if reason:
            self._refusals.labels(reason).inc()


@cache
def counts() -> Counts | None:
    """The counts of this process; None unless METRICS_PORT is set."""
    return Counts() if settings.METRICS_PORT else None


def resource_of(path: str) -> str:
    """The kind of resource that a path is about: one of ten words."""
    found = _RESOURCE.match(path)
    if found:
        return found[1].lower().lstrip(".")
    return "discovery" if path.lower().startswith("/scim") else "screens"


def mark_ended(pid: int) -> None:
    """Forget the figures that only a living process has."""
    if counts() is not None:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(pid, str(place()))  # type: ignore[no-untyped-call]


class Gauges:
    """The figures of the database, looked at when they are asked for, at most every `rest` seconds."""

    def __init__(self, rest: float = 10.0) -> None:
        self._rest = rest
        self._next = 0.0
        self._families: list[Any] = []

    def collect(self) -> Iterator[Any]:
        """The gauges; the database's time and whether it answered are among them."""
        if monotonic() >= self._next:
            self._families = _looked()
            self._next = monotonic() + self._rest
        yield from self._families


def _looked() -> list[Any]:
    found: list[Any] = []
    is_up = False
    try:
        found = _of_database()
        is_up = True
    except Error:
        found = []  # half of them would look like all
    finally:
        connection.give_back()  # type: ignore[attr-defined]  # tenants.backend
        connection.close()  # one that is this thread's alone
    return [_gauge("database_up", "1 if the database answers", is_up), *found]


def _of_database() -> list[Any]:
    with in_public(), connection.cursor() as cursor:
        since = monotonic()
        cursor.execute("SELECT 1")
        seconds = monotonic() - since
        found = [_gauge("database_seconds", "Time of the simplest statement", seconds)]
        found += _registry()
    for feature in features():
        found += [_gauge(name, *told) for name, told in feature.gauges().items()]
    return found


def _gauge(name: str, meaning: str, value: float) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"mypolicies_{name}", meaning, value=value)


def _labeled(name: str, meaning: str, label: str, values: dict[str, float]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"mypolicies_{name}", meaning, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _registry() -> Iterator[Any]:
    now = clock.now()
    customers = Tenant.objects.filter(is_operator=False)
    states = connectivity.with_state(customers, now).values_list("connection").annotate(Count("pk"))
    found: dict[str, float] = {**dict.fromkeys(connectivity.STATES, 0), **dict(states.order_by())}
    yield _labeled("tenants", "Tenants by the state of their connection", "state", found)
    mails = dict(Mail.objects.order_by().values_list("status").annotate(Count("pk")))
    unsent: dict[str, float] = {
        each.value: mails.get(each.value, 0) for each in (Mail.Status.WAITING, Mail.Status.FAILED)
    }
    yield _labeled("mails", "E-mails that were not sent", "status", unsent)
    alarms = Alarm.objects.filter(outcome=Alarm.Outcome.OPEN).count()
    yield _gauge("alarms", "Mass deactivations that nobody has looked at", alarms)
    expiring = Expiry.objects.filter(expires_at__gt=now).order_by("expires_at").first()
    days = (expiring.expires_at - now).total_seconds() / 86_400 if expiring else float("inf")
    yield _gauge("credential_days_left", "Days until the next credential expires", days)
    expired = Expiry.objects.filter(expires_at__lte=now).count()
    yield _gauge("credentials_expired", "Credentials that have expired lately", expired)
    busiest = (
        TrafficDay.objects.filter(day=now.date())
        .values_list("tenant__custom_domain")
        .annotate(total=Sum("requests"))
        .order_by("-total")[:TOP]
    )
    meaning = f"Requests since midnight (UTC) of the {TOP} busiest tenants"
    yield _labeled("tenant_requests_today", meaning, "tenant", dict(busiest))
