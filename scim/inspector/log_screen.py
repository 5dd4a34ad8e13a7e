"""The provisioning log, to read only: the list, a request's page, its part of a resource's page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from accounts.console import times
from accounts.console.export import Export, ExportingAdmin, moment
from accounts.console.listing import Conditions, TableFilter, since, uuid_in
from accounts.console.page import Fact, Header, Page, Section, Table, link
from accounts.console.screen import Panel
from accounts.console.searching import FOUND, Hit, Search
from scim.inspector import dry_run, requests, story
from scim.inspector.requests import REFUSED_FROM, status_badge
from scim.models import ProvisioningEvent, Resource
from scim.refusals import UNKNOWN, catalogue, explain
from scim.repository.resources import user_name_key
from scim.screens.records import WHOLE_VALUES, resource_link, who_is_called
from scim.screens.visibility import Sight
from tenants import clock
from tenants.words import counted

LOG: Final = "admin:scim_provisioningevent_changelist"
NEWS: Final = "admin:scim_provisioningevent_news"
NEWER: Final = "newer_than"  # the parameter with the key of the newest row that is shown
MOST_NEWS: Final = 99
EVENTS_SHOWN: Final = 50  # on the page of a user or group
_COLUMNS: Final = (
    *("at", "operation", "method", "path", "status", "scimType", "detail", "explanation"),
    *("resource type", "about", "resource id", "equal requests", "milliseconds", "request id"),
    *("secret token", "address", "user agent"),
)
_OPERATIONS: Final = (
    "create",
    "retrieve",
    "query",
    "replace",
    "modify",
    "delete",
    "restore",
    "bulk",
    "discover",
)
_STATUSES: Final = (200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 429, 500)


NEAR: Final = 200  # requests among which the next change or refusal is looked for


def is_told(operation: str, status: int) -> bool:
    """True if the log shows such a request at first: a change or a refusal."""
    return operation not in story.READS or status >= REFUSED_FROM


_REFUSED: Final = Q(status__gte=REFUSED_FROM)
_NAMED_PERIODS: Final = {"%Y-%m-%d": timedelta(days=1), "%Y-%m-%dT%H": timedelta(hours=1)}
_NARROWING: Final = ("q", "operation", "status")


def _equals(field: str, value: Any) -> Callable[[], Q]:
    return lambda: Q(**{field: value})


class OutcomeFilter(TableFilter):
    """Changes and refusals, unless something else is chosen or looked for: look-ups hide them."""

    title = "show"
    parameter_name = "outcome"
    conditions: Conditions = {
        "": ("Changes and refusals", lambda: ~Q(operation__in=story.READS) | _REFUSED),
        "refused": ("Refused", lambda: _REFUSED),
        "ok": ("OK", lambda: ~_REFUSED),
        "all": ("Everything", Q),
    }

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        """Any other filter, and a search, look through everything."""
        super().__init__(request, params, model, model_admin)
        self._is_narrowed = any(request.GET.get(name) for name in _NARROWING)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ("all" if self._is_narrowed else "")
        known = self.conditions.get(chosen)
        return queryset.filter(known[1]()) if known else queryset

    def choices(self, changelist: Any) -> Any:
        """Without Django's own *All*; what is shown is marked."""
        shown = self.value() or ("all" if self._is_narrowed else "")
        for value, (label, _) in self.conditions.items():
            yield {
                "selected": value == shown,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }


class PeriodFilter(TableFilter):
    """By the primary key, which sorts by time: the index answers, whatever the log's size.

    Beside the periods up to now it takes a day (UTC) or an hour of one, to which the bars of charts lead.
    """

    title = "period"
    parameter_name = "period"
    conditions: Conditions = since(lambda moment: Q(pk__gte=clock.first_id_at(moment)))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known, named = super().lookups(request, model_admin), _named_period(self._asked(request))
        return [*known, (self._asked(request), named.label)] if named else known

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        named = _named_period(self.value() or "")
        if named is None:
            return super().queryset(request, queryset)
        first, after = (clock.first_id_at(each) for each in (named.start, named.end))
        return queryset.filter(pk__gte=first, pk__lt=after)

    def _asked(self, request: HttpRequest) -> str:
        return request.GET.get(self.parameter_name, "")


@dataclass(frozen=True, slots=True)
class _Named:
    """A day or an hour."""

    start: datetime
    end: datetime
    label: str


