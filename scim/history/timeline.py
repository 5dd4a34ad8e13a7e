"""The history of a resource as a timeline: one moment a request, with what each attribute was and
what it became; deletions and restorations among them. And the page that shows it as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.difference import Difference
from accounts.console.page import (
    Comparison,
    Fact,
    Facts,
    Fold,
    Moment,
    Page,
    Section,
    State,
    Table,
    Timeline,
    brief,
    link,
    screen_link,
)
from accounts.console.screen import Panel
from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol.differences import Change, replay
from scim.protocol.differences import changes as differences
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import Stored
from scim.protocol.schema import Relation, ResourceType
from scim.protocol.text import read_id
from scim.provider import catalog
from scim.repository.belonging import Member
from scim.screens import records
from scim.screens.records import ResourceAdmin, short
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.words import counted

SHOWN: Final = 100
_MEMBER: Final = "members["
_DIGITS: Final = 18  # what fits into the key's column
_DONE: Final = {
    "create": "Created",
    "replace": "Replaced",
    "modify": "Changed",
    "delete": "Deleted",
    "restore": "Restored",
}
_LIFE: Final = ("delete", "restore")
_LOOKS: Final[Mapping[str, State]] = {"delete": "failing", "restore": "warning"}
_ANSWERED: Final = Q(status__lt=400)
_MEMBERS_SHOWN: Final = 100
# Of each member: the last thing that history says of it until then, else the first that it says later,
# else what holds today, since retention ends history (decision 0075). Only those shown are looked up.
_MEMBERS_THEN: Final = """
WITH told AS (
    SELECT DISTINCT ON (path COLLATE "C")
        path, COALESCE(after, before) #>> '{}' AS member, after IS NOT NULL AS is_there
    FROM scim_attributechange
    WHERE resource_id = %(group)s AND at <= %(moment)s AND path LIKE 'members[%%'
    ORDER BY path COLLATE "C", id DESC
), later AS (
    SELECT DISTINCT ON (path COLLATE "C")
        path, COALESCE(before, after) #>> '{}' AS member, before IS NOT NULL AS is_there
    FROM scim_attributechange
    WHERE resource_id = %(group)s AND at > %(moment)s AND path LIKE 'members[%%'
    ORDER BY path COLLATE "C", id
), there AS MATERIALIZED (
    SELECT member FROM told WHERE is_there
    UNION ALL
    SELECT member FROM later WHERE is_there AND member NOT IN (SELECT member FROM told)
    UNION ALL
    SELECT member_id::text FROM scim_membership
    WHERE group_id = %(group)s AND member_id::text NOT IN (SELECT member FROM told)
        AND member_id::text NOT IN (SELECT member FROM later)
)
SELECT shown.member, r.resource_type,
    COALESCE(r.document ->> 'userName', r.document ->> 'displayName'), r.active,
    (SELECT count(*) FROM there)
