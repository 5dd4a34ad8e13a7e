"""The feature of history: its parts of the pages of users and groups."""

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from scim.history.restore import RestorePanel
from scim.history.restore_many import RestoreManyPanel
from scim.history.timeline import HistoryPanel
from scim.models import Group, User
from scim.provider.features import Feature


class History(Feature):
    """A resource's changes, the resource as it was, and deleted users brought back."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        for model in (User, Group):
            add_panel(tenant_site, model, HistoryPanel)
        add_panel(tenant_site, User, RestorePanel)
        add_panel(tenant_site, User, RestoreManyPanel)


FEATURE = History()
