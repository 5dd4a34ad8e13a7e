"""Event streams: the list, one stream's page with its newest deliveries, and the actions on streams."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.listing import COUNTED_ROWS
from accounts.console.page import Fact, Facts, Page, Section, Table, link, record_path
from accounts.console.screen import RecordAdmin
from scim.events import polling, streams
from scim.events.claims import DETAILED, FULL, NOTICE, PREFIX, Kind, uris_of
from scim.events.delivery_screen import LOG_HEADINGS, log_row
from scim.events.models import Delivery, DeliveryMethod, DeliveryStatus, EventStream, StreamState
from scim.events.streams import CHANGE, DELETE, MAX_AUDIENCE, MAX_HEADER, MAX_LABEL, StreamRequest
from tenants.current import current_tenant
from tenants.models import Tenant

DELIVERIES_SHOWN: Final = 50
_SHOWN_ONCE: Final = (
    "Copy the secret now: it is shown only once. If it is lost, make another stream and delete"
    " this one."
)
_CONTENT: Final = {
    NOTICE: "Names of the changed attributes (notice)",
    FULL: "Their values too, which are personal data (full)",
}
_LABELS: Final = {
    Kind.CREATE: "User or group created",
    Kind.PATCH: "Changed by PATCH",
    Kind.PUT: "Replaced by PUT",
    Kind.DELETE: "Deleted",
    Kind.ACTIVATE: "User activated",
    Kind.DEACTIVATE: "User deactivated",
}


class StreamForm(ActionForm):
    label = forms.CharField(max_length=MAX_LABEL, help_text="A name for the receiver.")
    method = forms.ChoiceField(choices=DeliveryMethod.choices)
    endpoint = forms.CharField(
        max_length=500,
        required=False,
        help_text="The https URL that receives the events; empty for polling.",
    )
    authorization = forms.CharField(
        max_length=MAX_HEADER,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        label="Authorization header",
        help_text="For push, if the receiver requires one, such as Bearer and a token. It cannot"
        " be shown again.",
    )
    audience = forms.CharField(
        max_length=MAX_AUDIENCE,
        required=False,
        help_text="The aud that the receiver expects; the endpoint by default.",
    )
    content = forms.ChoiceField(choices=list(_CONTENT.items()), label="Include")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, label in _LABELS.items():
            self.fields[kind.value] = forms.BooleanField(required=False, initial=True, label=label)

    def stream_request(self) -> StreamRequest:
        """The request that the valid form holds."""
        data = self.cleaned_data
        flavor = 0 if data["content"] == NOTICE else 1
        chosen = [kind for kind in Kind if data[kind.value]]
        return StreamRequest(
            label=data["label"],
            method=DeliveryMethod(data["method"]),
            endpoint=data["endpoint"],
            authorization=data["authorization"],
            audience=data["audience"],
            event_uris=tuple(uris_of(kind)[flavor if kind in DETAILED else 0] for kind in chosen),
        )


def _create(call: Call[None]) -> Page:
    """The page that shows the secret of the new stream, this one time."""
    tenant = current_tenant()
    created = streams.create_stream(call.actor, tenant, call.form.stream_request())
    facts = _for_the_receiver(created.stream, tenant)
    if created.secret:
        facts.append(Fact("Secret", created.secret, copyable=True))
    return Page(
        f"Event stream of {tenant.name}",
        (Facts("Values for the receiver", tuple(facts)), _facts(created.stream, tenant)),
        notice=_SHOWN_ONCE if created.secret else "",
        onward=link(record_path(EventStream, created.stream.pk), "Go to the event stream"),
    )


def _about(call: Call[EventStream]) -> tuple[Section, ...]:
    return (_facts(call.record, current_tenant()),)


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Add event stream",
        needs_proof=True,
        permission=streams.ADD,
        title="Add event stream",
        text=(
            "The receiver gets every change of a user or group of {tenant.name} ({tenant.host})"
            " from now on.\n"
            "Make sure that the customer wants these personal data to go there."
        ),
        form=StreamForm,
        submit="Add",
        run=_create,
    ),
    Action(
        name="pause",
        label="Pause",
        permission=CHANGE,
        title="Pause {record}?",
        text="Nothing is sent until the stream is resumed. Changes are queued until then.",
        sections=_about,
        submit="Pause this event stream",
        run=lambda call: streams.pause_stream(call.actor, current_tenant(), call.record.pk),
        done="The event stream {record} is paused: changes are queued.",
        is_offered=lambda call: call.record.state == StreamState.ACTIVE,
    ),
    Action(
        name="resume",
        label="Resume",
        permission=CHANGE,
        title="Resume {record}?",
        text="Queued events are sent at once, from where it stopped.",
        sections=_about,
        submit="Resume this event stream",
        run=lambda call: streams.resume_stream(call.actor, current_tenant(), call.record.pk),
        done="The event stream {record} is resumed.",
        is_offered=lambda call: call.record.state != StreamState.ACTIVE,
    ),
    Action(
        name="end",
        label="Delete",
        needs_proof=True,
        permission=DELETE,
        title="Delete {record}?",
        text=(
            "The receiver gets no more events, and undelivered ones are dropped.\n"
            "This cannot be undone."
        ),
        sections=_about,
        submit="Delete this event stream",
        run=lambda call: streams.delete_stream(call.actor, current_tenant(), call.record.pk),
        done="The event stream {record} is deleted.",
        is_dangerous=True,
        leads_to_list=True,
    ),
)


class EventStreamAdmin(RecordAdmin[EventStream]):
    list_display = ("public", "label", "method", "state", "endpoint", "created")
    list_display_links = ("public", "label")
    ordering = ("-created_at", "pk")
    counted_as = ("event stream", "event streams")
    group = "Events"
    icon = "stream"
    views_noted = ("event streams listed", "event stream viewed")
    action_table = _ACTIONS
    purpose = "Receivers of signed security events (RFC 9967) about each change, pushed or polled."
    when_empty = "Add one for a system that has to learn of Entra's changes at once."

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventStream]:
        return super().get_queryset(request).filter(deleted_at=None).defer("digest", "secret")

    @admin.display(description="id")
    def public(self, stream: EventStream) -> str:
        return stream.public_id

    @admin.display(description="created")
    def created(self, stream: EventStream) -> datetime:
        return stream.created_at

    def page(self, request: HttpRequest, record: EventStream) -> Page:
        sections = (_facts(record, current_tenant()), _log(record))
        notice = ""
        if record.state == StreamState.FAILING:
            notice = f"Nothing is sent any more. {record.reason}"
        elif record.state == StreamState.PAUSED:
            notice = "The stream is paused: changes are queued."
        log = reverse("admin:scim_delivery_changelist")
        links = [link(f"{log}?stream={record.pk}", "All deliveries of this stream")]
        if record.state == StreamState.FAILING:
            stuck = f"{log}?stream={record.pk}&status=failing"
            links.append(link(stuck, "Events that could not be delivered"))
        return Page(str(record), sections, notice=notice, links=tuple(links))


def _for_the_receiver(stream: EventStream, tenant: Tenant) -> list[Fact]:
    facts = [
        Fact("Issuer", tenant.tenant_url, copyable=True),
        Fact("Audience", stream.audience, copyable=True),
    ]
    if stream.method != DeliveryMethod.WEBHOOK:
        facts.append(Fact("Public keys", f"{tenant.tenant_url}/jwks.json", copyable=True))
    if stream.method == DeliveryMethod.POLL:
        facts.append(Fact("Poll", f"{tenant.tenant_url}{polling.PATH}", copyable=True))
    return facts


def _facts(stream: EventStream, tenant: Tenant) -> Facts:
    pending = Delivery.objects.filter(stream=stream, status=DeliveryStatus.PENDING)
    waiting = pending.order_by()[: COUNTED_ROWS + 1].count()
    facts = [
        Fact("Id", str(stream.pk)),
        Fact("Label", stream.label),
        Fact("Method", stream.get_method_display()),
        Fact("State", stream.get_state_display()),
        Fact("Waiting", f"More than {COUNTED_ROWS}" if waiting > COUNTED_ROWS else waiting),
        Fact("Endpoint", stream.endpoint or None),
        Fact("Events", ", ".join(uri.removeprefix(PREFIX) for uri in stream.event_uris)),
        *_for_the_receiver(stream, tenant),
        Fact("Created", stream.created_at),
        Fact("Created by", stream.created_by),
    ]
    if stream.failures:
        facts.append(Fact("Tries again", stream.retry_at))
    return Facts("Event stream", tuple(facts))


def _log(stream: EventStream) -> Table:
    newest = Delivery.objects.filter(stream=stream).order_by("-event_id")
    rows = tuple(log_row(each) for each in newest.select_related("event")[:DELIVERIES_SHOWN])
    return Table("Newest deliveries", LOG_HEADINGS, rows, "Nothing has changed yet.")
