"""`manage.py create_event_stream acme --label "HR replica" --method push --endpoint https://…`.

A secret that is made for the receiver is printed once, alone on standard output.
"""

import sys
from typing import Any

from django.core.management.base import CommandParser

from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from scim.events import polling, streams
from scim.events.claims import EVENT_URIS, PREFIX
from scim.events.streams import DEFAULT_URIS, StreamRequest
from scim.models import DeliveryMethod
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Create an event stream (RFC 9967), which gets the tenant's changes from now on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--label", required=True, help="What receives the events.")
        parser.add_argument("--method", required=True, choices=DeliveryMethod.values)
        parser.add_argument("--endpoint", default="", help="Where push and webhook send to: https.")
        parser.add_argument("--audience", default="", help="The tokens' aud; else the endpoint.")
        parser.add_argument(
            "--events",
            nargs="+",
            metavar="TYPE",
            choices=[uri.removeprefix(PREFIX) for uri in EVENT_URIS],
            default=[uri.removeprefix(PREFIX) for uri in DEFAULT_URIS],
            help="Which types, such as create:full delete; all, as notices, unless given.",
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
        created = streams.create_stream(Actor.command(), tenant, request)
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
