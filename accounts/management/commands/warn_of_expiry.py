"""`manage.py warn_of_expiry`: e-mails before credentials expire; for a timer, once an hour or a day."""

from typing import Any

from accounts import expiries
from accounts.management.administration import AdministrativeCommand
from tenants import clock, schemas
from tenants.words import counted


class Command(AdministrativeCommand):
    help = (
        "Queue e-mails to the tenant's admins and staff 30, 14, 3 and 1 days before a secret token"
        " or client secret expires, each warning once; run_jobs sends them."
    )

    examples = ("manage.py warn_of_expiry",)

    def perform(self, options: dict[str, Any]) -> None:
        count = 0
        tenants = self.reachable(schemas.active())
        for warned in expiries.warn(self.actor, tenants, clock.now()):
            count += 1
            expiry = warned.expiry
            line = f"{expiry.tenant.custom_domain}: {expiry.name}, {counted(warned.messages, 'message')}."
            self.note(line)
        self.note(f"{counted(count, 'warning')} queued.")