FROM (SELECT member FROM there ORDER BY member COLLATE "C" LIMIT %(limit)s) AS shown
LEFT JOIN scim_resource AS r ON r.id = shown.member::uuid ORDER BY shown.member COLLATE "C"
"""


def history(resource: Resource, before: str, sight: Sight, then_path: str) -> Timeline:
    """The newest changes of a resource, or those older than the change whose key `before` is.

    `then_path` is the page that shows the resource as it was.
    """
    found = AttributeChange.objects.filter(resource_id=resource.pk).order_by("-id")
    is_older = before.isascii() and before.isdigit()
    if is_older:
        found = found.filter(pk__lt=int(before[:_DIGITS]))
    listed = list(found[: SHOWN + 1])
    shown = [each for row in listed[:SHOWN] for each in reversed(row.each)]
    more = link(f"?before={shown[-1].pk}", "Older changes") if len(listed) > SHOWN else None
    events = _events(change.event_id for change in shown)
    teller = _Teller(resource, sight, then_path, _members(shown))
    moments = [
        teller.moment(events.get(event_id), list(changes))
        for event_id, changes in groupby(shown, key=lambda change: change.event_id)
    ]
    for event in life(resource.pk):
        is_before = shown and more is not None and event.at < shown[-1].at
        is_after = shown and is_older and event.at > shown[0].at
        if event.pk not in events and not is_before and not is_after:
            moments.append(Moment(event.at, teller.what(event), state=_LOOKS[event.operation]))
    ordered = tuple(sorted(moments, key=lambda moment: moment.at, reverse=True))
    return Timeline("History", ordered, "No changes recorded.", more)


def life(resource_id: UUID) -> list[ProvisioningEvent]:
    """The answered deletions and restorations of a resource, oldest first."""
    found = ProvisioningEvent.objects.filter(
        _ANSWERED, resource_id=resource_id, operation__in=_LIFE
    )
    return list(found.order_by("id").defer("sent", "notes"))


def _events(ids: Iterable[UUID]) -> Mapping[UUID, ProvisioningEvent]:
    return ProvisioningEvent.objects.defer("sent", "notes").in_bulk(set(ids))


def _members(changes: Iterable[AttributeChange]) -> Mapping[UUID, Resource]:
    """The members that came and went, by id."""
    ids = {
        identifier
        for change in changes
        if change.path.startswith(_MEMBER)
        and (identifier := read_id(str(change.after or change.before)))
    }
    return Resource.objects.only("resource_type", "document").in_bulk(ids) if ids else {}


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells what happened to a resource to somebody with that sight."""

    resource: Resource
    sight: Sight
    then_path: str
    members: Mapping[UUID, Resource]

    def moment(self, event: ProvisioningEvent | None, changes: list[AttributeChange]) -> Moment:
        """The moment of one request: its changes, newest first."""
        at = changes[0].at
        then = f"{self.then_path}?{urlencode({'at': at.isoformat(timespec='milliseconds')})}"
        told = self.what(event) if event else format_html("<strong>Changed</strong>")
        what = format_html("{} · {}", told, link(then, "As it was then"))
        told_of = [each for each in reversed(changes) if not each.path.startswith(_MEMBER)]
        rows = tuple(self._difference(change) for change in told_of)
        folds = self._members_folded(changes)
        if event and event.operation == "create" and rows:
            number = f"{counted(len(rows), 'value')} set"
            values = tuple(f"{row.name}: {row.after}" for row in rows)
            folds, rows = (Fold(number, values), *folds), ()
        look = _LOOKS.get(event.operation, "ok") if event else "unknown"
        return Moment(at, what, rows, folds, look)

    def what(self, event: ProvisioningEvent) -> SafeString:
        """The event in words, with its author and a link to the request."""
        done = _DONE.get(event.operation, event.operation)
        if event.resource_id != self.resource.pk:  # a member of this group
            done = f"A member was {done.lower()}"
        by = format_html(" by {}", event.token_label) if event.token_label else ""
        name, text = "admin:scim_provisioningevent_change", f"Request {event.request_id}"
        request = screen_link(name, text, event.pk)
        return format_html("<strong>{}</strong>{} · {}", done, by, request)

    def _difference(self, change: AttributeChange) -> Difference:
        was, became = (self._value(change, value) for value in (change.before, change.after))
        return Difference(short(self.sight.path(change.path, change.resource_type)), was, became)

    def _members_folded(self, changes: Iterable[AttributeChange]) -> tuple[Fold, ...]:
        """The members that came and those that went, each behind their number."""
        members = [each for each in reversed(list(changes)) if each.path.startswith(_MEMBER)]
        came = [self._value(each, each.after) for each in members if each.after is not None]
        went = [self._value(each, each.before) for each in members if each.after is None]
        return tuple(
            Fold(
                f"{counted(len(names), 'member')} {done}",
                tuple(filter(None, names)),
            )
            for names, done in ((came, "added"), (went, "removed"))
            if names
        )

    def _value(self, change: AttributeChange, value: Any) -> str | None:
        if value is None:
            return None
        identifier = read_id(str(value)) if change.path.startswith(_MEMBER) else None
        member = self.members.get(identifier) if identifier else None
        if member is None:
            return brief(self.sight.value(change.path, value, change.resource_type))
        attribute = "userName" if "userName" in member.document else "displayName"
        return str(
            self.sight.value(attribute, member.document.get(attribute), member.resource_type)
        )


