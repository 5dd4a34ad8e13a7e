"""A tenant's extension schemas: the list, one schema's attributes, and defining and removing them."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from accounts.console.asked import Asked, ask, done
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Page, Table, Text, pretty
from accounts.console.screen import RecordAdmin
from accounts.signed_in import actor, may, record_view
from scim.extensions.actions import DEFINE, Definition, define_schema, remove_schema, stored_form
from scim.extensions.definitions import read_schema
from scim.extensions.models import ExtensionSchema
from scim.provider.capabilities import RESOURCE_TYPES
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
            "uniqueness": "server",
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
        """What the valid form asks for."""
        data = self.cleaned_data
        return Definition(data["definition"], data["resource_type"], data["is_required"])


class ExtensionSchemaAdmin(RecordAdmin[ExtensionSchema]):
    list_display = ("urn", "resource_type", "required", "attributes", "changed_at", "changed_by")
    ordering = ("created_at", "urn")
    add_label = "Define schema"
    add_permission = DEFINE
    counted_as = ("schema", "schemas")
    group = "Connection"
    purpose = "Attributes of this tenant's own, as SCIM extension schemas that Entra can map."
    when_empty = (
        "Users and groups have the attributes of the standard; myPolicies support adds others."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExtensionSchema]:
        return super().get_queryset(request).filter(removed_at=None)

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("<uuid:schema_id>/redefine/", self.redefine_view, "redefine"),
            self.act_url("<uuid:schema_id>/remove/", self.remove_view, "remove"),
        ]
        return [*acts, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "schema viewed" if subject else "schemas listed", subject)

    @admin.display(description="required", boolean=True)
    def required(self, row: ExtensionSchema) -> bool:
        return row.is_required

    @admin.display(description="attributes")
    def attributes(self, row: ExtensionSchema) -> int:
        return len(row.definition["attributes"])

    def page(self, request: HttpRequest, record: ExtensionSchema) -> Page:
        acts = []
        if may(request, DEFINE):
            acts.append(self.act("Change", "redefine", record.pk))
            acts.append(self.act("Remove", "remove", record.pk, is_dangerous=True))
        rows = tuple(_rows(record.definition["attributes"], ""))
        sections = (
            _facts(record),
            Table("Attributes", _HEADINGS, rows, "It has no attributes."),
            Text("Definition", _shown(record), "definition"),
        )
        return Page(record.urn, sections, tuple(acts), notice=_IN_ENTRA)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, with an example to start from."""
        return self._define(request, "Define schema", self.list_path(), None)

    def redefine_view(self, request: HttpRequest, schema_id: UUID) -> HttpResponse:
        """The form, with what is in force."""
        record = self.get_record(request, schema_id)
        return self._define(request, f"Change {record.urn}", self.record_path(record.pk), record)

    def remove_view(self, request: HttpRequest, schema_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST removes the schema."""
        record, tenant = self.get_record(request, schema_id), current_tenant()

        def remove(_form: Any) -> HttpResponse:
            remove_schema(actor(request), tenant, record.urn)
            return done(request, self.list_path(), f"The schema {record.urn} is removed.")

        asked = Asked(
            title=f"Remove {record.urn}?",
            act_label="Remove this schema",
            permission=DEFINE,
            cancel_path=self.record_path(record.pk),
            run=remove,
            sentences=(
                (
                    f"{tenant.name} ({tenant.host}) no longer accepts, stores or shows its attributes."
                    " It cannot be removed while someone has values of it."
                ),
                "The history of its attributes stays.",
            ),
            sections=(_facts(record),),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def _define(
        self, request: HttpRequest, title: str, cancel_path: str, record: ExtensionSchema | None
    ) -> HttpResponse:
        tenant = current_tenant()

        def define(form: SchemaForm) -> HttpResponse:
            row = define_schema(actor(request), tenant, form.asked())
            sentence = f"The schema {row.urn} is in force from the next request on."
            return done(request, self.record_path(row.pk), sentence)

        def form(*args: Any, initial: dict[str, Any] | None = None) -> SchemaForm:
            return SchemaForm(*args, initial={**_initial(record), **(initial or {})})

        asked = Asked(
            title=title,
            act_label="Put in force",
            permission=DEFINE,
            cancel_path=cancel_path,
            run=define,
            form=form,
            fields={"": "definition"},
            sentences=(
                (
                    f"Users and groups of {tenant.name} ({tenant.host}) can then have the attributes of"
                    " this schema, beside those of the standard."
                ),
            ),
        )
        return ask(self, request, asked)


def _initial(record: ExtensionSchema | None) -> dict[str, Any]:
    if record is None:
        return {"definition": pretty(_EXAMPLE)}
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
