"""The feature of the guard: its observer, its screen, warnings and the undo."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from accounts.console.site import add_part
from accounts.refusals import Refusal
from scim.guard import undoing, watch
from scim.guard.alarm_screen import AlarmAdmin, AlarmPanel, StaffPart, TenantPart
from scim.guard.departures import Departures
from scim.guard.leavers import LeaverAdmin
from scim.guard.models import Departure
from scim.provider.features import Feature, Job, Round
from scim.provider.observers import Observer
from tenants.models import Alarm, Tenant


class Guard(Feature):
    """Mass deactivations are noticed, held and undone."""

    def observer(self) -> Observer:
        return Departures()

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Alarm, AlarmAdmin)
        tenant_site.register(Departure, LeaverAdmin)
        add_part(staff_site, StaffPart)
        add_part(tenant_site, TenantPart)
        add_panel(staff_site, Tenant, AlarmPanel)

    def refusals(self) -> Iterable[Refusal]:
        return (_HELD,)

    def rounds(self) -> Iterable[Round]:
        return (watch.LOOKS,)

    def prune(self, before: datetime) -> Mapping[str, int]:
        removed, _ = Departure.objects.filter(at__lt=before).delete()
        return {"departures": removed}

    def jobs(self) -> Iterable[Job]:
        return (Job("undo", undoing.tenants_with_work, undoing.advance),)


_HELD: Final = Refusal(
    "guard.held",
    "Unusually many users were deactivated or deleted within an hour, and the tenant has chosen"
    " that further deactivations wait.",
    "RFC 6585 §4; myPolicies: the guard against mass deactivation",
    "Open the mass deactivation. Not intended? Fix the assignment or the scope in Entra first, then"
    " undo. Intended? Allow it; Entra retries the request.",
    "myPolicies: Mass deactivations",
)
FEATURE = Guard()
