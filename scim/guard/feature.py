"""What the guard gives to the rest: its observer, its screen, warnings and the undo."""

from collections.abc import Iterable

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from accounts.console.site import add_part
from scim.guard import undoing, watch
from scim.guard.alarm_screen import AlarmAdmin
from scim.guard.banners import AlarmPanel, StaffPart, TenantPart
from scim.guard.departures import Departures
from scim.provider.features import Feature, Job, Round
from scim.provider.observers import Observer
from tenants.models import Alarm, Tenant


class Guard(Feature):
    """Mass deactivations are noticed, held and undone."""

    def observer(self) -> Observer:
        return Departures()

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Alarm, AlarmAdmin)
        add_part(staff_site, StaffPart)
        add_part(tenant_site, TenantPart)
        add_panel(staff_site, Tenant, AlarmPanel)

    def rounds(self) -> Iterable[Round]:
        return (watch.LOOKS,)

    def jobs(self) -> Iterable[Job]:
        return (Job("undo", undoing.tenants_with_work, undoing.advance),)


FEATURE = Guard()
