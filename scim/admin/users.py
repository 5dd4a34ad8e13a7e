"""Provisioned users, to read only: Entra manages them."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.admin.acting import record_view
from accounts.admin.filters import Conditions, TableFilter
from accounts.admin.looks import State, badge
from accounts.admin.pages import Fact, Facts, Page, Section, Table, Text, link, pretty
from accounts.admin.screens import RecordAdmin
from scim.admin import attributes, changes
from scim.admin.search import uuid_in
from scim.models import ProvisioningEvent, User
from scim.protocol.definitions import USER
from scim.protocol.projection import project
from scim.protocol.representation import Stored, represent
from scim.protocol.text import fold
from scim.provider.rules import work_email
from tenants.current import current_tenant

EVENTS_SHOWN: Final = 50
_SHOWN: Final = ("id", "document", "version", "created", "last_modified", "deleted_at", "continues")


class StateFilter(TableFilter):
    title = "state"
    parameter_name = "state"
    conditions: Conditions = {
        # RFC 7643 §4.1.1: only `active: false` disables.
        "active": ("Active", lambda: (Q(active=True) | Q(active=None)) & Q(deleted_at=None)),
        "disabled": ("Disabled", lambda: Q(active=False, deleted_at=None)),
        "deleted": ("Deleted", lambda: ~Q(deleted_at=None)),
    }


class UserAdmin(RecordAdmin[User]):
    list_display = (
        "user_name",
        "shown_name",
        "email",
        "state",
        "external",
        "created",
        "last_modified",
    )
    list_filter = (StateFilter,)
    ordering = ("-id",)
    counted_as = ("user", "users")
    is_provisioned = True
    group = "Provisioning"
    purpose = "Everybody whom Entra has sent, with all attributes and their history."
    when_empty = "Entra sends them in the first cycle after Provisioning was switched on."
    sortable_by = ("user_name", "created")
    search_fields = ("id",)  # shows the box; get_search_results says what it finds
    search_help_text = "The beginning of a userName, e-mail, externalId, display name or family name, or a whole id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).only(*_SHOWN)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the stored keys, so that letter case is what it is for SCIM."""
        term = search_term.strip()
        if not term:
            return queryset, False
        folded = fold(term)
        found = (
            Q(unique_key__startswith=folded)
            | Q(work_email__startswith=folded)
            | Q(display_name__startswith=folded)
            | Q(family_name__startswith=folded)
            | Q(external_id__startswith=term)
        )
        identifier = uuid_in(term)
        return queryset.filter(found | Q(pk=identifier) if identifier else found), False

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "user viewed" if subject else "user list viewed", subject)

    @admin.display(description="userName", ordering="unique_key")
    def user_name(self, user: User) -> str:
        return str(user.document.get("userName"))

    @admin.display(description="display name")
    def shown_name(self, user: User) -> Any:
        return user.document.get("displayName")

    @admin.display(description="work e-mail")
    def email(self, user: User) -> str | None:
        return work_email(user.document)

    @admin.display(description="externalId")
    def external(self, user: User) -> Any:
        return user.document.get("externalId")

    @admin.display(description="state")
    def state(self, user: User) -> SafeString:
        return state_badge(user)

    def page(self, request: HttpRequest, record: User) -> Page:
        sections: tuple[Section, ...] = (
            _record(record),
            Facts(
                "Attributes", tuple(Fact(*row) for row in attributes.rows(USER, record.document))
            ),
            changes.history(record.pk, request.GET.get("before", "")),
            _events(record),
            Text("SCIM JSON, as Entra sees it", pretty(_representation(record)), "scim-json"),
        )
        notice = "Microsoft Entra ID manages this user: it is changed there, not here."
        if record.deleted_at:
            notice = (
                "Entra deleted this user: SCIM answers 404 for it and its userName is free again."
                " The record and its history are kept."
            )
        return Page(self.user_name(record), sections, notice=notice)


def state(user: User) -> str:
    """Active, Disabled or Deleted."""
    if user.deleted_at:
        return "Deleted"
    return "Disabled" if user.document.get("active") is False else "Active"


def state_badge(user: User) -> SafeString:
    """The state of a user, as it looks on a page."""
    looks: dict[str, State] = {"Active": "ok", "Disabled": "warning"}
    word = state(user)
    return badge(looks.get(word, "unknown"), word)


def _record(user: User) -> Facts:
    facts = [
        Fact("State", state_badge(user)),
        Fact("id", user.pk, copyable=True),
        Fact("Created", user.created),
        Fact("Last modified", user.last_modified),
        Fact("Version", user.version),
    ]
    if user.deleted_at:
        facts.append(Fact("Deleted", user.deleted_at))
    if user.continues:
        former = reverse("admin:scim_user_change", args=[user.continues])
        facts.append(Fact("Continues", link(former, user.continues)))
    return Facts("Record", tuple(facts))


def _representation(user: User) -> dict[str, Any]:
    stored = Stored(user.pk, user.document, user.version, user.created, user.last_modified)
    return project(USER, represent(USER, stored, current_tenant().tenant_url))


def _events(user: User) -> Table:
    found = ProvisioningEvent.objects.filter(resource_id=user.pk).order_by("-id")
    rows = tuple(
        (
            event.at,
            event.operation,
            event.status,
            event.detail or None,
            link(reverse("admin:scim_provisioningevent_change", args=[event.pk]), event.request_id),
        )
        for event in found.defer("sent", "notes")[: EVENTS_SHOWN + 1]
    )
    whole = f"{reverse('admin:scim_provisioningevent_changelist')}?q={user.pk}"
    return Table(
        "Provisioning log",
        ("When", "Operation", "Status", "Detail", "Request"),
        rows[:EVENTS_SHOWN],
        "No request is recorded.",
        link(whole, "All requests about this user") if len(rows) > EVENTS_SHOWN else None,
    )
