"""The feature of extensions: a tenant's own schemas, and their screen."""

from collections.abc import Iterable
from typing import Final

from django.contrib.admin import AdminSite

from accounts.refusals import Refusal
from scim.extensions import storage
from scim.extensions.models import ExtensionSchema
from scim.extensions.reader import read_schema
from scim.extensions.schema_screen import ExtensionSchemaAdmin
from scim.protocol.redaction import remembering
from scim.protocol.schema import Extension
from scim.provider.features import Added, Feature


class Extensions(Feature):
    """A tenant defines schemas of its own (RFC 7643 §3.3)."""

    def refusals(self) -> Iterable[Refusal]:
        return _REFUSALS

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


_SCREEN: Final = "myPolicies: Extension schemas"
_REFUSALS: Final = (
    Refusal(
        "schema.definition",
        "The definition is not a schema as /Schemas shows one.",
        "RFC 7643 §3.3, §7",
        "Correct the member that the message names.",
        _SCREEN,
    ),
    Refusal(
        "schema.in-use",
        "Users or groups have values that would be lost, or could not be read any more.",
        "myPolicies: a schema changes only in ways that keep all values",
        "Let Entra clear or fill the values first, or keep the attribute as it is.",
        _SCREEN,
    ),
    Refusal(
        "schema.secret",
        "Values of an attribute that is never returned are not stored.",
        "RFC 7643 §7: returned; myPolicies: secret values are kept nowhere",
        "Make it neither required nor unique, or choose another name.",
        _SCREEN,
    ),
    Refusal(
        "schema.duplicates",
        "Two users or groups have the same value of an attribute that should be unique.",
        "RFC 7643 §7: uniqueness",
        "Change one of the two values at the source, then define the attribute again.",
        _SCREEN,
    ),
    Refusal(
        "schema.owner",
        "Unique indexes are made by the login that owns the database.",
        "myPolicies: the login that serves changes no tables",
        "Use manage.py schema define or schema remove.",
        _SCREEN,
    ),
    Refusal(
        "schema.slow",
        "The unique index could not be built in time.",
        "myPolicies: changes of a schema take a moment",
        "Try again when fewer changes are made.",
        _SCREEN,
    ),
)
FEATURE = Extensions()
