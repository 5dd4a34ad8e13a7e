"""`manage.py resume_event_stream acme <stream id>`."""

from typing import Any

from accounts.actions import Actor
from scim.events import streams
from scim.events.command import StreamCommand
from tenants.models import Tenant


class Command(StreamCommand):
    help = "Go on sending on an event stream, at once, where it stopped."

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.resume_stream(Actor.command(), tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is resumed.")
