"""The log told in words: what a request did, in which cycle, and equal requests as one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Any, Final

from scim.inspector.requests import REFUSED_FROM
from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol import urns
from scim.refusals import in_short, noun_of
from scim.screens.records import short
from scim.screens.visibility import Sight
from tenants.words import counted

READS: Final = ("query", "retrieve", "discover")
_APART: Final = timedelta(minutes=10)  # a longer pause ends a cycle
_CYCLE_ROWS: Final = 3  # of a cycle that has a line of its own
_NAMED: Final = 3  # changed attributes of a row
_MOST: Final = 2_000  # changes that are read for one page of the list
_DONE: Final = {
    "create": "Created",
    "retrieve": "Read",
    "query": "Looked up",
    "replace": "Updated",
    "modify": "Updated",
    "delete": "Deleted",
    "restore": "Restored",
    "discover": "Discovered",
}


def tell(rows: Sequence[ProvisioningEvent], *, folds_refusals: bool = False) -> None:
    """Note on the rows, newest first, what the list shows beside their columns.

    `changed`: the attributes that a row changed. `head`: the line above the first row of a cycle.
    `folded`: 0 for a row that is not shown, since an equal one above it stands for it: a look-up,
    or with `folds_refusals` the same failure of the same user or group on that day.
    """
    name_changes(rows)
    for row in rows:
        row.folded = 1  # type: ignore[attr-defined]
        row.head = ""  # type: ignore[attr-defined]
        row.stands_for = [row]  # type: ignore[attr-defined]
    if folds_refusals:
        _fold_refusals(rows)
    shown = [row for row in rows if row.folded]  # type: ignore[attr-defined]
    for stretch in _stretches(_cycles(shown)):
        stretch.rows[0].head = _head(stretch)  # type: ignore[attr-defined]
        _fold(stretch.rows)


def name_changes(rows: Sequence[ProvisioningEvent]) -> None:
    """Note on the rows the attributes that each changed, as `changed`: one statement."""
    changed = _changed(rows)
    for row in rows:
        row.changed = changed.get(row.pk, [])  # type: ignore[attr-defined]


def what(event: ProvisioningEvent) -> str:
    """The request in words: "Updated title, active", "Creation refused: no work e-mail"."""
    row: Any = event
    number = sum(each.count for each in getattr(row, "stands_for", [event]))
    times = f" ({counted(number, 'time')})" if number > 1 else ""
    if event.status >= REFUSED_FROM:
        return f"{noun_of(event.operation)} refused: {in_short(event.reason)}{times}"
    done = _DONE.get(event.operation, noun_of(event.operation))
    names = getattr(row, "changed", [])
    if event.operation not in ("modify", "replace"):
        return f"{done}{times}"
    if not names:
        return "Nothing to change"
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{done} {listed}{f' and {more} more' if more > 0 else ''}"


def title(event: ProvisioningEvent, sight: Sight) -> str:
    """The title of a request's page: "Update of Grace Hopper refused: no work e-mail"."""
    name = _name(event, sight)
    about = f" of {name}" if name else ""
    if event.status >= REFUSED_FROM:
        return f"{noun_of(event.operation)}{about} refused: {in_short(event.reason)}"
    return f"{noun_of(event.operation)}{about}: {event.status}"


def _name(event: ProvisioningEvent, sight: Sight) -> str:
    """The name that its user or group has now, or the one that was sent."""
    if event.operation in READS:
        return ""
    known = Resource.objects.filter(pk=event.resource_id) if event.resource_id else None
    found = known.only("document").first() if known is not None else None
    sent = event.sent if isinstance(event.sent, dict) else {}
    document = found.document if found else {name.lower(): value for name, value in sent.items()}
    for attribute in ("displayName", "userName"):
        value = document.get(attribute) or document.get(attribute.lower())
        if isinstance(value, str) and value:
            return str(sight.value(attribute, value, event.resource_type or urns.USER_TYPE))
    return ""


