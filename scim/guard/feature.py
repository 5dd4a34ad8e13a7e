"""What the guard gives to the rest: its screen and the undo of a mass deactivation."""

from collections.abc import Iterable

from django.contrib.admin import AdminSite

from scim.guard import undoing
from scim.guard.screen import AlarmAdmin
from scim.provider.features import Feature, Job
from tenants.models import Alarm


class Guard(Feature):
    """Mass deactivations are noticed, held and undone."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Alarm, AlarmAdmin)

    def jobs(self) -> Iterable[Job]:
        return (Job("undo", undoing.tenants_with_work, undoing.advance),)


FEATURE = Guard()
