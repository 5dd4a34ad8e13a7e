"""`manage.py clearsessions`: for a daily timer, over the schemas of all tenants."""

from typing import Any, Final

from accounts import guessing
from accounts.models import Session
from tenants import clock, schemas
from tenants.current import in_public, in_tenant
from tenants.management.kit import HouseCommand
from tenants.models import Tenant
from tenants.words import counted

_EXPIRED: Final = "SELECT 1 FROM {schema}.accounts_session WHERE expire_date < %s"
_COLUMN: Final = ("accounts_session", "expire_date")
_COUNTED: Final = "SELECT 1 FROM {schema}.accounts_guesses WHERE last_at < %s"
_COUNT: Final = ("accounts_guesses", "last_at")


class Command(HouseCommand):
    help = (
        "Delete the expired sessions of all tenants, suspended ones and staff included, and counts of"
        " failed sign-ins that decide nothing any more."
    )
    examples = ("manage.py clearsessions",)

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        with in_public():
            tenants = list(Tenant.objects.all())
        count = 0
        found = schemas.where(_EXPIRED, _COLUMN, [now], tenants)
        for tenant in self.progress(found.tenants, "Tenants with expired sessions"):
            with in_tenant(tenant):
                deleted, _ = Session.objects.filter(expire_date__lt=now).delete()
            count += deleted
        guessed = schemas.where(_COUNTED, _COUNT, [now - guessing.FORGOTTEN], tenants)
        for tenant in guessed.tenants:
            with in_tenant(tenant):
                guessing.purge(now)
        self.note_silent(found.silent)
        self.stdout.write(f"{counted(count, 'expired session')} deleted.")
