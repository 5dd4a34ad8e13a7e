"""The history of a resource as a table: what each attribute was and what it became, and when the
resource was deleted and restored.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from accounts.admin.pages import Table, brief, link
from accounts.models import OAuthClient, SecretToken
from scim.admin.masking import Sight
from scim.models import AttributeChange, ProvisioningEvent, Resource

SHOWN: Final = 100
_HEADINGS: Final = ("When", "Attribute", "Before", "After", "Request", "By", "State")
_DIGITS: Final = 18  # what fits into the key's column
_LIFE: Final = {"delete": "deleted", "restore": "restored"}
_ANSWERED: Final = Q(status__lt=400)


def history(resource: Resource, before: str, sight: Sight, then_path: str) -> Table:
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
    labels = _labels(shown)
    rows = [(change.at, _row(change, labels, sight, then_path)) for change in shown]
    rows += _life(resource.pk, shown, is_older=is_older, is_last=more is None)
    ordered = sorted(rows, key=lambda row: row[0], reverse=True)
    caption = "Attribute history"
    return Table(
        caption, _HEADINGS, tuple(row for _, row in ordered), "No change is recorded.", more
    )


def life(resource_id: UUID) -> list[ProvisioningEvent]:
    """The answered deletions and restorations of a resource, oldest first."""
    found = ProvisioningEvent.objects.filter(
        _ANSWERED, resource_id=resource_id, operation__in=_LIFE
    )
    return list(found.order_by("id").defer("sent", "notes"))


def _row(
    change: AttributeChange, labels: Mapping[UUID, str], sight: Sight, then_path: str
) -> tuple[Any, ...]:
    event = reverse("admin:scim_provisioningevent_change", args=[change.event_id])
    before, after = (
        brief(sight.value(change.path, value, change.resource_type))
        for value in (change.before, change.after)
    )
    then = f"{then_path}?{urlencode({'at': change.at.isoformat(timespec='milliseconds')})}"
    return (
        change.at,
        sight.path(change.path),
        before,
        after,
        link(event, change.request_id),
        labels.get(change.token_id or change.event_id),
        link(then, "As it was then"),
    )


def _life(
    resource_id: UUID, shown: list[AttributeChange], *, is_older: bool, is_last: bool
) -> list[tuple[datetime, tuple[Any, ...]]]:
    """Deletions and restorations of the time that the shown changes span."""
    events = [
        event
        for event in life(resource_id)
        if (is_last or event.at >= shown[-1].at) and not (is_older and event.at > shown[0].at)
    ]
    return [(event.at, _life_row(event)) for event in events]


def _life_row(event: ProvisioningEvent) -> tuple[Any, ...]:
    page = reverse("admin:scim_provisioningevent_change", args=[event.pk])
    request = link(page, event.request_id or "restoration")
    what = f"the whole record was {_LIFE[event.operation]}"
    return (event.at, what, None, None, request, event.token_label or None, None)


def _labels(changes: Iterable[AttributeChange]) -> dict[UUID, str]:
    """Who made the changes, in three queries: label and public id of a token or OAuth client by its
    key; where there was none, what the event says, by the event's key.
    """
    listed = list(changes)
    wanted = {change.token_id for change in listed if change.token_id}
    tokens = SecretToken.objects.filter(pk__in=wanted).only("label", "public_id")
    clients = OAuthClient.objects.filter(pk__in=wanted).only("label")
    acts = {change.event_id for change in listed if not change.token_id}
    people = ProvisioningEvent.objects.filter(pk__in=acts).exclude(token_label="")
    labels = {each.pk: str(each) for each in (*tokens, *clients)}
    return labels | dict(people.values_list("pk", "token_label"))
