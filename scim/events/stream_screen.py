"""Event streams: the list, one stream's page with its newest deliveries, creating and other acts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse

from accounts.audit import Actor
from accounts.console.asked import Asked, ask, done
from accounts.console.listing import COUNTED_ROWS
from accounts.console.page import Act, Fact, Facts, Page, Table, link
from accounts.console.screen import RecordAdmin
from accounts.signed_in import actor, may, record_view
from scim.events import polling, streams
from scim.events.claims import PREFIX
from scim.events.delivery_screen import LOG_HEADINGS, log_row
from scim.events.forms import StreamForm
from scim.events.models import Delivery, DeliveryMethod, DeliveryStatus, EventStream, StreamState
from scim.events.streams import ADD, CHANGE, DELETE, CreatedStream
from tenants.current import current_tenant
from tenants.models import Tenant

DELIVERIES_SHOWN: Final = 50
_SHOWN_ONCE: Final = (
    "Copy the secret now: it is shown this one time. If it gets lost, make another stream and delete"
    " this one."
)


@dataclass(frozen=True, slots=True)
class _StreamAct:
    """An act on a stream: what is said before it, and after the stream's name afterwards."""

    label: str
    permission: str
    perform: Callable[[Actor, Tenant, UUID], EventStream]
    sentences: tuple[str, ...]
    outcome: str


_ACTS: Final = {
    "pause": _StreamAct(
        "Pause",
        CHANGE,
        streams.pause_stream,
        ("Nothing is sent until the stream is resumed. What changes meanwhile is queued.",),
        "is paused: what changes is queued.",
    ),
    "resume": _StreamAct(
        "Resume",
        CHANGE,
        streams.resume_stream,
        ("What is queued is sent at once, from where it stopped.",),
        "is resumed.",
    ),
    "end": _StreamAct(
        "Delete",
        DELETE,
        streams.delete_stream,
        (
            "The receiver is told of nothing more, and what it has not got yet is dropped.",
            "This cannot be undone.",
        ),
        "is deleted.",
    ),
}


class EventStreamAdmin(RecordAdmin[EventStream]):
    list_display = ("public", "label", "method", "state", "endpoint", "created")
    list_display_links = ("public", "label")
    ordering = ("-created_at", "pk")
    add_label = "Add event stream"
    add_permission = ADD
    counted_as = ("event stream", "event streams")
    group = "Events"
    purpose = "Who is told of each change by signed security events (RFC 9967), pushed or polled."
    when_empty = "Add one for a system that has to know at once what Entra changed here."

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url(f"<uuid:stream_id>/{name}/", self._act_view(name), name) for name in _ACTS
        ]
        return [*acts, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventStream]:
        return super().get_queryset(request).filter(deleted_at=None).defer("digest", "secret")

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "event stream viewed" if subject else "event streams listed", subject)

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
            notice = "The stream is paused: what changes is queued."
        log = reverse("admin:scim_delivery_changelist")
        links = [link(f"{log}?stream={record.pk}", "The whole delivery log of this stream")]
        if record.state == StreamState.FAILING:
            stuck = f"{log}?stream={record.pk}&status=failing"
            links.append(link(stuck, "Events that could not be delivered"))
        return Page(str(record), sections, self._acts(request, record), notice, tuple(links))

    def _acts(self, request: HttpRequest, stream: EventStream) -> tuple[Act, ...]:
        switch = "pause" if stream.state == StreamState.ACTIVE else "resume"
        return tuple(
            self.act(_ACTS[name].label, name, stream.pk, is_dangerous=name == "end")
            for name in (switch, "end")
            if may(request, _ACTS[name].permission)
        )

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, and as the answer to its POST the stream's secret, this one time."""
        tenant = current_tenant()

        def create(form: StreamForm) -> HttpResponse:
            created = streams.create_stream(actor(request), tenant, form.stream_request())
            return self._shown_once(request, created)

        asked = Asked(
            title="Add event stream",
            act_label="Add",
            permission=ADD,
            cancel_path=self.list_path(),
            run=create,
            form=StreamForm,
            sentences=(
                (
                    f"The receiver is told of every change of a user or group of {tenant.name}"
                    f" ({tenant.host}) from now on."
                ),
                "Make sure that the customer wants these personal data to go there.",
            ),
        )
        return ask(self, request, asked)

    def _act_view(self, name: str) -> Callable[..., HttpResponse]:
        act = _ACTS[name]

        def view(request: HttpRequest, stream_id: UUID) -> HttpResponse:
            """The page that says what will happen; its POST does it."""
            stream, tenant = self.get_record(request, stream_id), current_tenant()
            after = self.list_path() if name == "end" else self.record_path(stream.pk)

            def run(_form: Any) -> HttpResponse:
                act.perform(actor(request), tenant, stream.pk)
                return done(request, after, f"The event stream {stream} {act.outcome}")

            asked = Asked(
                title=f"{act.label} {stream}?",
                act_label=f"{act.label} this event stream",
                permission=act.permission,
                cancel_path=self.record_path(stream.pk),
                run=run,
                sentences=act.sentences,
                sections=(_facts(stream, tenant),),
                is_dangerous=name == "end",
            )
            return ask(self, request, asked)

        return view

    def _shown_once(self, request: HttpRequest, created: CreatedStream) -> HttpResponse:
        tenant, stream = current_tenant(), created.stream
        facts = _for_the_receiver(stream, tenant)
        if created.secret:
            facts.append(Fact("Secret", created.secret, copyable=True))
        page = Page(
            f"Event stream of {tenant.name}",
            (Facts("Enter these at the receiver", tuple(facts)), _facts(stream, tenant)),
            notice=_SHOWN_ONCE if created.secret else "",
            onward=link(self.record_path(stream.pk), "On to the event stream"),
        )
        return self.render(request, "admin/record.html", {"page": page})


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
