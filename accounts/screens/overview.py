"""The first page of the staff site: numbers, a chart and what wants attention, each with a way on.

All of it is gathered from the registry, in a number of statements that does not grow with the tenants,
so it answers while a node of the database is down, and names it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Greatest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.chart import Chart, Choice, Series, bar_chart, sparkline
from accounts.console.page import Banner, Overview, Stat, State, Table, badge, link
from accounts.links import staff_path, visit_path
from accounts.screens import days
from accounts.screens.failures import Failure, beside, failure_of, log_link
from tenants import connectivity, placement
from tenants.connectivity import (
    ATTENTION,
    CONNECTED,
    FAILING,
    SILENT,
    STATES,
    Connection,
    Refusal,
    with_state,
)
from tenants.models import Expiry, Mail, Status, Tenant, TrafficDay
from tenants.words import counted

CHARTED_DAYS: Final = 30
USUAL_PERIOD: Final = "30d"
PERIODS: Final[Mapping[str, int]] = {"7d": 7, USUAL_PERIOD: CHARTED_DAYS, "90d": 90}  # in days
_PERIOD_LABELS: Final = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
SPARK_DAYS: Final = 14  # in the list of tenants
SOON: Final = timedelta(days=30)  # a token that expires then is listed
RECENT_DAYS: Final = 7  # of e-mails given up
MAIL_LATE: Final = timedelta(minutes=5)  # the worker looks every two seconds
LISTED: Final = 10  # rows of a table
_WORKING: Final = (CONNECTED.name, ATTENTION.name, SILENT.name)
_REFUSED: Final = ("Tenant", "Problem", "Remedy", "Last failure")
LOOKS: Final[Mapping[str, State]] = {
    "connected": "ok",
    "silent": "warning",
    "attention": "warning",
    "failing": "failing",
    "never": "unknown",
    "suspended": "lock",
}


def connection_badge(found: Connection) -> SafeString:
    return badge(LOOKS[found.state.name], found.state.label)


def days_of(asked: str) -> int:
    """The days of the period that the query names, those of the usual one for any other."""
    return PERIODS.get(asked, CHARTED_DAYS)


def requests_chart(
    rows: QuerySet[TrafficDay],
    today: date,
    length: int = CHARTED_DAYS,
    choices: tuple[Choice, ...] = (),
    path_of: Callable[[date, str], str] | None = None,
) -> SafeString:
    """Requests and failures a day of those rows, so many days up to today: one statement.

    `path_of` is the path of the requests of a day with an outcome, "all" or "refused".
    """
    first = today - timedelta(days=length - 1)
    sums = rows.filter(day__gte=first, day__lte=today).order_by("day").values_list("day")
    found = {
        day: (requests, failures)
        for day, requests, failures in sums.annotate(Sum("requests"), Sum("failures"))
    }
    charted = [first + timedelta(days=number) for number in range(length)]
    counts = [found.get(day, (0, 0)) for day in charted]

    def paths(outcome: str) -> tuple[str, ...]:
        return tuple(path_of(day, outcome) for day in charted) if path_of else ()

    answered = tuple(total - failed for total, failed in counts)
    refused = tuple(failed for _, failed in counts)
    return bar_chart(
        Chart(
            name="requests",
            title=f"Requests a day, the last {counted(length, 'day')} (UTC)",
            labels=tuple(f"{day:%d %b}".lstrip("0") for day in charted),
            series=(
                Series("Answered", answered, "ok", paths("all")),
                Series("Refused", refused, "failing", paths("refused")),
            ),
            empty=f"No request has come in the last {counted(length, 'day')}.",
            choices=choices,
        )
    )


def choices_of(periods: Iterable[str], asked: str) -> tuple[Choice, ...]:
    """The periods that a chart may be of, as links to this page."""
    shown = asked if asked in periods else USUAL_PERIOD
    return tuple(Choice(_PERIOD_LABELS[each], f"?period={each}", each == shown) for each in periods)


def staff_overview(now: datetime, period: str = USUAL_PERIOD) -> Overview:
    """The first page of the staff site: a number of statements on the registry that does not grow."""
    tenants = with_state(Tenant.objects.filter(is_operator=False), now)
    return Overview(
        banners=(*_nodes(), *_mails(now)),
        stats=_states(tenants),
        chart=requests_chart(
            TrafficDay.objects.all(),
            now.date(),
            days_of(period),
            choices_of(PERIODS, period),
            days.path_of,
        ),
        sections=(
            _failing(tenants, now),
            *_beside(tenants, now),
            _silent(tenants),
            _expiring(now),
        ),
    )


def sparklines(tenants: Iterable[Tenant], today: date) -> dict[Any, SafeString]:
    """The requests of each tenant in the last SPARK_DAYS, drawn, by its key: one statement."""
    first = today - timedelta(days=SPARK_DAYS - 1)
    rows = TrafficDay.objects.filter(tenant__in=tenants, day__gte=first, day__lte=today)
    counts: dict[Any, dict[date, tuple[int, int]]] = {}
    for tenant_id, day, requests, failures in rows.values_list(
        "tenant_id", "day", "requests", "failures"
    ):
        counts.setdefault(tenant_id, {})[day] = (requests, failures)
    charted = [first + timedelta(days=number) for number in range(SPARK_DAYS)]
    return {
        key: _sparkline([found.get(day, (0, 0)) for day in charted])
        for key, found in counts.items()
    }


def _sparkline(counts: list[tuple[int, int]]) -> SafeString:
    requests, failures = (sum(numbers) for numbers in zip(*counts, strict=True))
    said = f"{counted(requests, 'request')} in {SPARK_DAYS} days, {failures:,} refused"
    return sparkline(tuple(number for number, _ in counts), said)


def _nodes() -> Iterator[Banner]:
    """A banner about each node of the database that does not answer, with the tenants on it."""
    for node, on in placement.down().items():
        tenants = Tenant.objects.filter(schema_name__in=on).order_by("name", "pk")
        names = [tenant.name for tenant in tenants[:LISTED]]
        more = f" and {len(on) - LISTED:,} more" if len(on) > LISTED else ""
        yield Banner(
            "failing",
            f"The node {node} of the database does not answer.",
            f"Start it, or promote its standby. Answered 503 meanwhile: {', '.join(names)}{more}."
            if names
            else "Start it, or promote its standby. It holds no tenant.",
        )


def _mails(now: datetime) -> tuple[Banner, ...]:
    """The banner about e-mail that is not delivered."""
    late = Q(status=Mail.Status.WAITING, queued_at__lt=now - MAIL_LATE, home__status=Status.ACTIVE)
    failed = Q(status=Mail.Status.FAILED, done_at__gt=now - timedelta(days=RECENT_DAYS))
    found = Mail.objects.filter(late | failed).order_by("-attempts", "pk")[: LISTED + 1]
    mails = list(found)
    if not mails:
        return ()
    number = "1" if len(mails) == 1 else str(len(mails)) if len(mails) <= LISTED else f"{LISTED}+"
    what = "e-mail has not been sent." if len(mails) == 1 else "e-mails have not been sent."
    why = mails[0].error or "No worker has taken it: check that manage.py run_jobs is running."
    path = staff_path("admin:tenants_mail_changelist")
    return (Banner("warning", f"{number} {what}", why, link(path, "View e-mails")),)


def _states(tenants: QuerySet[Tenant]) -> tuple[Stat, ...]:
    counted = dict(
        tenants.order_by()
        .values_list("connection")
        .annotate(Count("pk"))
        .values_list("connection", "pk__count")
    )
    tenant_list = staff_path("admin:tenants_tenant_changelist")
    return tuple(
        Stat(
            state.label,
            counted.get(name, 0),
            format_html(
                '<a href="{}?connection={}">{}</a>', tenant_list, name, _shown(counted.get(name, 0))
            ),
            LOOKS[name],
        )
        for name, state in STATES.items()
    )


def _shown(number: int) -> str:
    return "View tenant" if number == 1 else "View tenants"


def _failing(tenants: QuerySet[Tenant], now: datetime) -> Table:
    newest = Greatest("traffic__last_request_at", "traffic__stranger_at")  # nulls do not count
    found = tenants.filter(connection=FAILING.name).order_by(newest.desc(nulls_last=True), "pk")
    rows = []
    for tenant in found[:LISTED]:
        refusal = connectivity.read(tenant, now).failure
        if refusal is not None:
            rows.append(_refused(tenant, refusal, failure_of(refusal), now))
    return Table("Failing", _REFUSED, tuple(rows), "No tenant's connection is failing.")


def _beside(tenants: QuerySet[Tenant], now: datetime) -> tuple[Table, ...]:
    """Credentials that are refused beside a connection that works; nothing if there are none."""
    found = tenants.filter(denied__isnull=False, connection__in=_WORKING)
    rows = []
    for tenant in found.order_by("-traffic__last_request_at", "pk")[:LISTED]:
        refusal = connectivity.read(tenant, now).beside
        if refusal is not None:
            rows.append(_refused(tenant, refusal, beside(refusal, now), now))
    return (Table("Refused credentials", _REFUSED, tuple(rows), ""),) if rows else ()


def _refused(tenant: Tenant, refusal: Refusal, failure: Failure, now: datetime) -> tuple[Any, ...]:
    ago = connectivity.ago(refusal.at, now)
    when = log_link(tenant, ago, refusal)
    return tenant_link(tenant), failure.what, failure.fix, when


def _silent(tenants: QuerySet[Tenant]) -> Table:
    found = tenants.filter(connection=SILENT.name).order_by("-traffic__last_request_at", "pk")
    rows = tuple(
        (
            tenant_link(tenant),
            tenant.traffic.last_request_at,
            log_link(tenant, "View log"),
        )
        for tenant in found[:LISTED]
    )
    return Table(
        "Silent for two hours",
        ("Tenant", "Last request", "Log"),
        rows,
        "Every tenant that was ever connected has sent a request within two hours.",
    )


def _expiring(now: datetime) -> Table:
    found = Expiry.objects.select_related("tenant").filter(expires_at__lte=now + SOON)
    rows = tuple(
        (
            tenant_link(expiry.tenant),
            f"{expiry.get_kind_display()} {expiry.name}",
            expiry.expires_at,
            until(expiry.expires_at, now),
            link(visit_path(expiry.tenant, expiry.screen), "Replace it"),
        )
        for expiry in found.order_by("expires_at", "pk")[:LISTED]
    )
    return Table(
        "Credentials about to expire",
        ("Tenant", "Credential", "Expires", "Time left", "Action"),
        rows,
        "Nothing expires within 30 days.",
    )


def tenant_link(tenant: Tenant) -> SafeString:
    return link(visit_path(tenant, "admin:index"), tenant.name)


def until(moment: datetime, now: datetime) -> SafeString:
    """The time left, as a badge: "8 days", or "Expired" when it is over."""
    left = moment - now
    if left <= timedelta(0):
        return badge("failing", "Expired")
    days = left.days
    words = "Less than a day" if days < 1 else counted(days, "day")
    return badge("failing" if days < 3 else "warning", words)
