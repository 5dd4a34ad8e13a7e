"""The feature of the inspector: the provisioning log, and its part of a resource's page."""

from collections.abc import Iterable
from typing import Final

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from accounts.refusals import Refusal
from scim.inspector.log_screen import ProvisioningEventAdmin, RequestsPanel
from scim.models import Group, ProvisioningEvent, User
from scim.provider.features import Feature


class Inspector(Feature):
    """Every request can be looked up, explained and tried again without effect."""

    def refusals(self) -> Iterable[Refusal]:
        return (_IMPOSSIBLE,)

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(ProvisioningEvent, ProvisioningEventAdmin)
        for model in (User, Group):
            add_panel(tenant_site, model, RequestsPanel)


_IMPOSSIBLE: Final = Refusal(
    "dry-run.impossible",
    "The log does not hold enough of the request to replay it, or it changed nothing.",
    "myPolicies: dry runs",
    "Open another request of the same kind.",
    "myPolicies: Provisioning log",
)
FEATURE = Inspector()
