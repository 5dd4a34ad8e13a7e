"""The feature of monitoring: its observer, a tenant's first page, a part of staff's page of it."""

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from accounts.console.site import add_part
from scim.monitoring.exchanges import Exchanges
from scim.monitoring.health import TenantPanel
from scim.monitoring.portal import SetUp
from scim.provider.features import Feature
from scim.provider.observers import Observer
from tenants.models import Tenant


class Monitoring(Feature):
    """The state of each tenant's connection, learned from its traffic."""

    def observer(self) -> Observer:
        return Exchanges()

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        add_part(tenant_site, SetUp)
        add_panel(staff_site, Tenant, TenantPanel)


FEATURE = Monitoring()