class HistoryPanel(Panel[ResourceAdmin[Any]]):
    """The timeline of a user or group, and the page that shows it as it was."""

    def urls(self) -> Sequence[URLPattern]:
        return (self.screen.view_url("<uuid:record_id>/then/", self.then_view, "then"),)

    def sections(self, request: HttpRequest, record: Resource) -> Sequence[Section]:
        before, sight = request.GET.get("before", ""), Sight.of(request)
        return (history(record, before, sight, self._then_path(record)),)

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
    """The resource at that moment, None if it was not there yet.

    Today's with its later changes taken back, so that earlier history may be pruned (decision 0075).
    """
    if moment < resource.created:
        return None
    own = AttributeChange.objects.filter(resource_id=resource.pk)
    later = own.filter(at__gt=moment).exclude(path__startswith=_MEMBER).order_by("-id")
    taken_back = [Change(row.path, row.after, row.before) for row in later]
    told = [*differences(resource_type, {}, resource.document), *taken_back]
    redaction = catalog.redaction(current_tenant())
    document = replay(resource_type, redaction.readable(told, resource_type.name))
    lived = life(resource.pk)
    version, modified = _version(resource, own, lived, moment)
    stored = Stored(resource.pk, document, version, resource.created, modified)
    return Then(moment, stored, is_deleted=_was_deleted(resource, lived, moment))


def _was_deleted(resource: Resource, life: list[ProvisioningEvent], moment: datetime) -> bool:
    """True if it was deleted at that moment: the next turn of its life says what it turned from."""
    following = next((event for event in life if event.at > moment), None)
    if following is None:
        return resource.deleted_at is not None
    return following.operation == "restore"


def _version(
    resource: Resource,
    own: QuerySet[AttributeChange],
    life: list[ProvisioningEvent],
    moment: datetime,
) -> tuple[int, datetime]:
    """Version and lastModified: deletions and restorations count, though no attribute changes.

    Without an earlier change, the version before the next one.
    """
    last = own.filter(at__lte=moment).order_by("-id").first()
    following = own.filter(at__gt=moment).order_by("id").first()
    if last is None:
        turns = [event for event in life if following is None or event.at < following.at]
        known = resource.version + 1 if following is None else following.version
        later = [event for event in turns if event.at > moment]
        return max(known - 1 - len(later), 1), resource.created
    since = [event.at for event in life if last.at < event.at <= moment]
    return last.version + len(since), max([last.at, *since])


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
        found.append(_members_then(resource, then, sight))
    found.append(_since(resource_type, resource, then, sight))
    caption = "SCIM JSON, as it was"
    found.append(records.json_section(resource_type, then.stored, sight, caption))
    return found


def _since(resource_type: ResourceType, resource: Resource, then: Then, sight: Sight) -> Comparison:
    now = without_secrets(resource_type, resource.document)

    def shown(path: str, value: Any) -> str | None:
        return None if value is None else brief(sight.value(path, value, resource_type.name))

    rows = tuple(
        Difference(
            sight.path(change.path, resource_type.name),
            shown(change.path, change.before),
            shown(change.path, change.after),
        )
        for change in differences(resource_type, then.stored.resource, now)
    )
    return Comparison("Changes since then", rows, "No attribute has changed.", "Then", "Now")


def _members_then(resource: Resource, then: Then, sight: Sight) -> Table:
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
