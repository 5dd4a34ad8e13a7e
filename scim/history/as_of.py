"""As it was: a resource at a moment of the past, rebuilt from its history."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from accounts.console.page import Fact, Facts, Section, Table, brief
from scim.history import timeline
from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol.differences import changes as differences
from scim.protocol.differences import replay
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import Stored
from scim.protocol.schema import Relation, ResourceType
from scim.provider import catalog
from scim.repository import belonging
from scim.screens import records
from scim.screens.visibility import Sight
from tenants.current import current_tenant

_MEMBERS_SHOWN: Final = 100
_MEMBER_ROWS: Final = "members["


@dataclass(frozen=True, slots=True)
class Then:
    """A resource as it was: `stored` without members, and whether it was deleted at that time."""

    moment: datetime
    stored: Stored
    is_deleted: bool


def read_moment(text: str) -> datetime | None:
    """The moment that an ISO 8601 text names, in UTC unless it says otherwise; None for none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def rebuilt(resource_type: ResourceType, resource: Resource, moment: datetime) -> Then | None:
    """The resource at that moment, None if it was not there yet."""
    found = AttributeChange.objects.filter(resource_id=resource.pk, at__lte=moment)
    rows = list(found.exclude(path__startswith=_MEMBER_ROWS).order_by("id"))
    if moment < resource.created:
        return None
    life = [event for event in timeline.life(resource.pk) if event.at <= moment]
    last = found.order_by("-id").first()
    version, modified = _version(last, life, resource.created)
    redaction = catalog.redaction(current_tenant())
    readable = redaction.readable([row.value for row in rows], resource_type.name)
    document = replay(resource_type, readable)
    stored = Stored(resource.pk, document, version, resource.created, modified)
    return Then(moment, stored, is_deleted=bool(life) and life[-1].operation == "delete")


def _version(
    last: AttributeChange | None, life: list[ProvisioningEvent], created: datetime
) -> tuple[int, datetime]:
    """Version and lastModified: deletions and restorations count, though no attribute changes."""
    version, modified = (last.version, last.at) if last else (1, created)
    since = [event.at for event in life if event.at > modified]
    return version + len(since), max([modified, *since])


def sections(
    resource_type: ResourceType, resource: Resource, then: Then, sight: Sight
) -> list[Section]:
    """What the page shows of the resource as it was, and what became different since."""
    document = then.stored.resource
    state = "Disabled" if document.get("active") is False else "Active"
    found: list[Section] = [
        Facts(
            "As it was",
            (
                Fact("At", then.moment),
                Fact("State", records.badge_of("Deleted" if then.is_deleted else state)),
                Fact("Version", then.stored.version),
                Fact("Last modified", then.stored.last_modified),
            ),
        ),
        *records.attribute_sections(resource_type, document, sight),
    ]
    if any(each.relation is Relation.MEMBERS for each in resource_type.relations):
        found.append(_members(resource, then, sight))
    found.append(_since(resource_type, resource, then, sight))
    caption = "SCIM JSON, as it was"
    found.append(records.json_section(resource_type, then.stored, sight, caption))
    return found


def _since(resource_type: ResourceType, resource: Resource, then: Then, sight: Sight) -> Table:
    rows = []
    now = without_secrets(resource_type, resource.document)
    for change in differences(resource_type, then.stored.resource, now):
        values: list[Any] = [
            brief(sight.value(change.path, value, resource_type.name))
            for value in (change.before, change.after)
        ]
        rows.append((sight.path(change.path, resource_type.name), *values))
    return Table(
        "What is different now", ("Attribute", "Then", "Now"), tuple(rows), "No attribute differs."
    )


def _members(resource: Resource, then: Then, sight: Sight) -> Table:
    if then.is_deleted:
        return Table("Members", (), (), "A deleted group has no members.")
    total, members = belonging.members_at(resource.pk, then.moment, _MEMBERS_SHOWN)
    caption = f"Members: {total}, the first {len(members)} of them" if total else "Members"
    rows = records.member_rows(members, sight)
    return Table(caption, records.MEMBER_HEADINGS, rows, "It had no members.")
