"""The history on a resource's page, and the page that shows it as it was, rebuilt from the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from accounts.console.page import Fact, Facts, Page, Section, Table, brief, link
from accounts.console.screen import Panel
from scim.history import timeline
from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol.differences import changes as differences
from scim.protocol.differences import replay
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import Stored
from scim.protocol.schema import Relation, ResourceType
from scim.provider import catalog
from scim.repository.belonging import Member
from scim.screens import records
from scim.screens.records import ResourceAdmin
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant

_MEMBERS_SHOWN: Final = 100
_MEMBER_ROWS: Final = "members["
# The last thing that history says of each member until then. Only those shown are looked up.
_MEMBERS_THEN: Final = """
WITH last AS (
    SELECT DISTINCT ON (path COLLATE "C") after
    FROM scim_attributechange
    WHERE resource_id = %(group)s AND at <= %(moment)s AND path LIKE 'members[%%'
    ORDER BY path COLLATE "C", id DESC
), there AS MATERIALIZED (
    SELECT after #>> '{}' AS member FROM last WHERE after IS NOT NULL
)
SELECT shown.member, r.resource_type,
    COALESCE(r.document ->> 'userName', r.document ->> 'displayName'), r.active,
    (SELECT count(*) FROM there)
FROM (SELECT member FROM there ORDER BY member COLLATE "C" LIMIT %(limit)s) AS shown
LEFT JOIN scim_resource AS r ON r.id = shown.member::uuid ORDER BY shown.member COLLATE "C"
"""


class HistoryPanel(Panel[ResourceAdmin[Any]]):
    """The timeline of a user or group, and the page that shows it as it was."""

    def urls(self) -> Sequence[URLPattern]:
        return (self.screen.view_url("<uuid:record_id>/then/", self.then_view, "then"),)

    def sections(self, request: HttpRequest, record: Resource) -> Sequence[Section]:
        before, sight = request.GET.get("before", ""), Sight.of(request)
        return (timeline.history(record, before, sight, self._then_path(record)),)

    def links(self, request: HttpRequest, record: Resource) -> Sequence[SafeString]:
        return (link(self._then_path(record), "View another time"),)

    def then_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """The resource as it was at the moment that `at` names, rebuilt from its history."""
        screen = self.screen
        if request.method not in {"GET", "HEAD"} or not screen.has_view_permission(request):
            raise PermissionDenied
        record = screen.get_record(request, record_id)
        screen.viewed(request, str(record.pk))
        asked = request.GET.get("at", "")
        sight = Sight.of(request)
        moment = read_moment(asked) if asked else clock.now()
        kind = screen.resource_type()
        found = rebuilt(kind, record, moment) if moment else None
        sections = _sections(kind, record, found, sight) if found else []
        notice = sight.notice
        if moment is None:
            notice = "Enter a date and time such as 2026-11-25 10:00."
        elif found is None:
            notice = f"It did not exist yet: it was created {record.created:%Y-%m-%d %H:%M:%S} UTC."
        name = str(screen.shown(record, screen.naming))
        context = {
            "page": Page(
                f"{name}, as it was",
                tuple(sections),
                notice=notice,
                parent=link(screen.record_path(record.pk), name),
            ),
            "at": (moment or clock.now()).strftime("%Y-%m-%d %H:%M:%S"),
        }
        return screen.render(request, "history/then.html", context)

    def _then_path(self, record: Resource) -> str:
        return self.screen.record_path(record.pk).removesuffix("change/") + "then/"


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


def _sections(
    resource_type: ResourceType, resource: Resource, then: Then, sight: Sight
) -> list[Section]:
    """The sections about the resource as it was, and about what became different since."""
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
        "Changes since then", ("Attribute", "Then", "Now"), tuple(rows), "No attribute has changed."
    )


def _members(resource: Resource, then: Then, sight: Sight) -> Table:
    if then.is_deleted:
        return Table("Members", (), (), "A deleted group has no members.")
    total, members = members_at(resource.pk, then.moment, _MEMBERS_SHOWN)
    caption = f"Members: {total}, the first {len(members)} of them" if total else "Members"
    rows = records.member_rows(members, sight)
    return Table(caption, records.MEMBER_HEADINGS, rows, "No members.")


def members_at(group: UUID, moment: datetime, limit: int) -> tuple[int, list[Member]]:
    """The number of members of a group at that moment by its history, and the first of them."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS_THEN, {"group": group, "moment": moment, "limit": limit})
        found = cursor.fetchall()
    total = found[0][4] if found else 0
    return total, [Member(UUID(row[0]), *row[1:4]) for row in found]
