"""Provisioned groups, to read only: members are read a page at a time, whatever their number."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Func, IntegerField, Q, QuerySet
from django.http import HttpRequest

from accounts.console.listing import Conditions, TableFilter, uuid_in
from accounts.console.page import Fact, Facts, Header, Page, Section, Table, link
from scim.models import Group
from scim.protocol import urns
from scim.repository import belonging
from scim.screens import records
from scim.screens.records import ChangedFilter, ResourceAdmin
from scim.screens.visibility import Sight
from tenants.lettercase import fold

MEMBERS_SHOWN: Final = 50
_COUNTED: Final = 1_000  # members of each group of a list
_COUNTED_ON_PAGE: Final = 100_000
_FIRST: Final = UUID(int=0)
_DELETED: Final = "Entra deleted this group: SCIM answers 404 for it, and it has no members."


class MemberCount(Func):
    """The number of members of the row's group, counted up to one more than the list shows."""

    template = """(
        SELECT count(*) FROM (
            SELECT 1 FROM scim_membership WHERE group_id = "scim_resource"."id" LIMIT %(limit)s
        ) AS bounded
    )"""
    output_field = IntegerField()


class StateFilter(TableFilter):
    title = "state"
    parameter_name = "state"
    conditions: Conditions = {
        "active": ("Active", lambda: Q(deleted_at=None)),
        "deleted": ("Deleted", lambda: Q(deleted_at__isnull=False)),
    }


class GroupAdmin(ResourceAdmin[Group]):
    type_name = urns.GROUP_TYPE
    naming = "displayName"
    list_display = ("name", "members", "state", "external", "created", "last_modified")
    list_filter = (StateFilter, ChangedFilter)
    counted_as = ("group", "groups")
    views_noted = ("group list viewed", "group viewed")
    group = "Provisioning"
    icon = "groups"
    purpose = "All groups from Entra, with their members and history."
    when_empty = "Entra sends groups when its mapping of groups is turned on."
    sortable_by = ("name", "created")
    search_help_text = "Beginning of a display name or external ID, or a complete id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(member_count=MemberCount(limit=_COUNTED + 1))

    def named(self, term: str, lookup: str) -> Q:
        return Q(**{f"display_name__{lookup}": fold(term)})

    @admin.display(description="display name", ordering="display_name")
    def name(self, group: Group) -> str:
        return str(self.shown(group, "displayName"))

    @admin.display(description="members")
    def members(self, group: Group) -> str:
        count: int = group.member_count  # type: ignore[attr-defined]  # annotated
        return f"more than {_COUNTED:,}" if count > _COUNTED else str(count)

    def page(self, request: HttpRequest, record: Group) -> Page:
        sight = Sight.of(request)
        kind = self.resource_type()
        stored = records.stored_of(kind, record)
        sections: tuple[Section, ...] = (
            Facts("Record", tuple(records.record_facts(record))),
            *records.attribute_sections(kind, record.document, sight),
            _members(record, request.GET.get("after", ""), sight),
            records.groups_section(record),
        )
        closing = (records.json_section(kind, stored, sight, "SCIM JSON, without its members"),)
        notice = f"{_DELETED if record.deleted_at else ''} {sight.notice}".strip()
        facts = [
            Fact("Members", self.members(record)),
            Fact("Provisioned", record.created),
            Fact("Last change", record.last_modified),
        ]
        header = Header(records.state_badge(record), tuple(facts))
        return Page(self.name(record), sections, notice=notice, closing=closing, header=header)


def _members(group: Group, after: str, sight: Sight) -> Table:
    """The members whose ids come after that one; the next page is found by the last id shown."""
    found = belonging.members_of(group.pk, uuid_in(after) or _FIRST, MEMBERS_SHOWN + 1)
    shown = found[:MEMBERS_SHOWN]
    more = link(f"?after={shown[-1].id}", "More members") if len(found) > len(shown) else None
    count = belonging.count_members(group.pk, _COUNTED_ON_PAGE)
    total = f"more than {count - 1:,}" if count == _COUNTED_ON_PAGE else f"{count:,}"
    rows = records.member_rows(shown, sight)
    caption: Any = f"Members: {total}" if count else "Members"
    empty = "No members." if not count else "No more members."
    return Table(caption, records.MEMBER_HEADINGS, rows, empty, more)
