"""`manage.py delete_event_stream acme <stream id>`."""

from typing import Any

from accounts.actions import Actor
from scim.events import streams
from scim.events.command import StreamCommand
from tenants.models import Tenant


class Command(StreamCommand):
    help = "End an event stream; what it had not delivered is dropped."

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.delete_stream(Actor.command(), tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is deleted.")
