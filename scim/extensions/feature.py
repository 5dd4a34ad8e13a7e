"""What extensions give to the rest: a tenant's own schemas, and their screen."""

from collections.abc import Iterable

from django.contrib.admin import AdminSite

from scim.extensions import storage
from scim.extensions.definitions import read_schema
from scim.extensions.models import ExtensionSchema
from scim.extensions.schema_screen import ExtensionSchemaAdmin
from scim.protocol.redaction import remembering
from scim.protocol.schema import Extension
from scim.provider.features import Added, Feature


class Extensions(Feature):
    """A tenant defines schemas of its own (RFC 7643 §3.3)."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(ExtensionSchema, ExtensionSchemaAdmin)

    def extensions(self) -> Iterable[Added]:
        for row in storage.everything():
            schema = read_schema(row.definition)
            yield Added(
                row.resource_type,
                Extension(schema, row.is_required),
                remembered=Extension(remembering(schema, row.former_secrets)),
                is_in_force=row.removed_at is None,
            )


FEATURE = Extensions()
