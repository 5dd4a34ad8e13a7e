"""The provisioning log: what was asked, what was answered, what it changed; to read only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.admin.acting import record_view
from accounts.admin.filters import Conditions, TableFilter
from accounts.admin.pages import Fact, Facts, Page, Section, Table, Text, brief, link, pretty
from accounts.admin.screens import RecordAdmin
from scim.admin.search import first_id_at, uuid_in
from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol import urns

_REFUSED_FROM: Final = 400  # HTTP status
_OPERATIONS: Final = (
    "create",
    "retrieve",
    "query",
    "replace",
    "modify",
    "delete",
    "bulk",
    "discover",
)
_STATUSES: Final = (200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 429, 500)


def _since(period: timedelta) -> Callable[[], Q]:
    """By the primary key, which sorts by time: the index answers, whatever the log's size."""
    return lambda: Q(pk__gte=first_id_at(timezone.now() - period))


def _equals(field: str, value: Any) -> Callable[[], Q]:
    return lambda: Q(**{field: value})


class OutcomeFilter(TableFilter):
    title = "outcome"
    parameter_name = "outcome"
    conditions: Conditions = {
        "ok": ("OK", lambda: Q(status__lt=_REFUSED_FROM)),
        "refused": ("Refused", lambda: Q(status__gte=_REFUSED_FROM)),
    }


class PeriodFilter(TableFilter):
    title = "period"
    parameter_name = "period"
    conditions: Conditions = {
        "hour": ("Last hour", _since(timedelta(hours=1))),
        "day": ("Last 24 hours", _since(timedelta(days=1))),
        "week": ("Last 7 days", _since(timedelta(days=7))),
        "month": ("Last 30 days", _since(timedelta(days=30))),
    }


class OperationFilter(TableFilter):
    """Known names, because asking the table which there are would read all of it."""

    title = "operation"
    parameter_name = "operation"
    conditions: Conditions = {
        name: (name.capitalize(), _equals("operation", name)) for name in _OPERATIONS
    }


class StatusFilter(TableFilter):
    title = "status"
    parameter_name = "status"
    conditions: Conditions = {
        str(status): (str(status), _equals("status", status)) for status in _STATUSES
    }


class ProvisioningEventAdmin(RecordAdmin[ProvisioningEvent]):
    list_display = ("at", "operation", "status", "outcome", "path", "token_label", "request_id")
    list_display_links = ("at", "operation")
    list_filter = (OutcomeFilter, OperationFilter, PeriodFilter, StatusFilter)
    ordering = ("-id",)
    counted_as = ("request", "requests")
    group = "Provisioning"
    purpose = "What Entra asked, what was answered and why, what it changed."
    when_empty = "The first Test Connection in Entra shows here at once."
    search_fields = ("request_id",)  # shows the box; get_search_results says what it finds
    search_help_text = "A whole request id or the whole id of a user."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProvisioningEvent], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(request_id=term)
        identifier = uuid_in(term)
        if identifier:
            found |= Q(resource_id=identifier) | Q(pk=identifier)
        return queryset.filter(found), False

    def viewed(self, request: HttpRequest, subject: str) -> None:
        act = "provisioning event viewed" if subject else "provisioning log viewed"
        record_view(request, act, subject)

    @admin.display(description="answer")
    def outcome(self, event: ProvisioningEvent) -> str:
        return event.detail or ("OK" if event.status < _REFUSED_FROM else "Refused")

    def page(self, request: HttpRequest, record: ProvisioningEvent) -> Page:
        sections: list[Section] = [_request(record), _answer(record)]
        if record.sent is not None:
            sections.append(Text("What was sent", pretty(record.sent), "sent"))
        if record.notes:
            notes = tuple((note,) for note in record.notes)
            sections.append(
                Table("Notes", ("What was ignored or understood generously",), notes, "")
            )
        sections.append(_changed(record))
        return Page(f"{record.operation.capitalize()}: {record.status}", tuple(sections))


def _changed(event: ProvisioningEvent) -> Table:
    found = AttributeChange.objects.filter(event_id=event.pk).order_by("id")
    rows = tuple((change.path, brief(change.before), brief(change.after)) for change in found)
    return Table("What it changed", ("Attribute", "Before", "After"), rows, "It changed nothing.")


def _request(event: ProvisioningEvent) -> Facts:
    facts = [
        Fact("When", event.at),
        Fact("Request id", event.request_id, copyable=True),
        Fact("Request", f"{event.method} {event.path}"),
        Fact("Secret token", event.token_label or None),
        Fact("From address", event.address),
        Fact("User agent", event.user_agent or None),
    ]
    if event.resource_id:
        facts.append(Fact(event.resource_type or "Resource", _resource(event)))
    if event.count > 1:
        facts.append(Fact("Equal requests", f"{event.count} within a minute, shown as one"))
    return Facts("The request", tuple(facts))


def _resource(event: ProvisioningEvent) -> Any:
    if event.resource_type != urns.USER_TYPE:
        return event.resource_id
    return link(reverse("admin:scim_user_change", args=[event.resource_id]), event.resource_id)


def _answer(event: ProvisioningEvent) -> Facts:
    facts = [Fact("Status", event.status)]
    if event.status >= _REFUSED_FROM:
        facts += [Fact("scimType", event.scim_type or None), Fact("Detail", event.detail)]
    if event.duration_ms is not None:
        facts.append(Fact("Took", f"{event.duration_ms:g} ms"))
    return Facts("The answer", tuple(facts))
