"""What events give to the rest: endpoints for receivers, and the screens of streams and deliveries."""

from collections.abc import Mapping

from django.contrib.admin import AdminSite

from scim.events import polling
from scim.events.delivery_screen import DeliveryAdmin
from scim.events.endpoints import KeysView, PollView
from scim.events.stream_screen import EventStreamAdmin
from scim.models import Delivery, EventStream
from scim.provider.features import Feature, View


class Events(Feature):
    """Changes are told to event streams (RFC 9967)."""

    def endpoints(self) -> Mapping[str, View]:
        return {polling.PATH.lstrip("/"): PollView.as_view(), "jwks.json": KeysView.as_view()}

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(EventStream, EventStreamAdmin)
        tenant_site.register(Delivery, DeliveryAdmin)


FEATURE = Events()
