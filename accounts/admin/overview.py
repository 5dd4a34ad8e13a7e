"""The first page of a site: numbers, a chart and what wants attention, each with a way on.

Values that one template renders (templates/admin/overview.html); staff's are gathered here, from the
registry alone and in a number of statements that does not grow with the tenants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.charts import Chart, Series, bar_chart
from accounts.admin.failures import failure_of
from accounts.admin.looks import State, badge
from accounts.admin.pages import Section, Table, link
from accounts.admin.visits import staff_path, visit_path
from tenants import connection
from tenants.connection import FAILING, SILENT, STATES, Connection, with_state
from tenants.models import Alarm, Expiry, Mail, Status, Tenant, TrafficDay

CHARTED_DAYS: Final = 30
SOON: Final = timedelta(days=30)  # a token that expires then is listed
RECENT_DAYS: Final = 7  # of deactivations, and of e-mails given up
MAIL_LATE: Final = timedelta(minutes=5)  # the worker looks every two seconds
LISTED: Final = 10  # rows of a table
LOOKS: Final[Mapping[str, State]] = {
    "connected": "ok",
    "silent": "warning",
    "failing": "failing",
    "never": "unknown",
}


@dataclass(frozen=True, slots=True)
class Stat:
    """A number, and a note about it, which may be a link."""

    label: str
    value: Any
    note: str | SafeString = ""
    state: State | str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence across the page and what to do about it."""

    state: State
    title: str
    sentence: str | SafeString
    way_on: SafeString | str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole of it, from top to bottom."""

    stats: tuple[Stat, ...] = ()
    chart: SafeString | str = ""
    sections: tuple[Section, ...] = ()
    banners: tuple[Banner, ...] = ()


def connection_badge(found: Connection) -> SafeString:
    return badge(LOOKS[found.state.name], found.state.label)


def requests_chart(days: QuerySet[TrafficDay], today: date) -> SafeString:
    """Requests and failures a day of those rows, for CHARTED_DAYS up to today: one statement."""
    first = today - timedelta(days=CHARTED_DAYS - 1)
    sums = days.filter(day__gte=first, day__lte=today).order_by("day").values_list("day")
    found = {
        day: (requests, failures)
        for day, requests, failures in sums.annotate(Sum("requests"), Sum("failures"))
    }
    charted = [first + timedelta(days=number) for number in range(CHARTED_DAYS)]
    counts = [found.get(day, (0, 0)) for day in charted]
    return bar_chart(
        Chart(
            name="requests",
            title=f"Requests a day, the last {CHARTED_DAYS} days (UTC)",
            labels=tuple(f"{day:%d %b}".lstrip("0") for day in charted),
            series=(
                Series("Answered", tuple(total - failed for total, failed in counts), "ok"),
                Series("Refused", tuple(failed for _, failed in counts), "failing"),
            ),
        )
    )


def staff_overview(now: datetime) -> Overview:
    """What staff see first: eight statements on the registry."""
    tenants = with_state(Tenant.objects.filter(is_operator=False), now)
    return Overview(
        banners=(*_alarms(now), *_mails(now)),
        stats=_states(tenants),
        chart=requests_chart(TrafficDay.objects.all(), now.date()),
        sections=(
            _failing(tenants, now),
            _silent(tenants, now),
            _expiring(now),
            _departures(now.date()),
        ),
    )


def _alarms(now: datetime) -> tuple[Banner, ...]:
    """The mass deactivations that nobody has settled."""
    found = Alarm.objects.select_related("tenant").filter(outcome=Alarm.Outcome.OPEN)
    return tuple(
        Banner(
            "failing",
            f"{alarm.tenant.name}: {alarm} were deactivated or deleted within an hour,",
            f"{connection.ago(alarm.noticed_at, now)}.",
            link(visit_path(alarm.tenant, "admin:tenants_alarm_change", alarm.pk), "Look at it"),
        )
        for alarm in found.order_by("-noticed_at", "pk")[:LISTED]
    )


def _mails(now: datetime) -> tuple[Banner, ...]:
    """What tells that people do not get their e-mail."""
    late = Q(status=Mail.Status.WAITING, queued_at__lt=now - MAIL_LATE, home__status=Status.ACTIVE)
    failed = Q(status=Mail.Status.FAILED, done_at__gt=now - timedelta(days=RECENT_DAYS))
    found = Mail.objects.filter(late | failed).order_by("-attempts", "pk")[: LISTED + 1]
    mails = list(found)
    if not mails:
        return ()
    number = "1" if len(mails) == 1 else str(len(mails)) if len(mails) <= LISTED else f"{LISTED}+"
    what = "e-mail has not been sent." if len(mails) == 1 else "e-mails have not been sent."
    why = mails[0].error or "No worker took it: is manage.py run_jobs running?"
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
    return "Show the tenant" if number == 1 else "Show the tenants"


def _failing(tenants: QuerySet[Tenant], now: datetime) -> Table:
    found = tenants.filter(connection=FAILING.name).order_by("-traffic__failed_at", "pk")
    rows = []
    for tenant in found[:LISTED]:
        read = connection.read(tenant, now)
        failure = failure_of(read.failure)
        log = visit_path(tenant, "admin:scim_provisioningevent_changelist")
        path = f"{log}?q={read.request_id}" if read.request_id else f"{log}?outcome=refused"
        when = connection.ago(read.failed_at, now) if read.failed_at else None
        rows.append((tenant_link(tenant), failure.what, failure.fix, link(path, when)))
    return Table(
        "Failing",
        ("Tenant", "What is wrong", "What to do", "Last failure"),
        tuple(rows),
        "No tenant's connection is failing.",
    )


def _silent(tenants: QuerySet[Tenant], now: datetime) -> Table:
    found = tenants.filter(connection=SILENT.name).order_by("-traffic__last_request_at", "pk")
    rows = tuple(
        (
            tenant_link(tenant),
            tenant.traffic.last_request_at,
            connection.ago(tenant.traffic.last_request_at, now),
            link(visit_path(tenant, "admin:scim_provisioningevent_changelist"), "Provisioning log"),
        )
        for tenant in found[:LISTED]
    )
    return Table(
        "Silent for two hours",
        ("Tenant", "Last request", "How long ago", "Look"),
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
        "Secret tokens and client secrets about to expire",
        ("Tenant", "What", "Expires", "Left", "Act"),
        rows,
        "Nothing expires within 30 days.",
    )


def _departures(today: date) -> Table:
    found = TrafficDay.objects.select_related("tenant").filter(
        day__gt=today - timedelta(days=RECENT_DAYS), departures__gt=0
    )
    rows = tuple(
        (
            tenant_link(day.tenant),
            day.day,
            day.departures,
            link(visit_path(day.tenant, "admin:scim_user_changelist") + "?state=disabled", "Users"),
        )
        for day in found.order_by("-departures", "-day", "tenant_id")[:LISTED]
    )
    return Table(
        "Most users deactivated or deleted on a day, the last 7 days",
        ("Tenant", "Day", "Users", "Look"),
        rows,
        "No user was deactivated or deleted.",
    )


def tenant_link(tenant: Tenant) -> SafeString:
    return link(staff_path("admin:tenants_tenant_change", tenant.pk), tenant.name)


def until(moment: datetime, now: datetime) -> SafeString:
    """How long something still lasts, as a badge: "8 days", or "Expired" when it is over."""
    left = moment - now
    if left <= timedelta(0):
        return badge("failing", "Expired")
    days = left.days
    words = "Less than a day" if days < 1 else f"{days} day{'' if days == 1 else 's'}"
    return badge("failing" if days < 3 else "warning", words)
