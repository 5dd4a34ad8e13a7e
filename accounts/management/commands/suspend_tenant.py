"""`manage.py suspend_tenant acme`."""

from typing import Any

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Stop serving a tenant; its data stay."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        actions.suspend_tenant(Actor.command(), tenant)
        self.note(f"{tenant} is suspended: every request is answered 403.")
