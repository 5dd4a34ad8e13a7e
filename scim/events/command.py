"""The base of commands that act on one event stream."""

from django.core.management.base import CommandParser

from accounts.management.administration import TenantCommand


class StreamCommand(TenantCommand):
    """A command whose second argument names the stream."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("stream", help="Its id, or the beginning of it; list_event_streams.")
