"""`manage.py pause_event_stream acme <stream id>`."""

from typing import Any

from accounts.actions import Actor
from scim.events import streams
from scim.events.command import StreamCommand
from tenants.models import Tenant


class Command(StreamCommand):
    help = "Send nothing on an event stream until it is resumed; changes are queued."

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.pause_stream(Actor.command(), tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is paused.")