def _named_period(text: str) -> _Named | None:
    """The day such as 2026-11-29, or the hour such as 2026-11-29T07, that the text names."""
    for form, length in _NAMED_PERIODS.items():
        try:
            start = datetime.strptime(text, form).replace(tzinfo=UTC)
            end = start + length
        except (ValueError, OverflowError):  # the latter for the end of year 9999
            continue
        day = f"{start.day} {start:%b %Y}"
        return _Named(start, end, day if length.days else f"{day}, {start:%H:%M}-{end:%H:%M} UTC")
    return None


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
    # The index of statuses has no 201 (decision 0154), so that one is found by the index of creations.
    conditions: Conditions = {
        str(status): (str(status), _equals("status", status)) for status in _STATUSES
    } | {"201": ("201", lambda: Q(operation="create", status=HTTPStatus.CREATED))}


class ProvisioningEventAdmin(ExportingAdmin[ProvisioningEvent]):
    export_permission = "scim.export_provisioningevent"
    list_display = ("time", "about", "what", "shown_status", "request_id")
    list_display_links = ("time", "what")
    list_filter = (OutcomeFilter, OperationFilter, PeriodFilter, StatusFilter)
    ordering = ("-id",)
    counted_as = ("request", "requests")
    group = "Provisioning"
    icon = "log"
    opens_beside = True
    views_noted = ("provisioning log viewed", "provisioning event viewed")
    action_table = (dry_run.DRY_RUN,)
    purpose = "Every request of Entra, with its answer, the reason and the changes."
    when_empty = "The first Test Connection in Entra appears here at once."
    search_fields = ("request_id",)  # shows the box; get_search_results says what it finds
    search_help_text = (
        "Request ID, or the complete name, user name, e-mail, external ID or id of a user."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProvisioningEvent]:
        whole = Value(Sight.of(request).is_whole, output_field=BooleanField())
        named = Coalesce(KT("document__userName"), KT("document__displayName"))
        resource = Resource.objects.filter(pk=OuterRef("resource_id")).values_list(named)
        return (
            super()
            .get_queryset(request)
            .annotate(
                is_whole=whole,
                resource_name=Subquery(resource, output_field=TextField()),
                sent_name=Coalesce(KT("sent__userName"), KT("sent__displayName")),
                sent_filter=KT("sent__filter"),
            )
        )

    def get_urls(self) -> list[URLPattern]:
        explanations = self.view_url("explanations/", self.explanations_view, "explanations")
        return [explanations, self.view_url("news/", self.news_view, "news"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProvisioningEvent], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By request, or by the user: also one who was never created, since that was refused."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(request_id=term) | Q(user_name_key=user_name_key(term))
        ids = who_is_called(term)
        identifier = uuid_in(term)
        if identifier:
            ids.append(identifier)
            found |= Q(pk=identifier)
        return queryset.filter(found | Q(resource_id__in=ids) if ids else found), False

    def hits(self, search: Search) -> Iterable[Hit]:
        """The requests with that id, or the one whose page has it; users are found as users."""
        if not search.term or search.only:
            return
        found = Q(request_id=search.term)
        identifier = uuid_in(search.term)
        asked = Q(pk=identifier) | found if identifier else found
        for event in self.get_queryset(search.request).filter(asked).order_by("-id")[:FOUND]:
            title = story.title(event, Sight.of(search.request))
            yield Hit("Requests", title, self.record_path(event.pk), event.request_id)

    def search_help(self, request: HttpRequest) -> str:
        return self.search_help_text

    def nothing_hint(self, request: HttpRequest) -> str:
        return WHOLE_VALUES

    def news_path(self, request: HttpRequest, listed: ChangeList) -> str:
        """The path with the search and the filters, of the first page of the list."""
        if listed.page_num > 1:
            return ""
        rows = list(listed.result_list[:1])
        newest = rows[0].pk if rows else clock.first_id_at(clock.now())
        return f"{reverse(NEWS)}{listed.get_query_string({NEWER: newest}, remove=['p'])}"

    def news_view(self, request: HttpRequest) -> HttpResponse:
        """A link to the list when requests have come that match it: one statement, along the key."""
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.copy()
        newest = uuid_in(asked.pop(NEWER, [""])[-1])
        if newest is None:
            return HttpResponse()
        request.GET = asked  # type: ignore[assignment]  # without our own parameter
        found = self.matching(request)
        number = found.filter(pk__gt=newest).order_by()[: MOST_NEWS + 1].count()
        if not number:
            return HttpResponse()
        is_more = number > MOST_NEWS
        shown = f"{MOST_NEWS}+ new requests" if is_more else counted(number, "new request")
        path = f"{reverse(LOG)}?{asked.urlencode()}" if asked else reverse(LOG)
        return HttpResponse(link(path, shown))

    def export(self, request: HttpRequest) -> Export:
        sight = Sight.of(request)

        def cells(event: ProvisioningEvent) -> list[Any]:
            explanation = explain(event.status, event.scim_type, event.reason)
            return [
                moment(event.at),
                *(event.operation, event.method, sight.text(event.path)),
                *(event.status, event.scim_type, sight.text(event.detail)),
                explanation.id if explanation else "",
                *(event.resource_type, requests.about(event, sight), event.resource_id),
                *(event.count, event.duration_ms),
                *(event.request_id, event.token_label, event.address, event.user_agent),
            ]

        return Export(
            f"provisioning-log-{clock.now():%Y-%m-%d}.csv",
            _COLUMNS,
            cells,
            ("sent", "notes"),
            sight.notice,
        )

    def prepare(self, request: HttpRequest, rows: Iterable[ProvisioningEvent]) -> None:
        """Put the rows under their cycles, fold equal ones, and note what changed: one statement.

        A filter or a search shows each refusal; the list as it opens shows each failure once.
        """
        is_narrowed = any(request.GET.get(name) for name in (*_NARROWING, "outcome"))
        story.tell(list(rows), folds_refusals=not is_narrowed)

    @admin.display(description="time")
    def time(self, event: ProvisioningEvent) -> SafeString:
        return times.clock_time(event.at)

    @admin.display(description="request")
    def what(self, event: ProvisioningEvent) -> str:
        return story.what(event)

    @admin.display(description="status", ordering="status")
    def shown_status(self, event: ProvisioningEvent) -> SafeString:
        return requests.status_badge(event.status)

    @admin.display(description="user or group")
    def about(self, event: ProvisioningEvent) -> str | None:
        """The subject of the request: a name, or the value that was looked for."""
        return requests.about(event, Sight(is_whole=event.is_whole))  # type: ignore[attr-defined]  # annotated

    def page(self, request: HttpRequest, record: ProvisioningEvent) -> Page:
        sight = Sight.of(request)
        shown = tuple(requests.sections(record, sight))
        return Page(
            story.title(record, sight),
            shown,
            notice=sight.notice,
            header=_header(record),
            newer=self._beside(Q(pk__gt=record.pk), "id"),
            older=self._beside(Q(pk__lt=record.pk), "-id"),
        )

    def _beside(self, side: Q, order: str) -> str:
        """The path of the next change or refusal on that side; of any request if none is near."""
        near = ProvisioningEvent.objects.filter(side).order_by(order)
        rows = list(near.values_list("pk", "operation", "status")[:NEAR])
        told = (key for key, what, status in rows if is_told(what, status))
        key = next(told, rows[0][0] if rows else None)
        return self.record_path(key) if key else ""

    def explanations_view(self, request: HttpRequest) -> HttpResponse:
        """All explanations of refusals; links lead to one by its id."""
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        rows = tuple(
            (requests.anchored(each), each.sentence, each.rule, each.remedy, each.place)
            for each in (*catalogue().values(), UNKNOWN)
        )
        headings = ("Explanation", "Problem", "Rule", "Remedy", "Place")
        page = Page("Why requests are refused", (Table("Every refusal", headings, rows, ""),))
        return self.render(request, "console/record.html", {"page": page})


def _header(event: ProvisioningEvent) -> Header:
    """The answer, its time and the credential; the reason of a refusal follows below."""
    facts = [Fact("When", event.at), Fact("Credential", event.token_label or None)]
    if event.duration_ms is not None:
        facts.append(Fact("Took", f"{event.duration_ms:g} ms"))
    if event.resource_id:
        shown = resource_link(event.resource_type, event.resource_id, "View")
        facts.append(Fact(event.resource_type or "Resource", shown))
    return Header(requests.status_badge(event.status), tuple(facts))


class RequestsPanel(Panel[Any]):
    """The provisioning log of one user or group."""

    def sections(self, request: HttpRequest, record: Any) -> Sequence[Section]:
        sight = Sight.of(request)
        found = ProvisioningEvent.objects.filter(resource_id=record.pk).order_by("-id")
        events = list(found.defer("sent", "notes")[: EVENTS_SHOWN + 1])
        story.name_changes(events)
        rows = tuple(
            (
                event.at,
                link(
                    reverse("admin:scim_provisioningevent_change", args=[event.pk]),
                    story.what(event),
                ),
                status_badge(event.status),
                sight.text(event.detail) or None,
                event.request_id,
            )
            for event in events
        )
        whole = f"{reverse('admin:scim_provisioningevent_changelist')}?q={record.pk}"
        more = link(whole, f"All requests about this {record.resource_type.lower()}")
        table = Table(
            "Provisioning log",
            ("When", "Request", "Status", "Detail", "Request ID"),
            rows[:EVENTS_SHOWN],
            "No requests recorded.",
            more if len(rows) > EVENTS_SHOWN else None,
        )
        return (table,)
