"""One request's page: what was asked and answered, why it failed, what it sent and changed."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.difference import sides
from accounts.console.page import (
    Fact,
    Facts,
    Json,
    Section,
    SideBySide,
    Table,
    Text,
    badge,
    brief,
    link,
)
from accounts.refusals import Refusal
from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol import sent, urns
from scim.protocol.differences import Change
from scim.protocol.errors import ScimError, Uniqueness
from scim.protocol.filters import parse_filter
from scim.protocol.messages import error_body
from scim.protocol.redaction import REDACTED
from scim.protocol.schema import ResourceType
from scim.provider import catalog, resources
from scim.provider.catalog import resource_types
from scim.provider.provisioning_log import shown_again
from scim.refusals import explain
from scim.repository.base import Loading, Query, Source
from scim.screens.records import resource_link, short
from scim.screens.visibility import Sight
from tenants.current import current_tenant

REFUSED_FROM: Final = 400  # HTTP status
CHANGES_SHOWN: Final = 500
SENT: Final = "Sent values"
SENT_AND_CHANGED: Final = "Sent values and their changes"
_QUERIES: Final = ("query", "retrieve", "discover")  # their parameters are kept, not a body
EXPLANATIONS: Final = "admin:scim_provisioningevent_explanations"


def sections(event: ProvisioningEvent, sight: Sight) -> list[Section]:
    """The sections of the page about the request, the reason of a refusal first."""
    found: list[Section] = []
    explanation = explain(event.status, event.scim_type, event.reason)
    if explanation:
        found.append(_why(event, explanation, sight))
    found.append(SideBySide(_request(event, sight), _answer(event, sight)))
    found += _sent_and_changed(event, sight)
    if event.notes:
        notes = tuple((sight.text(note),) for note in event.notes)
        found.append(Table("Notes", ("Ignored or adapted values",), notes, ""))
    found += _bodies(event, sight)
    if event.method:
        found.append(Text("As a cURL command", curl(event, sight), "curl"))
    return found


def _bodies(event: ProvisioningEvent, sight: Sight) -> list[Section]:
    """The body that was sent, beside the error that answered it; an answer that was no error is not kept."""
    sent: list[Section] = []
    if event.sent is not None:
        is_query = event.operation in _QUERIES
        caption = "Request parameters" if is_query else "Request body"
        sent.append(Json(caption, sight.json(sent_of(event), event.resource_type), "sent"))
    if event.status < REFUSED_FROM:
        return sent
    error = error_body(event.status, sight.text(event.detail), event.scim_type or None)
    answer = Json("Answer body", error, "answer")
    return [SideBySide(sent[0], answer)] if sent else [answer]


def curl(event: ProvisioningEvent, sight: Sight) -> str:
    """The request as a command for a shell in which TOKEN is a secret token; redacted as the page is."""
    sent, path = sent_of(event), sight.text(event.path)
    is_query = event.operation in _QUERIES
    shown = sight.json(sent, event.resource_type) if sent is not None else None
    query = f"?{urlencode(shown)}" if is_query and isinstance(shown, dict) and shown else ""
    lines = [
        f"curl -X {event.method} {shlex.quote(current_tenant().base_url + path + query)}",
        '-H "Authorization: Bearer $TOKEN"',
    ]
    if shown is not None and not is_query:
        body = json.dumps(shown, ensure_ascii=False)
        lines += ['-H "Content-Type: application/scim+json"', f"--data-raw {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def sent_of(event: ProvisioningEvent) -> Any:
    """The logged body of the request, without values that have become secret since."""
    redaction = catalog.redaction(current_tenant())
    return shown_again(event.sent, redaction, event.operation, event.resource_type)


def resource_type_of(event: ProvisioningEvent) -> ResourceType | None:
    """The type of the resource that the request was about."""
    return _type_called(event.resource_type)


def _type_called(name: str) -> ResourceType | None:
    return next((each for each in resource_types(current_tenant()) if each.name == name), None)


def status_badge(status: int) -> SafeString:
    """An HTTP status, as it looks on a page."""
    return badge("failing" if status >= REFUSED_FROM else "ok", status)


def about(event: ProvisioningEvent, sight: Sight) -> str | None:
    """The name of what a request was about; of what was not made, the one that was sent; of a
    look-up, its filter. The event comes from the log's list, which annotates them.
    """
    row: Any = event
    name = row.resource_name or row.sent_name
    if name:
        is_group = event.resource_type == urns.GROUP_TYPE
        shown = "displayName" if is_group else "userName"
        return str(sight.value(shown, name, event.resource_type))
    if not row.sent_filter:
        return None
    redaction = catalog.redaction(current_tenant())
    kept = redaction.query({"filter": row.sent_filter}, event.resource_type)
    return sight.path(kept["filter"])


def holds_redacted(value: Any) -> bool:
    """True if something was left out of what was sent: a password, say."""
    if isinstance(value, dict):
        return any(holds_redacted(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_redacted(item) for item in value)
    return isinstance(value, str) and REDACTED in value


def explanation_facts(explanation: Refusal) -> tuple[Fact, ...]:
    """The explanation as rows, the last of which leads to all of them."""
    anchor = f"{reverse(EXPLANATIONS)}#{explanation.id}"
    return (
        Fact("Problem", explanation.sentence),
        Fact("Rule", explanation.rule),
        Fact("Remedy", explanation.remedy),
        Fact("Place", explanation.place),
        Fact("Explanation", link(anchor, explanation.id)),
    )


def _why(event: ProvisioningEvent, explanation: Refusal, sight: Sight) -> Facts:
    facts = explanation_facts(explanation)
    if event.scim_type == Uniqueness.scim_type:
        facts += tuple(_holder(event, sight))
    return Facts("Why it was refused", facts)


def _holder(event: ProvisioningEvent, sight: Sight) -> list[Fact]:
    """The holders of the unique values that were sent, if they can be read from the request."""
    resource_type = resource_type_of(event)
    if resource_type is None:
        return []
    body = sent_of(event)
    sent_values = (
        (path, sent.value_of(resource_type, body, path)) for path in _unique(resource_type)
    )
    wanted = {path: value for path, value in sent_values if value is not None}
    if not wanted:
        return []
    found = [each for path, value in wanted.items() for each in _find(resource_type, path, value)]
    if not found:
        return [Fact("Holder", "None now: the request would succeed if repeated.")]
    others = [each.stored for each in found if each.stored.id != event.resource_id]
    if not others:
        return [Fact("Holder", "This one now: the request would succeed.")]
    holder = others[0]
    name = holder.resource.get("userName") or holder.resource.get("displayName")
    attribute = "userName" if "userName" in holder.resource else "displayName"
    shown = sight.value(attribute, name, resource_type.name)
    return [Fact("Holder", resource_link(resource_type.name, holder.id, shown))]


def _unique(resource_type: ResourceType) -> list[str]:
    """The paths of the attributes whose values no two resources of the type share."""
    core = [each.name for each in resource_type.schema.unique_attributes]
    schemas = (extension.schema for extension in resource_type.extensions)
    return core + [
        f"{each.id}:{unique.name}" for each in schemas for unique in each.unique_attributes
    ]


def _find(resource_type: ResourceType, path: str, value: str) -> Sequence[Any]:
    """The resource with that value of the attribute, in a sequence; the unique index answers."""
    try:
        equals = parse_filter(f"{path} eq {json.dumps(value)}")
        source = Source(resource_type, Loading(current_tenant().tenant_url))
        return resources.query([source], Query(filter=equals, count=1)).items
    except ScimError:  # the attribute is gone, or may not be searched by
        return ()


def _request(event: ProvisioningEvent, sight: Sight) -> Facts:
    facts = [
        Fact("When", event.at),
        Fact("Request id", event.request_id, copyable=True),
        Fact("Request", f"{event.method} {sight.text(event.path)}".strip() or event.operation),
        Fact("By" if event.operation == "restore" else "Secret token", event.token_label or None),
        Fact("From address", event.address),
        Fact("User agent", event.user_agent or None),
    ]
    if event.resource_id:
        shown = resource_link(event.resource_type, event.resource_id)
        facts.append(Fact(event.resource_type or "Resource", shown))
    if event.count > 1:
        facts.append(
            Fact("Equal requests", f"{event.count} since the previous entry, shown as one")
        )
    return Facts("The request", tuple(facts))


def _answer(event: ProvisioningEvent, sight: Sight) -> Facts:
    facts = [Fact("Status", status_badge(event.status))]
    if event.scim_type:
        facts.append(Fact("scimType", event.scim_type))
    if event.detail:
        facts.append(Fact("Detail", sight.text(event.detail)))
    if event.duration_ms is not None:
        facts.append(Fact("Took", f"{event.duration_ms:g} ms"))
    return Facts("The answer", tuple(facts))


def _sent_and_changed(event: ProvisioningEvent, sight: Sight) -> list[Section]:
    found = AttributeChange.objects.filter(event_id=event.pk).order_by("resource_id", "id")
    changes = [each for row in found[: CHANGES_SHOWN + 1] for each in row.each]
    own = [change for change in changes[:CHANGES_SHOWN] if change.resource_id == event.resource_id]
    others = [each for each in changes[:CHANGES_SHOWN] if each.resource_id != event.resource_id]
    more = _all_changes(event) if len(changes) > CHANGES_SHOWN else None
    resource_type = resource_type_of(event)
    if resource_type is None:
        return []
    table = beside(
        SENT_AND_CHANGED, resource_type, sent_of(event), [each.value for each in own], sight
    )
    if event.status >= REFUSED_FROM and not own:
        table = _without_changes(table)
    tables: list[Section] = [replace(table, more=more)]
    if others:
        tables.append(elsewhere("Changes elsewhere", others, sight))
    return tables


def _without_changes(table: Table) -> Table:
    """The values that a refused request sent; nothing is to be said of changes."""
    return Table(SENT, table.headings[:2], tuple(row[:2] for row in table.rows), table.empty)


def _all_changes(event: ProvisioningEvent) -> Any:
    text = f"Only the first {CHANGES_SHOWN} changes are shown; the resource's history has all."
    return resource_link(event.resource_type, event.resource_id, text)


def beside(
    caption: str, resource_type: ResourceType, body: Any, changes: list[Change], sight: Sight
) -> Table:
    """The values that were sent, each beside the change it made."""

    def shown(path: str, value: Any) -> str:
        return brief(sight.value(path, value, resource_type.name))

    def text(path: str, value: Any) -> str | None:
        return None if value is None else shown(path, value)

    rows = []
    for line in sent.lines(resource_type, body, changes):
        cells: tuple[Any, ...] = (None, None)
        if line.sent:
            op = f"{line.sent.op}: " if line.sent.op else ""
            cells = (
                op + sight.path(line.sent.path, resource_type.name),
                shown(line.sent.path, line.sent.value),
            )
        change = line.change
        if change:
            name = short(sight.path(change.path, resource_type.name))
            was, became = (text(change.path, value) for value in (change.before, change.after))
            cells += (name, *sides(was, became))
        else:
            cells += ("changed nothing", None, None)
        rows.append(cells)
    headings = ("Sent", "Value", "Changed", "Before", "After")
    empty = "No attribute was sent or changed."
    return Table(caption, headings, tuple(rows), empty)


def elsewhere(caption: str, changes: Sequence[AttributeChange], sight: Sight) -> Table:
    """The changes of other resources: the groups that a deleted user left."""
    rows = []
    for change in changes:
        was, became = (
            None if value is None else brief(sight.value(change.path, value, change.resource_type))
            for value in (change.before, change.after)
        )
        shown = resource_link(change.resource_type, change.resource_id)
        name = sight.path(change.path, change.resource_type)
        rows.append((change.resource_type, shown, name, *sides(was, became)))
    headings = ("Type", "Resource", "Attribute", "Before", "After")
    return Table(caption, headings, tuple(rows), "")


def anchored(explanation: Refusal) -> Any:
    """The id of an explanation as the place that links lead to."""
    return format_html('<span id="{0}">{0}</span>', explanation.id)
