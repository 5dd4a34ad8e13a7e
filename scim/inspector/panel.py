"""The newest requests about a resource, on the resource's page."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from accounts.console.page import Section, Table, link
from accounts.console.screen import Panel
from scim.inspector.requests import status_badge
from scim.models import ProvisioningEvent
from scim.screens.visibility import Sight

EVENTS_SHOWN: Final = 50


class RequestsPanel(Panel[Any]):
    """The provisioning log of one user or group."""

    def sections(self, request: HttpRequest, record: Any) -> Sequence[Section]:
        sight = Sight.of(request)
        found = ProvisioningEvent.objects.filter(resource_id=record.pk).order_by("-id")
        rows = tuple(
            (
                event.at,
                event.operation,
                status_badge(event.status),
                sight.text(event.detail) or None,
                link(
                    reverse("admin:scim_provisioningevent_change", args=[event.pk]),
                    event.request_id,
                ),
            )
            for event in found.defer("sent", "notes")[: EVENTS_SHOWN + 1]
        )
        whole = f"{reverse('admin:scim_provisioningevent_changelist')}?q={record.pk}"
        more = link(whole, f"All requests about this {record.resource_type.lower()}")
        table = Table(
            "Provisioning log",
            ("When", "Operation", "Status", "Detail", "Request"),
            rows[:EVENTS_SHOWN],
            "No request is recorded.",
            more if len(rows) > EVENTS_SHOWN else None,
        )
        return (table,)
