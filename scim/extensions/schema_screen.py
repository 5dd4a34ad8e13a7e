"""A tenant's extension schemas: the list, one schema's attributes, and defining and removing them."""

from dataclasses import replace
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Page, Table, Text, pretty
from accounts.console.screen import RecordAdmin
from scim.extensions.defining import DEFINE, Definition, define_schema, remove_schema, stored_form
from scim.extensions.models import ExtensionSchema
from scim.extensions.reader import read_schema
from scim.provider.catalog import RESOURCE_TYPES
from tenants.current import current_tenant

_EXAMPLE: Final = {
    "id": "urn:ietf:params:scim:schemas:extension:acme:2.0:User",
    "name": "Acme",
    "description": "What Acme keeps of its people.",
    "attributes": [
        {
            "name": "badgeNumber",
            "type": "string",
            "description": "The number on the door card.",
            "caseExact": True,
        },
    ],
}
_HEADINGS: Final = (
    "Attribute",
    "Type",
    "Multi-valued",
    "Required",
    "Unique",
    "Case exact",
    "Mutability",
    "Returned",
    "Description",
)
_IN_ENTRA: Final = (
    "In Entra the attribute is added under Attribute mapping, Show advanced options, Edit attribute"
    " list, with its full name: the URN, a colon, the attribute."
)


class SchemaForm(ActionForm):
    resource_type = forms.ChoiceField(
        choices=[(each.name, each.name) for each in RESOURCE_TYPES], label="Extends"
    )
    is_required = forms.BooleanField(
        required=False,
        label="Required",
        help_text="Every one must have values of the schema; a request that leaves one without is"
        " refused.",
    )
    definition = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false"}),
        help_text="A Schema resource as JSON (RFC 7643 §7), as /Schemas shows one.",
    )

    def asked(self) -> Definition:
        """The request that the valid form holds."""
        data = self.cleaned_data
        return Definition(data["definition"], data["resource_type"], data["is_required"])


def _define(call: Call[Any]) -> ExtensionSchema:
    return define_schema(call.actor, current_tenant(), call.form.asked())


_ADD: Final[Action[Any]] = Action(
    name=ADD,
    label="Define schema",
    permission=DEFINE,
    needs_proof=True,
    title="Define schema",
    text=(
        "Users and groups of {tenant.name} ({tenant.host}) can then have the attributes of this"
        " schema, beside those of the standard."
    ),
    form=SchemaForm,
    options=lambda _: {"initial": {"definition": pretty(_EXAMPLE)}},
    fields={"": "definition"},
    run=_define,
    done="The schema {result.urn} applies from the next request on.",
)
_ACTIONS: Final[tuple[Action[Any], ...]] = (
    _ADD,
    replace(
        _ADD,
        name="redefine",
        label="Change",
        title="Change {record.urn}",
        options=lambda call: {"initial": _initial(call.record)},
    ),
    Action(
        name="remove",
        label="Remove",
        needs_proof=True,
        permission=DEFINE,
        title="Remove {record.urn}?",
        text=(
            "{tenant.name} ({tenant.host}) no longer accepts, stores or shows its attributes. It cannot"
            " be removed while someone has values of it.\n"
            "The history of its attributes stays."
        ),
        sections=lambda call: (_facts(call.record),),
        submit="Remove this schema",
        run=lambda call: remove_schema(call.actor, current_tenant(), call.record.urn),
        done="Schema {record.urn} removed.",
        is_dangerous=True,
        leads_to_list=True,
    ),
)


class ExtensionSchemaAdmin(RecordAdmin[ExtensionSchema]):
    list_display = ("urn", "resource_type", "required", "attributes", "changed_at", "changed_by")
    ordering = ("created_at", "urn")
    counted_as = ("schema", "schemas")
    group = "Connection"
    icon = "schema"
    views_noted = ("schemas listed", "schema viewed")
    action_table = _ACTIONS
    purpose = "Attributes of this tenant's own, as SCIM extension schemas that Entra can map."
    when_empty = (
        "Users and groups have the attributes of the standard; myPolicies support adds others."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExtensionSchema]:
        return super().get_queryset(request).filter(removed_at=None)

    @admin.display(description="required", boolean=True)
    def required(self, row: ExtensionSchema) -> bool:
        return row.is_required

    @admin.display(description="attributes")
    def attributes(self, row: ExtensionSchema) -> int:
        return len(row.definition["attributes"])

    def page(self, request: HttpRequest, record: ExtensionSchema) -> Page:
        rows = tuple(_rows(record.definition["attributes"], ""))
        sections = (
            _facts(record),
            Table("Attributes", _HEADINGS, rows, "No attributes."),
            Text("Definition", _shown(record), "definition"),
        )
        return Page(record.urn, sections, notice=_IN_ENTRA)


def _initial(record: ExtensionSchema) -> dict[str, Any]:
    return {
        "resource_type": record.resource_type,
        "is_required": record.is_required,
        "definition": _shown(record),
    }


def _shown(record: ExtensionSchema) -> str:
    """The definition in the order of the RFC, which the database does not keep."""
    return pretty(stored_form(read_schema(record.definition)))


def _facts(row: ExtensionSchema) -> Facts:
    return Facts(
        "Schema",
        (
            Fact("URN", row.urn, copyable=True),
            Fact("Name", row.definition["name"]),
            Fact("Description", row.definition["description"] or None),
            Fact("Extends", row.resource_type),
            Fact("Required", "Yes" if row.is_required else "No"),
            Fact("Defined", row.created_at),
            Fact("Changed", row.changed_at),
            Fact("Changed by", row.changed_by),
        ),
    )


def _rows(attributes: list[dict[str, Any]], prefix: str) -> list[tuple[Any, ...]]:
    """A row an attribute, its sub-attributes below it."""
    rows: list[tuple[Any, ...]] = []
    for attribute in attributes:
        name = f"{prefix}{attribute['name']}"
        flags = (
            attribute["multiValued"],
            attribute["required"],
            attribute["uniqueness"] != "none",
            attribute.get("caseExact", False),
        )
        rows.append(
            (
                name,
                attribute["type"],
                *("Yes" if flag else "No" for flag in flags),
                attribute["mutability"],
                attribute["returned"],
                attribute["description"],
            )
        )
        rows += _rows(attribute.get("subAttributes", []), f"{name}.")
    return rows
