"""`manage.py rotate_event_key acme`."""

from typing import Any

from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from scim.events import streams
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Sign a tenant's events with a new key; the former one stays published for 90 days."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        key = streams.rotate_key(Actor.command(), tenant)
        self.note(f"The events of {tenant} are signed with {key.kid}.")
