"""The history of attributes as a table: what each was and what it became."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from accounts.admin.pages import Table, brief, link
from accounts.models import SecretToken
from scim.models import AttributeChange

HEADINGS: Final = ("When", "Attribute", "Before", "After", "Request", "Secret token")


def table(caption: str, changes: Iterable[AttributeChange], empty: str, more: Any = None) -> Table:
    """The changes in the order they come in, each with its request and its secret token."""
    listed = list(changes)
    labels = token_labels(change.token_id for change in listed)
    return Table(caption, HEADINGS, tuple(_row(change, labels) for change in listed), empty, more)


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


def token_labels(token_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Label and public id of each of the tenant's tokens, in one query."""
    wanted = {token_id for token_id in token_ids if token_id}
    if not wanted:
        return {}
    tokens = SecretToken.objects.filter(pk__in=wanted).only("label", "public_id")
    return {token.pk: str(token) for token in tokens}
