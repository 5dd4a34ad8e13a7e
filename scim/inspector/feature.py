"""What the inspector gives to the rest: the provisioning log, and its part of a resource's page."""

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from scim.inspector.log_screen import ProvisioningEventAdmin, RequestsPanel
from scim.models import Group, ProvisioningEvent, User
from scim.provider.features import Feature


class Inspector(Feature):
    """Every request can be looked up, explained and tried again without effect."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(ProvisioningEvent, ProvisioningEventAdmin)
        for model in (User, Group):
            add_panel(tenant_site, model, RequestsPanel)


FEATURE = Inspector()
