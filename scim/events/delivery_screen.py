"""The delivery log: what was sent to whom, how often it was tried and what was answered."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.formats import date_format

from accounts.console.asked import Asked, ask, done
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Act, Fact, Facts, Page, Text, link, pretty
from accounts.console.screen import RecordAdmin
from accounts.signed_in import actor, may, record_view
from scim.events.models import Delivery, DeliveryStatus, EventStream, StreamState
from scim.events.streams import SKIP, skip_event
from scim.screens.search import uuid_in
from tenants.current import current_tenant

LOG_HEADINGS: Final = (
    "When",
    "What happened",
    "Resource",
    "Status",
    "Attempts",
    "Next try",
    "Last error",
)
_STOPPED: Final = {True: ("The stream stays stopped until it is resumed.",), False: ()}


def log_row(delivery: Delivery) -> tuple[Any, ...]:
    """The delivery in a table with LOG_HEADINGS."""
    return (
        link(reverse("admin:scim_delivery_change", args=[delivery.pk]), _moment(delivery)),
        _happened(delivery),
        delivery.event.uri,
        delivery.get_status_display(),
        delivery.attempts,
        _next_try(delivery),
        delivery.error,
    )


class StatusFilter(TableFilter):
    title = "status"
    parameter_name = "status"
    conditions: Conditions = {
        "pending": ("Pending", lambda: Q(status=DeliveryStatus.PENDING)),
        "failing": (
            "Pending after a failure",
            lambda: Q(status=DeliveryStatus.PENDING, failing_since__isnull=False),
        ),
        "delivered": ("Delivered", lambda: Q(status=DeliveryStatus.DELIVERED)),
        "refused": ("Refused", lambda: Q(status=DeliveryStatus.REFUSED)),
        "skipped": ("Skipped", lambda: Q(status=DeliveryStatus.SKIPPED)),
    }


class StreamFilter(admin.SimpleListFilter):
    title = "stream"
    parameter_name = "stream"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        streams = EventStream.objects.filter(deleted_at=None).only("id", "label")
        return [(str(stream.pk), str(stream)) for stream in streams]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        stream = uuid_in(self.value() or "")
        return queryset.filter(stream=stream) if stream else queryset


class DeliveryAdmin(RecordAdmin[Delivery]):
    list_display = ("at", "happened", "resource", "status", "attempts", "next_try", "error")
    list_display_links = ("at",)
    list_filter = (StatusFilter, StreamFilter)  # type: ignore[assignment]  # both are list filters
    list_select_related = ("event",)
    ordering = ("-event_id",)
    counted_as = ("delivery", "deliveries")
    group = "Events"
    purpose = "Each event for each stream: delivered, waiting, or why it failed."
    when_empty = "The first change while there is an event stream makes the first one."
    search_fields = ("id",)  # shows the box; get_search_results says what it finds
    search_help_text = "The whole id of an event (jti or txn), or of a user or group."

    def get_urls(self) -> list[URLPattern]:
        skip = self.act_url("<uuid:delivery_id>/skip/", self.skip_view, "skip")
        return [skip, *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        identifier = uuid_in(term)
        if identifier is None:
            return queryset.none(), False
        found = Q(pk=identifier) | Q(event=identifier) | Q(resource_id=identifier)
        return queryset.filter(found), False

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "delivery viewed" if subject else "delivery log viewed", subject)

    @admin.display(description="when")
    def at(self, delivery: Delivery) -> Any:
        return delivery.event.at

    @admin.display(description="what happened")
    def happened(self, delivery: Delivery) -> str:
        return _happened(delivery)

    @admin.display(description="resource")
    def resource(self, delivery: Delivery) -> str:
        return delivery.event.uri

    @admin.display(description="next try")
    def next_try(self, delivery: Delivery) -> Any:
        return _next_try(delivery)

    def page(self, request: HttpRequest, record: Delivery) -> Page:
        event, stream = record.event, record.stream
        log = reverse("admin:scim_provisioningevent_change", args=[event.pk])
        to = link(reverse("admin:scim_eventstream_change", args=[stream.pk]), stream)
        facts = (
            Fact("jti", str(record.pk), copyable=True),
            Fact("txn", link(log, event.pk)),
            Fact("Stream", str(stream) if stream.deleted_at else to),
            Fact("When", event.at),
            Fact("What happened", _happened(record)),
            Fact("Resource", event.uri),
            Fact("Version", record.version),
            Fact("Status", record.get_status_display()),
            Fact("Attempts", record.attempts),
            Fact("Last attempt", record.attempted_at or "Never"),
            Fact("Next try", _next_try(record)),
            Fact("Failing since", record.failing_since),
            Fact("Done", record.done_at),
        )
        sections = [Facts("Delivery", facts)]
        error = (Text("Last error", pretty(record.error), "error"),) if record.error else ()
        acts: tuple[Act, ...] = ()
        if _is_stuck(record) and may(request, SKIP):
            acts = (self.act("Skip event", "skip", record.pk, is_dangerous=True),)
        return Page(f"{_happened(record)} {event.uri}", (*sections, *error), acts)

    def skip_view(self, request: HttpRequest, delivery_id: UUID) -> HttpResponse:
        """The page that says what the receiver will miss; its POST skips the event."""
        record, tenant = self.get_record(request, delivery_id), current_tenant()
        path = self.record_path(record.pk)

        def run(_form: Any) -> HttpResponse:
            skip_event(actor(request), tenant, record.pk)
            return done(request, path, "Event skipped. The receiver does not get it.")

        asked = Asked(
            title="Skip this event?",
            act_label="Skip event",
            permission=SKIP,
            cancel_path=path,
            run=run,
            sentences=(
                (
                    f"The receiver {record.stream} never gets this event:"
                    f" {_happened(record).lower()}, {record.event.uri}, version {record.version}."
                ),
                "Later events of the same resource follow. This cannot be undone.",
                *_STOPPED[record.stream.state == StreamState.FAILING],
            ),
            is_dangerous=True,
        )
        return ask(self, request, asked)


def _moment(delivery: Delivery) -> str:
    return date_format(delivery.event.at, "DATETIME_FORMAT")


def _happened(delivery: Delivery) -> str:
    return " and ".join(delivery.event.kinds).capitalize()


def _is_stuck(delivery: Delivery) -> bool:
    """True if the event waits although it has been tried."""
    is_pending = delivery.status == DeliveryStatus.PENDING
    return is_pending and delivery.attempts > 0 and delivery.stream.deleted_at is None


def _next_try(delivery: Delivery) -> Any:
    return delivery.retry_at if delivery.status == DeliveryStatus.PENDING else None
