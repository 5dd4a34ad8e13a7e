"""Provisioned users, to read only: Entra manages them."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.console.export import Export, ExportingAdmin, moment
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Fact, Facts, Header, Page, Section, Table, person
from scim.models import Resource, User
from scim.protocol import urns
from scim.provider.rules import work_email
from scim.repository import belonging
from scim.screens import records
from scim.screens.records import (
    ChangedFilter,
    ResourceAdmin,
    resource_link,
    state,
    state_badge,
    unique_key,
)
from scim.screens.visibility import Sight
from tenants import clock
from tenants.lettercase import fold

_DELETED = (
    "Entra deleted this user: SCIM answers 404 for it and its userName is free again."
    " The record and its history are kept."
)

COLUMNS: Final = (  # of a list of users as a file
    *("id", "userName", "externalId", "state", "displayName", "givenName", "familyName"),
    *("work e-mail", "department", "manager", "created", "last modified", "deleted"),
)


def cells(user: Resource, shown: Mapping[str, Any]) -> list[Any]:
    """The cells of a user under COLUMNS, of what is shown of its document."""
    name, work = shown.get("name", {}), shown.get(urns.ENTERPRISE_USER, {})
    return [
        user.pk,
        *(shown.get(attribute) for attribute in ("userName", "externalId")),
        state(user),
        shown.get("displayName"),
        *(name.get(part) for part in ("givenName", "familyName")),
        work_email(shown),
        work.get("department"),
        work.get("manager", {}).get("value"),
        *map(moment, (user.created, user.last_modified, user.deleted_at)),
    ]


class StateFilter(TableFilter):
    title = "state"
    parameter_name = "state"
    conditions: Conditions = {
        # RFC 7643 §4.1.1: only `active: false` disables.
        "active": ("Active", lambda: (Q(active=True) | Q(active=None)) & Q(deleted_at=None)),
        "disabled": ("Disabled", lambda: Q(active=False, deleted_at=None)),
        "deleted": ("Deleted", lambda: Q(deleted_at__isnull=False)),
    }


class UserAdmin(ExportingAdmin[User], ResourceAdmin[User]):
    export_permission = "scim.export_user"
    type_name = urns.USER_TYPE
    naming = "userName"
    list_display = (
        "user_name",
        "email",
        "state",
        "last_modified",
    )
    more_columns = ("external", "department", "created")
    list_filter = (StateFilter, ChangedFilter)
    counted_as = ("user", "users")
    views_noted = ("user list viewed", "user viewed")
    group = "Provisioning"
    icon = "users"
    purpose = "All users from Entra, with their attributes and history."
    when_empty = "Entra sends them in the first cycle after provisioning is turned on."
    sortable_by = ("user_name", "created")
    search_help_text = "Beginning of a name, user name, e-mail or external ID; or a complete id."

    def named(self, term: str, lookup: str) -> Q:
        key = fold(term)
        columns = ("work_email", "display_name", "family_name")
        found = unique_key(Q(**{f"unique_key__{lookup}": key}))
        for column in columns:
            found |= Q(**{f"{column}__{lookup}": key})
        return found

    def export(self, request: HttpRequest) -> Export:
        sight, day = Sight.of(request), clock.now()

        def seen(user: User) -> list[Any]:
            return cells(user, sight.json(user.document, urns.USER_TYPE))

        return Export(f"users-{day:%Y-%m-%d}.csv", COLUMNS, seen, notice=sight.notice)

    @admin.display(description="user", ordering="unique_key")
    def user_name(self, user: User) -> SafeString:
        """The display name over the userName."""
        login, name = str(self.shown(user, "userName")), self.called(user)
        return person("" if name == login else name, login)

    @admin.display(description="work e-mail")
    def email(self, user: User) -> Any:
        return self.shown(user, "emails.value", work_email(user.document))

    @admin.display(description="department")
    def department(self, user: User) -> Any:
        return user.document.get(urns.ENTERPRISE_USER, {}).get("department")

    def page(self, request: HttpRequest, record: User) -> Page:
        sight = Sight.of(request)
        kind = self.resource_type()
        stored = records.stored_of(kind, record)
        sections: tuple[Section, ...] = (
            _record(record),
            *records.attribute_sections(kind, record.document, sight),
            records.groups_section(record),
            _managers(record, sight),
        )
        closing = (records.json_section(kind, stored, sight, "SCIM JSON, as Entra sees it"),)
        notice = f"{_DELETED if record.deleted_at else ''} {sight.notice}".strip()
        title = self.called(record)
        return Page(title, sections, notice=notice, closing=closing, header=self._header(record))

    def hit(self, record: User) -> tuple[str, str, str]:
        login, name = str(self.shown(record, "userName")), self.called(record)
        known_by = "" if name == login else f"{login} · "
        return name, self.record_path(record.pk), f"{known_by}{records.state(record)}"

    def called(self, user: User) -> str:
        """The name of a user for people: the display name, else the formatted one, else the userName."""
        name = self.shown(user, "displayName") or self.shown(
            user, "name.formatted", _formatted(user)
        )
        return str(name or self.shown(user, "userName"))

    def _header(self, user: User) -> Header:
        department = user.document.get(urns.ENTERPRISE_USER, {}).get("department")
        facts = [
            Fact("User name", self.shown(user, "userName")),
            Fact("Work e-mail", self.email(user)),
            Fact("Department", department),
            Fact("Provisioned", user.created),
            Fact("Last change", user.last_modified),
        ]
        return Header(state_badge(user), tuple(each for each in facts if each.value))


def _formatted(user: User) -> Any:
    return user.document.get("name", {}).get("formatted")


def _record(user: User) -> Facts:
    facts = records.record_facts(user)
    follower = _follower(user) if user.deleted_at else None
    if follower is not None:
        facts.append(Fact("Continued by", resource_link(urns.USER_TYPE, follower)))
    return Facts("Record", tuple(facts))


def _follower(user: User) -> Any:
    """The id of the user who was created again in this one's place; the externalId finds it."""
    external_id = user.document.get("externalId")
    found = User.objects.filter(external_id=external_id, continues=user.pk)
    return found.values_list("pk", flat=True).first()


def _managers(user: User, sight: Sight) -> Table:
    """The manager, the manager's manager and so on; a manager may not be provisioned (E5)."""
    manager = user.document.get(urns.ENTERPRISE_USER, {}).get("manager", {}).get("value")
    rows = []
    for step in belonging.managers_of(user.pk, str(manager)) if manager else []:
        name = sight.value("displayName", step.display_name or step.user_name, urns.USER_TYPE)
        shown = resource_link(urns.USER_TYPE, step.id, name) if step.id else None
        remark = "deleted" if step.is_deleted else None if step.id else "not provisioned"
        remark = "already listed: the chain is circular" if step.closes_circle else remark
        named = step.named if step.id else sight.value("manager.value", step.named, urns.USER_TYPE)
        rows.append((shown, named, remark))
    headings = ("Manager", "id", "Remark")
    return Table("Management chain", headings, tuple(rows), "No manager.")