def _changed(rows: Sequence[ProvisioningEvent]) -> dict[Any, list[str]]:
    """The names of the attributes that each update changed, members as one: one statement."""
    updates = [row.pk for row in rows if row.operation in ("modify", "replace")]
    if not updates:
        return {}
    found: dict[Any, dict[str, None]] = {}
    changes = AttributeChange.objects.filter(event_id__in=updates).order_by("event_id", "id")
    for event_id, path in changes.values_list("event_id", "path")[:_MOST]:
        found.setdefault(event_id, {})[short(path).partition("[")[0]] = None
    return {event_id: list(names) for event_id, names in found.items()}


def _cycles(rows: Sequence[ProvisioningEvent]) -> list[list[ProvisioningEvent]]:
    """The rows in groups: those of a cycle follow each other without a long pause."""
    groups = [[rows[0]]] if rows else []
    for later, row in pairwise(rows):
        if later.at - row.at > _APART:
            groups.append([])
        groups[-1].append(row)
    return groups


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows under one line: a cycle of some rows, or the short ones of a day together."""

    rows: list[ProvisioningEvent]
    is_cycle: bool


def _stretches(cycles: Sequence[list[ProvisioningEvent]]) -> list[_Stretch]:
    """The cycles under their lines; a line for each row of a quiet day would double the list."""
    found: list[_Stretch] = []
    for cycle in cycles:
        is_short = len(cycle) < _CYCLE_ROWS
        last = found[-1] if found else None
        if is_short and last and not last.is_cycle and _day(last.rows[-1]) == _day(cycle[0]):
            last.rows.extend(cycle)
        else:
            found.append(_Stretch(list(cycle), is_cycle=not is_short))
    return found


def _day(event: ProvisioningEvent) -> date:
    return event.at.astimezone(UTC).date()


def _head(stretch: _Stretch) -> str:
    """The day of a stretch, the time if it is a cycle, and what it brought, as far as the page shows it."""
    rows: list[Any] = stretch.rows
    last, first = rows[0].at, rows[-1].at
    failures = [row for row in rows if row.status >= REFUSED_FROM]
    every = failures if stretch.is_cycle else [each for row in failures for each in row.stands_for]
    refused = sum(each.count for each in every)
    changes = sum(row.operation not in READS and row.status < REFUSED_FROM for row in rows)
    reads = sum(row.count for row in rows if row.operation in READS and row.status < REFUSED_FROM)
    counts = (
        (changes, "change", "changes"),
        (refused, "refused", "refused"),
        (reads, "look-up", "look-ups"),
    )
    said = ", ".join(counted(n, one, many) for n, one, many in counts if n)
    begin, end = f"{first:%H:%M}", f"{last:%H:%M}"
    span = f", {begin if begin == end else f'{begin}-{end}'} UTC" if stretch.is_cycle else ""
    return f"{last:%A}, {last.day} {last:%B %Y}{span}: {said}"


def _fold(cycle: Sequence[ProvisioningEvent]) -> None:
    """Let the first of successive equal look-ups stand for all of them."""
    first: Any = None
    for row in cycle:
        same = first is not None and _kind(row) == _kind(first)
        if row.operation in READS and row.status < REFUSED_FROM and same:
            first.stands_for.append(row)
            row.folded = 0  # type: ignore[attr-defined]
        else:
            first = row


def _fold_refusals(rows: Sequence[ProvisioningEvent]) -> None:
    """Let the newest refusal of a user or group stand for all of its day with the same reason.

    Entra repeats what was refused in every cycle, of which there are 36 a day.
    """
    newest: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        subject = row.resource_id or row.user_name_key
        if row.status < REFUSED_FROM or not subject:
            continue
        kind = _day(row), row.operation, row.reason, subject, row.token_id
        first = newest.setdefault(kind, row)
        if first is not row:
            first.stands_for.append(row)
            row.folded = 0  # type: ignore[attr-defined]


def _kind(event: ProvisioningEvent) -> tuple[Any, ...]:
    return event.operation, event.resource_type, event.status, event.token_id
