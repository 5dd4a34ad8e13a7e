"""The history of a resource's attributes as a table: what each was and what it became."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from accounts.admin.pages import Table, brief, link
from accounts.models import OAuthClient, SecretToken
from scim.models import AttributeChange

SHOWN: Final = 100
_HEADINGS: Final = ("When", "Attribute", "Before", "After", "Request", "Secret token")
_DIGITS: Final = 18  # what fits into the key's column


def history(resource_id: UUID, before: str) -> Table:
    """The newest changes of a resource, or those older than the change whose key `before` is."""
    found = AttributeChange.objects.filter(resource_id=resource_id).order_by("-id")
    if before.isascii() and before.isdigit():
        found = found.filter(pk__lt=int(before[:_DIGITS]))
    listed = list(found[: SHOWN + 1])
    shown = listed[:SHOWN]
    more = link(f"?before={shown[-1].pk}", "Older changes") if len(listed) > SHOWN else None
    labels = _token_labels(change.token_id for change in shown)
    rows = tuple(_row(change, labels) for change in shown)
    return Table("Attribute history", _HEADINGS, rows, "No change is recorded.", more)


def _row(change: AttributeChange, labels: Mapping[UUID, str]) -> tuple[Any, ...]:
    event = reverse("admin:scim_provisioningevent_change", args=[change.event_id])
    return (
        change.at,
        change.path,
        brief(change.before),
        brief(change.after),
        link(event, change.request_id),
        labels.get(change.token_id) if change.token_id else None,
    )


def _token_labels(token_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Label and public id of each of the tenant's tokens and OAuth clients, in two queries."""
    wanted = {token_id for token_id in token_ids if token_id}
    tokens = SecretToken.objects.filter(pk__in=wanted).only("label", "public_id")
    clients = OAuthClient.objects.filter(pk__in=wanted).only("label")
    return {each.pk: str(each) for each in (*tokens, *clients)}
