"""The feature of events: the outbox, endpoints for receivers, screens of streams and deliveries."""

from collections.abc import Iterable, Mapping, Sequence

from django.contrib.admin import AdminSite

from accounts.refusals import Refusal
from scim.events import outbox, polling, streams
from scim.events.delivery_screen import DeliveryAdmin
from scim.events.models import Delivery, EventStream, OutboxEvent
from scim.events.polling import KeysView, PollView
from scim.events.refusals import ROWS
from scim.events.stream_screen import EventStreamAdmin
from scim.provider.features import Feature, Person, View
from scim.provider.observers import Observer
from scim.repository.base import Question, Write


class Outbox(Observer):
    """Queues each change for the streams that want it."""

    def question(self, write: Write) -> Question:
        return outbox.question(write)

    def stored(self, write: Write) -> None:
        outbox.queue(write)


class Events(Feature):
    """Changes are told to event streams (RFC 9967)."""

    workers = ("deliver_events",)

    def observer(self) -> Observer:
        return Outbox()

    def event_uris(self) -> Sequence[str]:
        return streams.event_uris()

    def refusals(self) -> Iterable[Refusal]:
        return ROWS

    def endpoints(self) -> Mapping[str, View]:
        return {polling.PATH.lstrip("/"): PollView.as_view(), "jwks.json": KeysView.as_view()}

    def erase(self, person: Person) -> Mapping[str, int]:
        """The queued and delivered changes of the person go, waiting or not."""
        events = OutboxEvent.objects.filter(resource_id__in=person.ids)
        deliveries, _ = Delivery.objects.filter(event__in=events).delete()
        events.delete()
        return {"deliveries": deliveries}

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        meaning = f"Deliveries that wait, at most {streams.MOST_COUNTED:,} of a tenant"
        return {"deliveries_waiting": (meaning, streams.count_waiting())}

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(EventStream, EventStreamAdmin)
        tenant_site.register(Delivery, DeliveryAdmin)


FEATURE = Events()
