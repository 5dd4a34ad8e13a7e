"""`manage.py stream`: the event streams of a tenant (RFC 9967), and what waits on them."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count

from accounts.management.administration import TenantCommand
from scim.events import polling, streams
from scim.events.claims import EVENT_URIS, PREFIX
from scim.events.models import Delivery, DeliveryMethod, DeliveryStatus, EventStream
from scim.events.streams import DEFAULT_URIS, StreamRequest
from tenants.current import in_tenant
from tenants.management.kit import Group
from tenants.models import Tenant


class Create(TenantCommand):
    help = (
        "Create an event stream, which gets the tenant's changes from now on. A secret that is made "
        "for the receiver is printed once, alone on standard output."
    )
    examples = (
        "manage.py stream create acme --label HR --method push --endpoint https://hr.acme.example/",
        "manage.py stream create acme --label Audit --method poll --events create:full delete",
        "manage.py stream create acme --label SIEM --method webhook --endpoint https://siem.example/",
    )
    alias = "create_event_stream"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--label", required=True, help="The receiver of the events.")
        parser.add_argument("--method", required=True, choices=DeliveryMethod.values)
        parser.add_argument("--endpoint", default="", help="Where push and webhook send to: https.")
        parser.add_argument("--audience", default="", help="The tokens' aud; else the endpoint.")
        parser.add_argument(
            "--events",
            nargs="+",
            metavar="TYPE",
            choices=[uri.removeprefix(PREFIX) for uri in EVENT_URIS],
            default=[uri.removeprefix(PREFIX) for uri in DEFAULT_URIS],
            help="Types, such as create:full delete; all, as notices, by default.",
        )
        parser.add_argument(
            "--authorization",
            action="store_true",
            help="Push: read the Authorization header for the receiver from standard input.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        request = StreamRequest(
            label=options["label"],
            method=DeliveryMethod(options["method"]),
            endpoint=options["endpoint"],
            authorization=sys.stdin.readline().strip() if options["authorization"] else "",
            audience=options["audience"],
            event_uris=tuple(PREFIX + name for name in options["events"]),
        )
        created = streams.create_stream(self.actor, tenant, request)
        stream = created.stream
        self.note(f"Event stream: {stream.id}, audience {stream.audience}")
        if stream.method != DeliveryMethod.WEBHOOK:
            self.note(f"Issuer: {tenant.tenant_url}, keys at {tenant.tenant_url}/jwks.json")
        if stream.method == DeliveryMethod.POLL:
            self.note(
                f"Poll: POST {tenant.tenant_url}{polling.PATH} with the secret as bearer token"
            )
        if created.secret:
            self.note("The secret is shown this once:")
            self.stdout.write(created.secret)


class List(TenantCommand):
    help = "List a tenant's event streams, newest first, with what waits to be delivered."
    examples = ("manage.py stream list acme", "manage.py stream list acme --json")
    alias = "list_event_streams"
    columns = {
        "id": str,
        "label": str,
        "method": str,
        "state": str,
        "pending": str,
        "endpoint": str,
        "reason": str,
    }

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = list(EventStream.objects.filter(deleted_at=None))
            waiting = Delivery.objects.filter(status=DeliveryStatus.PENDING).order_by()
            pending = dict(waiting.values_list("stream").annotate(Count("id")))
        rows = [
            (
                stream.id,
                stream.label,
                stream.method,
                stream.state,
                pending.get(stream.id, 0),
                stream.endpoint,
                stream.reason,
            )
            for stream in found
        ]
        self.print_list(rows, options)


class StreamCommand(TenantCommand):
    """A command about one event stream."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "stream", help="Its id, or the beginning of it, as `stream list` prints it."
        )


class Pause(StreamCommand):
    help = "Send nothing on an event stream until it is resumed; changes are queued."
    examples = ("manage.py stream pause acme 6a4b0a7e",)
    alias = "pause_event_stream"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.pause_stream(self.actor, tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is paused.")


class Resume(StreamCommand):
    help = "Go on sending on an event stream, at once, where it stopped."
    examples = ("manage.py stream resume acme 6a4b0a7e",)
    alias = "resume_event_stream"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.resume_stream(self.actor, tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is resumed.")


class Delete(StreamCommand):
    help = "End an event stream; what it had not delivered is dropped."
    examples = ("manage.py stream delete acme 6a4b0a7e",)
    alias = "delete_event_stream"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        stream = streams.delete_stream(self.actor, tenant, options["stream"])
        self.note(f"The event stream {stream} of {tenant} is deleted.")


class Skip(TenantCommand):
    help = "Give up an event that cannot be delivered, so that what waits behind it can follow."
    examples = ("manage.py stream skip acme 6a4b0a7e-9d1f-4c55-8a0e-2f6d0f3c9a11 --yes",)
    alias = "skip_event"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("jti", help="The event's id; a stopped stream's reason names it.")
        parser.add_argument(
            "--yes", action="store_true", help="Skip it: the receiver never gets it."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = streams.get_delivery(tenant, options["jti"])
        what = f"{' and '.join(found.event.kinds)} of {found.event.uri} for {found.stream}"
        if not options["yes"]:
            raise CommandError(f"This would skip {what}, for good. Repeat the command with --yes.")
        streams.skip_event(self.actor, tenant, found.id)
        self.note(f"Skipped: {what}.")


class RotateKey(TenantCommand):
    help = "Sign a tenant's events with a new key; the former one stays published for 90 days."
    examples = ("manage.py stream rotate-key acme",)
    alias = "rotate_event_key"

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        key = streams.rotate_key(self.actor, tenant)
        self.note(f"The events of {tenant} are signed with {key.kid}.")


class Command(Group):
    help = "The event streams of a tenant (RFC 9967), and what waits on them."
    verbs = {
        "create": Create,
        "list": List,
        "pause": Pause,
        "resume": Resume,
        "delete": Delete,
        "skip": Skip,
        "rotate-key": RotateKey,
    }
