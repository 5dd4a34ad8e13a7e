"""Warnings of mass deactivations: the first pages of both sites, a tenant's page for staff."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from accounts.console.page import Banner, Overview, Table, link
from accounts.console.screen import Panel
from accounts.console.site import Part
from accounts.links import visit_path
from accounts.screens.overview import LISTED, tenant_link
from accounts.screens.site import SEE_TENANTS
from accounts.signed_in import may
from scim.guard import guard
from scim.guard.watch import SEE
from tenants import clock, connection
from tenants.current import current_tenant
from tenants.models import Alarm, Tenant, TrafficDay

RECENT_DAYS: Final = 7


class StaffPart(Part):
    """The open alarms of all tenants, and where most users left."""

    def overview(self, request: HttpRequest) -> Overview:
        """Two statements on the registry."""
        if not may(request, SEE_TENANTS):
            return Overview()
        now = clock.now()
        return Overview(banners=_alarms(now), sections=(_departures(now.date()),))


class TenantPart(Part):
    """The tenant's open alarm."""

    def overview(self, request: HttpRequest) -> Overview:
        """One statement on the registry."""
        alarm = guard.open_alarm(current_tenant()) if may(request, SEE) else None
        if alarm is None:
            return Overview()
        path = reverse("admin:tenants_alarm_change", args=[alarm.pk])
        remedy = "Not intended? Fix the assignment in Entra first, then undo it."
        banner = Banner("failing", _sentence(alarm), remedy, link(path, "Review"))
        return Overview(banners=(banner,))


class AlarmPanel(Panel[Any]):
    """The open alarm at the top of a tenant's page for staff."""

    def notice(self, request: HttpRequest, record: Tenant) -> str:
        alarm = guard.open_alarm(record)
        return _sentence(alarm) if alarm else ""


def _sentence(alarm: Alarm) -> str:
    return f"{alarm} were deactivated or deleted within an hour."


def _alarms(now: datetime) -> tuple[Banner, ...]:
    """The mass deactivations that nobody has settled."""
    found = Alarm.objects.select_related("tenant").filter(outcome=Alarm.Outcome.OPEN)
    return tuple(
        Banner(
            "failing",
            f"{alarm.tenant.name}: {alarm} were deactivated or deleted within an hour,",
            f"{connection.ago(alarm.noticed_at, now)}.",
            link(visit_path(alarm.tenant, "admin:tenants_alarm_change", alarm.pk), "Review"),
        )
        for alarm in found.order_by("-noticed_at", "pk")[:LISTED]
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
            link(
                visit_path(day.tenant, "admin:scim_user_changelist") + "?state=disabled",
                "View users",
            ),
        )
        for day in found.order_by("-departures", "-day", "tenant_id")[:LISTED]
    )
    return Table(
        "Most users deactivated or deleted on a day, the last 7 days",
        ("Tenant", "Day", "Users", "List"),
        rows,
        "No user was deactivated or deleted.",
    )
