"""The common parts of users' and groups' pages: record, JSON, requests and attributes."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.page import Fact, Facts, State, Table, Text, badge, link, pretty
from scim.models import Resource
from scim.protocol import urns
from scim.protocol.representation import Stored, project, represent
from scim.protocol.schema import Relation, ResourceType
from scim.repository import belonging, resources
from scim.repository.base import Loading
from scim.repository.belonging import Member
from scim.screens import attributes
from scim.screens.visibility import Sight
from tenants.current import current_tenant

GROUPS_SHOWN: Final = 100
MEMBER_HEADINGS: Final = ("Member", "Type", "State", "id")
# Types with a page for each resource.
_SCREENS: Final = {
    urns.USER_TYPE: "admin:scim_user_change",
    urns.GROUP_TYPE: "admin:scim_group_change",
}


def state(resource: Resource) -> str:
    """Active, Disabled or Deleted. RFC 7643 §4.1.1: only `active: false` disables."""
    if resource.deleted_at:
        return "Deleted"
    return "Disabled" if resource.document.get("active") is False else "Active"


def badge_of(state: str) -> SafeString:
    """The word for a state, as it looks on a page."""
    looks: dict[str, State] = {"Active": "ok", "Disabled": "warning"}
    return badge(looks.get(state, "unknown"), state)


def state_badge(resource: Resource) -> SafeString:
    """The state of a resource, as it looks on a page."""
    return badge_of(state(resource))


def resource_link(resource_type: str, identifier: Any, text: Any = None) -> Any:
    """A link to the resource's page, or its text when there is none."""
    screen = _SCREENS.get(resource_type)
    shown = text or identifier
    return link(reverse(screen, args=[identifier]), shown) if screen else shown


def short(path: str) -> str:
    """A SCIM path without the URN of its schema, which its page names already."""
    head, bracket, rest = path.partition("[")
    return (head.rpartition(":")[2] if head.lower().startswith("urn:") else head) + bracket + rest


def record_facts(resource: Resource) -> list[Fact]:
    """The server's own facts about the resource, beside its attributes."""
    facts = [
        Fact("State", state_badge(resource)),
        Fact("id", resource.pk, copyable=True),
        Fact("Created", resource.created),
        Fact("Last modified", resource.last_modified),
        Fact("Version", resource.version),
    ]
    if resource.deleted_at:
        facts.append(Fact("Deleted", resource.deleted_at))
    if resource.continues:
        former = resource_link(resource.resource_type, resource.continues)
        facts.append(Fact("Continues", former))
    return facts


def attribute_sections(
    resource_type: ResourceType, document: Mapping[str, Any], sight: Sight
) -> list[Facts]:
    """The attributes as somebody gets to see them."""
    return attributes.grouped(resource_type, sight.json(document, resource_type.name))


def stored_of(resource_type: ResourceType, resource: Resource) -> Stored:
    """The resource as the API has it, with the groups it belongs to; members are never loaded."""
    shown = tuple(r for r in resource_type.relations if r.relation is not Relation.MEMBERS)
    if shown and not resource.deleted_at:
        loading = Loading(current_tenant().tenant_url, shown)
        found = resources.find(resource_type, resource.pk, loading)
        if found is not None:
            return found
    return Stored(
        resource.pk,
        resource.document,
        resource.version,
        resource.created,
        resource.last_modified,
    )


def json_section(resource_type: ResourceType, stored: Stored, sight: Sight, caption: str) -> Text:
    """The resource as SCIM shows it."""
    whole = project(resource_type, represent(resource_type, stored, current_tenant().tenant_url))
    return Text(caption, pretty(sight.json(whole, resource_type.name)), "scim-json")


def groups_section(resource: Resource) -> Table:
    """The groups that a user or group belongs to, and how."""
    found = belonging.groups_of(resource.pk, GROUPS_SHOWN + 1)
    rows = tuple(
        (
            resource_link(urns.GROUP_TYPE, each.id, each.name),
            "directly" if each.is_direct else f"through {', '.join(each.through)}",
            each.id,
        )
        for each in found[:GROUPS_SHOWN]
    )
    headings, empty = ("Group", "Belongs", "id"), "No groups."
    more = format_html("There are more than {}.", GROUPS_SHOWN) if found[GROUPS_SHOWN:] else None
    return Table("Groups", headings, rows, empty, more)


def member_rows(members: Iterable[Member], sight: Sight) -> tuple[tuple[Any, ...], ...]:
    """Members under MEMBER_HEADINGS; names of users are personal data, those of groups are not."""
    rows = []
    for each in members:
        attribute = "userName" if each.resource_type == urns.USER_TYPE else "displayName"
        name = sight.value(attribute, each.name, each.resource_type)
        shown = badge_of("Disabled" if each.active is False else "Active")
        link_to = resource_link(each.resource_type, each.id, name)
        rows.append((link_to, each.resource_type, shown, each.id))
    return tuple(rows)
