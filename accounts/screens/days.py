"""The requests of all tenants on one day: where the bars of staff's chart lead.

Three statements on the registry, along the index of days; from each row to the tenant's own log of that day.
"""

from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.console.page import Button, Page, Table, link
from accounts.console.site import ConsoleSite
from accounts.links import staff_path, visit_path
from accounts.screens.failures import log_of_day
from accounts.signed_in import may
from tenants.models import TrafficDay

ROUTE: Final = "days/<str:day>/"
NAME: Final = "admin:day"
LISTED: Final = 200  # tenants, the busiest ones
REFUSED: Final = "refused"
SEE: Final = "tenants.view_tenant"
_HEADINGS: Final = ("Tenant", "Requests", "Refused", "Log")


def path_of(day: date, outcome: str) -> str:
    """The path of the page of a day, of all requests or of the refused ones."""
    query = f"?outcome={REFUSED}" if outcome == REFUSED else ""
    return staff_path(NAME, day.isoformat()) + query


def day_page(site: ConsoleSite, request: HttpRequest, day: str) -> HttpResponse:
    """The tenants whose requests came on that day, or whose requests were refused then."""
    if not may(request, SEE):
        raise PermissionDenied
    found = _read(day)
    outcome = REFUSED if request.GET.get("outcome") == REFUSED else "all"
    other = ("all", "All requests") if outcome == REFUSED else (REFUSED, "Refused requests")
    page = Page(
        f"{'Refused requests' if outcome == REFUSED else 'Requests'} on {_in_words(found)} (UTC)",
        (_table(found, outcome),),
        (Button(other[1], path_of(found, other[0])),),
        newer=_beside(Q(day__gt=found), "day", outcome),
        older=_beside(Q(day__lt=found), "-day", outcome),
    )
    context = {**site.each_context(request), "title": page.title, "page": page}
    return TemplateResponse(request, "console/record.html", context)


def _read(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise Http404 from error


def _beside(days: Q, order: str, outcome: str) -> str:
    """The path of the nearest of those days on which requests came; "" without one."""
    nearest = TrafficDay.objects.filter(days).order_by(order).values_list("day", flat=True).first()
    return path_of(nearest, outcome) if nearest else ""


def _in_words(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _table(day: date, outcome: str) -> Table:
    counted = "failures" if outcome == REFUSED else "requests"
    days = TrafficDay.objects.select_related("tenant").filter(
        (f"{counted}__gt", 0), day=day, tenant__is_operator=False
    )
    rows = list(days.order_by(f"-{counted}", "tenant_id")[: LISTED + 1])
    empty = "No request was refused." if outcome == REFUSED else "No request came."
    caption = "Tenants" if len(rows) <= LISTED else f"The {LISTED} tenants with most of them"
    return Table(caption, _HEADINGS, tuple(_row(each, outcome) for each in rows[:LISTED]), empty)


def _row(each: TrafficDay, outcome: str) -> tuple[Any, ...]:
    tenant = link(visit_path(each.tenant, "admin:index"), each.tenant.name)
    log = log_of_day(each.tenant, "View log", each.day, outcome)
    return tenant, each.requests, each.failures, log
