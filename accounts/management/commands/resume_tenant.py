"""`manage.py resume_tenant acme`."""

from typing import Any

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Serve a suspended tenant again."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        actions.resume_tenant(Actor.command(), tenant)
        self.note(f"{tenant} is served again.")
