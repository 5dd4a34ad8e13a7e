"""The history of a resource as a timeline: one moment a request, with what each attribute was and
what it became; deletions and restorations among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.page import Moment, State, Timeline, brief, diff, link, screen_link
from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol.text import read_id
from scim.screens.records import short
from scim.screens.visibility import Sight

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


def history(resource: Resource, before: str, sight: Sight, then_path: str) -> Timeline:
    """The newest changes of a resource, or those older than the change whose key `before` is.

    `then_path` is the page that shows the resource as it was.
    """
    found = AttributeChange.objects.filter(resource_id=resource.pk).order_by("-id")
    is_older = before.isascii() and before.isdigit()
    if is_older:
        found = found.filter(pk__lt=int(before[:_DIGITS]))
    listed = list(found[: SHOWN + 1])
    shown = listed[:SHOWN]
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
            moments.append(Moment(event.at, teller.what(event), (), _LOOKS[event.operation]))
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
        lines = tuple(self._line(change) for change in reversed(changes))
        return Moment(at, what, lines, _LOOKS.get(event.operation, "ok") if event else "unknown")

    def what(self, event: ProvisioningEvent) -> SafeString:
        """The event in words, with its author and a link to the request."""
        done = _DONE.get(event.operation, event.operation)
        if event.resource_id != self.resource.pk:  # a member of this group
            done = f"A member was {done.lower()}"
        by = format_html(" by {}", event.token_label) if event.token_label else ""
        name, text = "admin:scim_provisioningevent_change", f"Request {event.request_id}"
        request = screen_link(name, text, event.pk)
        return format_html("<strong>{}</strong>{} · {}", done, by, request)

    def _line(self, change: AttributeChange) -> SafeString:
        was, became = (self._value(change, value) for value in (change.before, change.after))
        path = (
            "member"
            if change.path.startswith(_MEMBER)
            else short(self.sight.path(change.path, change.resource_type))
        )
        return format_html("{} {}", path, diff(was, became))

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
