"""The state of a tenant's provisioning: the first page of its site, and a part of staff's page of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.page import (
    Banner,
    Fact,
    Facts,
    Overview,
    Section,
    Stat,
    State,
    Table,
    link,
    screen_link,
)
from accounts.console.screen import Panel
from accounts.screens.failures import LOG, Failure, beside, failure_of, log_query
from accounts.screens.overview import LOOKS, SOON, until
from scim.models import ProvisioningEvent, Resource, User
from scim.monitoring import mapping
from scim.monitoring.charts import charts
from scim.monitoring.exchanges import LIMITED
from scim.protocol import urns
from scim.refusals import in_short, noun_of
from scim.screens.visibility import Sight
from tenants import clock, connectivity, rates
from tenants.connectivity import NEVER, Connection, Refusal, ago, connection_of, next_cycle
from tenants.current import current_tenant, in_tenant
from tenants.models import Expiry, Tenant

FAILURES_SHOWN: Final = 5
FAILURES_READ: Final = 1_000  # refusals, the newest, among which repeated ones are one failure
FAILURES_FOR: Final = timedelta(days=7)

# Refusals are read by the index of statuses where they are few, and backward along the key where they are many.
# What names nobody, a filter that cannot be read, say, is one failure as long as it is told the same.
_FAILURES: Final = """
SELECT id, at, operation, reason, detail FROM (
    SELECT DISTINCT ON (operation, reason, subject) * FROM (
        SELECT id, at, operation, reason, detail,
            COALESCE(resource_id::text, user_name_key, detail) AS subject
        FROM scim_provisioningevent WHERE status >= 400 AND id >= %(first)s
        ORDER BY id DESC LIMIT %(read)s
    ) AS refused ORDER BY operation, reason, subject, id DESC
) AS each_once ORDER BY id DESC LIMIT %(shown)s
"""


def tenant_overview(now: datetime, sight: Sight, period: str = "") -> Overview:
    """The first page of the current tenant's admins, and of staff on a visit: ten statements."""
    tenant = current_tenant()
    connection = connection_of(tenant, now)
    requests, *others = charts(tenant, now, period)
    return Overview(
        banners=_banners(connection, now),
        stats=(_connection(connection, now), *_population()),
        chart=requests,
        charts=tuple(others),
        sections=(_failures(now, sight), _expiries(tenant, now)),
    )


def _banners(connection: Connection, now: datetime) -> tuple[Banner, ...]:
    if connection.failure:
        return (_refused("failing", connection.failure, failure_of(connection.failure)),)
    if connection.beside:
        return (_refused("warning", connection.beside, beside(connection.beside, now)),)
    if connection.state is NEVER:
        way_on = link(reverse("admin:setup"), "Set up Entra")
        return (
            Banner("warning", "Entra is not connected yet.", "Follow the set-up page.", way_on),
        )
    return ()


def _refused(state: State, refusal: Refusal, failure: Failure) -> Banner:
    log = screen_link(LOG, "View in the provisioning log", query=log_query(refusal))
    return Banner(state, failure.what, failure.fix, log)


def _connection(connection: Connection, now: datetime) -> Stat:
    note = connection.sentence.partition(", ")[2].capitalize()
    if connection.next_cycle_at:
        words = next_cycle(connection, now)
        note += f" Next cycle: {words[:1].lower()}{words[1:]}."
    return Stat("Connection", connection.state.label, note.strip(), LOOKS[connection.state.name])


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers of a tenant's users and groups."""

    active: int
    disabled: int
    groups: int


def counted() -> Counted:
    """The numbers of users and groups in the current tenant: two statements, by indexes."""
    found: dict[str, int] = dict(
        Resource.objects.filter(deleted_at=None)
        .order_by()
        .values_list("resource_type")
        .annotate(Count("id"))
    )
    disabled = User.objects.filter(active=False, deleted_at=None).count()
    return Counted(found.get(urns.USER_TYPE, 0) - disabled, disabled, found.get(urns.GROUP_TYPE, 0))


def _population() -> tuple[Stat, ...]:
    numbers, users = counted(), reverse("admin:scim_user_changelist")
    groups = reverse("admin:scim_group_changelist")
    return (
        Stat("Active users", numbers.active, _show(users, "active")),
        Stat("Disabled users", numbers.disabled, _show(users, "disabled")),
        Stat("Groups", numbers.groups, link(groups, "View groups")),
    )


def _show(path: str, state: str) -> SafeString:
    return format_html('<a href="{}?state={}">View users</a>', path, state)


def _failures(now: datetime, sight: Sight) -> Table:
    """The newest failures, each once: Entra repeats what was refused in every cycle.

    Those among the latest FAILURES_READ refusals; one that as many others followed is not listed.
    """
    first = clock.first_id_at(now - FAILURES_FOR)
    limits = {"first": first, "read": FAILURES_READ, "shown": FAILURES_SHOWN}
    failures = ProvisioningEvent.objects.raw(_FAILURES, limits)
    return Table(
        "Last failures",
        ("Age", "Request", "Answer"),
        tuple(_failure(event, now, sight) for event in failures),
        "No request was refused in the last 7 days.",
        screen_link(LOG, "All refused requests", query="?outcome=refused"),
    )


def _failure(event: ProvisioningEvent, now: datetime, sight: Sight) -> tuple[Any, ...]:
    title = f"{noun_of(event.operation)} refused: {in_short(event.reason)}"
    request = screen_link("admin:scim_provisioningevent_change", title, event.pk)
    return ago(event.at, now), request, sight.text(event.detail)


def _expiries(tenant: Tenant, now: datetime) -> Table:
    found = Expiry.objects.filter(tenant=tenant, expires_at__lte=now + SOON)
    rows = tuple(
        (
            link(reverse(expiry.screen), f"{expiry.get_kind_display()} {expiry.name}"),
            expiry.expires_at,
            until(expiry.expires_at, now),
        )
        for expiry in found.order_by("expires_at", "pk")
    )
    return Table(
        "Credentials about to expire",
        ("Credential", "Expires", "Time left"),
        rows,
        "Nothing expires within 30 days.",
    )


class TenantPanel(Panel[Any]):
    """The attribute mapping in traffic, and the limit of requests."""

    def sections(self, request: HttpRequest, record: Tenant) -> Sequence[Section]:
        """One statement on the registry and one in the tenant, whatever its size."""
        now = clock.now()
        with in_tenant(record):
            has_users = User.objects.filter(deleted_at=None).exists()
        marks = mapping.marks_of(record)
        return (
            mapping.mistakes(marks, has_users=has_users),
            mapping.seen(marks, now),
            mapping.flavor(marks, now),
            _limit(marks, now),
        )


def _limit(marks: dict[str, datetime], now: datetime) -> Facts:
    limit = rates.of_tenant()
    allowed = (
        f"{limit.per_second:g} a second, {limit.burst} at once" if limit.per_second else "No limit"
    )
    exceeded = connectivity.ago(marks[LIMITED], now) if LIMITED in marks else "Never"
    return Facts("Request limit", (Fact("Allowed", allowed), Fact("Last exceeded", exceeded)))
