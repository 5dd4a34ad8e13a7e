"""What the guard gives to the rest: its observer, its screen and the undo of a mass deactivation."""

from collections.abc import Iterable

from django.contrib.admin import AdminSite

from scim.guard import undoing
from scim.guard.departures import Departures
from scim.guard.screen import AlarmAdmin
from scim.provider.features import Feature, Job
from scim.provider.observers import Observer
from tenants.models import Alarm


class Guard(Feature):
    """Mass deactivations are noticed, held and undone."""

    def observer(self) -> Observer:
        return Departures()

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Alarm, AlarmAdmin)

    def jobs(self) -> Iterable[Job]:
        return (Job("undo", undoing.tenants_with_work, undoing.advance),)


FEATURE = Guard()
