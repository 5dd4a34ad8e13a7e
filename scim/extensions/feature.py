"""What extensions give to the rest: the screen of a tenant's own schemas."""

from django.contrib.admin import AdminSite

from scim.extensions.screen import ExtensionSchemaAdmin
from scim.models import ExtensionSchema
from scim.provider.features import Feature


class Extensions(Feature):
    """A tenant defines schemas of its own (RFC 7643 §3.3)."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(ExtensionSchema, ExtensionSchemaAdmin)


FEATURE = Extensions()
