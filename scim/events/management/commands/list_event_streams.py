"""`manage.py list_event_streams acme`."""

from typing import Any, Final

from django.db.models import Count

from accounts.management.administration import TenantCommand
from scim.models import Delivery, DeliveryStatus, EventStream
from tenants.current import in_tenant
from tenants.models import Tenant

HEADINGS: Final = ("ID", "LABEL", "METHOD", "STATE", "PENDING", "ENDPOINT", "REASON")


class Command(TenantCommand):
    help = "List a tenant's event streams, newest first, with what waits to be delivered."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            streams = list(EventStream.objects.filter(deleted_at=None))
            waiting = Delivery.objects.filter(status=DeliveryStatus.PENDING).order_by()
            pending = dict(waiting.values_list("stream").annotate(Count("id")))
        rows = [
            (
                str(stream.id),
                stream.label,
                stream.method,
                stream.state,
                str(pending.get(stream.id, 0)),
                stream.endpoint,
                stream.reason,
            )
            for stream in streams
        ]
        self.print_table([HEADINGS, *rows])
