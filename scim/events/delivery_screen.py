"""The delivery log: what was sent to whom, how often it was tried and what was answered."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format

from accounts.console.action import Action, Call
from accounts.console.listing import Conditions, TableFilter, uuid_in
from accounts.console.page import Fact, Facts, Page, Text, link, pretty, screen_link
from accounts.console.screen import RecordAdmin
from scim.events.models import Delivery, DeliveryStatus, EventStream, StreamState
from scim.events.streams import SKIP, skip_event
from tenants.current import current_tenant

LOG_HEADINGS: Final = (
    "When",
    "Event",
    "Resource",
    "Status",
    "Attempts",
    "Next try",
    "Last error",
)


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


def _consequences(call: Call[Delivery]) -> str:
    record = call.record
    text = (
        f"The receiver {record.stream} never gets this event: {_happened(record).lower()},"
        f" {record.event.uri}, version {record.version}.\n"
        "Later events of the same resource follow. This cannot be undone."
    )
    is_stopped = record.stream.state == StreamState.FAILING
    return f"{text}\nThe stream stays stopped until it is resumed." if is_stopped else text


_SKIP: Final[Action[Delivery]] = Action(
    name="skip",
    label="Skip event",
    permission=SKIP,
    needs_proof=True,
    title="Skip this event?",
    text=_consequences,
    run=lambda call: skip_event(call.actor, current_tenant(), call.record.pk),
    done="Event skipped. The receiver does not get it.",
    is_offered=lambda call: _is_stuck(call.record),
    is_dangerous=True,
)


class DeliveryAdmin(RecordAdmin[Delivery]):
    list_display = ("at", "happened", "resource", "status", "attempts", "next_try", "error")
    list_display_links = ("at",)
    list_filter = (StatusFilter, StreamFilter)  # type: ignore[assignment]  # both are list filters
    list_select_related = ("event",)
    ordering = ("-event_id",)
    views_noted = ("delivery log viewed", "delivery viewed")
    action_table = (_SKIP,)
    counted_as = ("delivery", "deliveries")
    group = "Events"
    icon = "delivery"
    purpose = "Every event of every stream: delivered, waiting, or failed with the reason."
    when_empty = "The first change after a stream is added appears here."
    search_fields = ("id",)  # shows the box; get_search_results says what it finds
    search_help_text = "Complete id of an event (jti or txn), a user or a group."

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

    @admin.display(description="when")
    def at(self, delivery: Delivery) -> Any:
        return delivery.event.at

    @admin.display(description="event")
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
        log = screen_link("admin:scim_provisioningevent_change", event.pk, event.pk)
        to = link(reverse("admin:scim_eventstream_change", args=[stream.pk]), stream)
        facts = (
            Fact("jti", str(record.pk), copyable=True),
            Fact("txn", log),
            Fact("Stream", str(stream) if stream.deleted_at else to),
            Fact("When", event.at),
            Fact("Event", _happened(record)),
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
        return Page(f"{_happened(record)} {event.uri}", (*sections, *error))


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
