"""The feature of the reference: pages about the API."""

from django.contrib.admin import AdminSite

from accounts.console.site import add_part
from scim.provider.features import Feature
from scim.reference.screen import ApiPart


class Reference(Feature):
    """The API is explained by requests to try, and by a reference of all endpoints."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        add_part(tenant_site, ApiPart)


FEATURE = Reference()
