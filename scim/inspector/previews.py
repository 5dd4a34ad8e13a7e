"""The page of a dry run: what a logged request would do now, beside what it did then."""

from typing import Any, Final

from accounts.actions import ActionRefused
from accounts.console.action import Action, Call
from accounts.console.page import Fact, Facts, Page, Section, Table, link, record_path
from scim.inspector.dry_run import REPLAY, Logged, Preview, Trace, preview_request, why_not
from scim.inspector.requests import (
    beside,
    elsewhere,
    explanation_facts,
    holds_redacted,
    resource_type_of,
    sent_of,
)
from scim.models import ProvisioningEvent
from scim.protocol.differences import Change
from scim.refusals import explain
from scim.screens.visibility import Sight
from tenants.current import current_tenant

CAPTION = "Sent values and their changes now"
NOTHING_DONE = "This was a dry run: nothing has changed, and the provisioning log has no entry."
_DRY_RUN: Final = (
    "The request is repeated as it is in the log, and everything is rolled back: users, groups,"
    " history and provisioning log stay as they are. Credentials and If-Match are not asked for. The"
    " audit log notes that you did it."
)
REDACTED = (
    "The log does not keep passwords, tokens, other secret values and attributes that no schema has:"
    " [redacted] was sent in their place, so what the request would make of them is not shown."
)


def logged_of(event: ProvisioningEvent) -> Logged:
    """The request as the provider replays it."""
    return Logged(
        operation=event.operation,
        method=event.method,
        path=event.path,
        resource_type=resource_type_of(event),
        resource_id=event.resource_id,
        sent=sent_of(event),
    )


def cautions(event: ProvisioningEvent) -> tuple[str, ...]:
    """The cautions to show before and after the dry run of a request."""
    return (REDACTED,) if holds_redacted(sent_of(event)) else ()


def sections(event: ProvisioningEvent, preview: Preview, sight: Sight) -> list[Section]:
    """The sections of the page about the dry run."""
    found: list[Section] = [_answer(event, preview, sight)]
    explanation = explain(preview.status, preview.scim_type, preview.reason)
    if explanation:
        found.append(Facts("Why it would be refused", explanation_facts(explanation)))
    if event.operation == "bulk":
        found.append(_operations(preview, sight))
    elif event.operation not in {"query", "retrieve"}:
        found += _changes(event, preview, sight)
    notes = tuple((sight.text(note),) for trace in preview.traces for note in trace.notes)
    if notes:
        found.append(Table("Notes", ("Values to be ignored or adapted",), notes, ""))
    return found


def _answer(event: ProvisioningEvent, preview: Preview, sight: Sight) -> Facts:
    then = f"{event.status} {event.scim_type}".strip()
    now = f"{preview.status} {preview.scim_type}".strip()
    facts = [Fact("Status now", now), Fact("Status then", then)]
    if preview.detail:
        facts.append(Fact("Detail now", sight.text(preview.detail)))
    if preview.found is not None:
        facts.append(Fact("Resources found", preview.found))
    return Facts("Answer now", tuple(facts))


def _changes(event: ProvisioningEvent, preview: Preview, sight: Sight) -> list[Section]:
    resource_type = resource_type_of(event)
    if resource_type is None:
        return []
    made = [change for trace in preview.traces for change in trace.changes]
    about = next((trace.resource_id for trace in preview.traces), None)
    own = [Change(each.path, each.before, each.after) for each in made if each.resource_id == about]
    others = [each for each in made if each.resource_id != about]
    table = beside(CAPTION, resource_type, sent_of(event), own, sight)
    return [table, elsewhere("Changes elsewhere", others, sight)] if others else [table]


def _operations(preview: Preview, sight: Sight) -> Table:
    rows = tuple(_operation(trace, sight) for trace in preview.traces)
    headings = ("Operation", "Path", "Status", "Detail")
    return Table("Operations", headings, rows, "No operation would be executed.")


def _operation(trace: Trace, sight: Sight) -> tuple[Any, ...]:
    return (
        trace.operation,
        sight.text(trace.path),
        trace.status,
        sight.text(trace.detail) or None,
    )


def _dry_run(call: Call[ProvisioningEvent]) -> Page:
    event, logged = call.record, logged_of(call.record)
    refusal = why_not(logged)
    if refusal:
        raise ActionRefused("dry-run.impossible", refusal)
    preview = preview_request(call.actor, current_tenant(), event.pk, logged)
    sight, path = Sight.of(call.request), record_path(ProvisioningEvent, event.pk)
    return Page(
        "Dry run",
        tuple(sections(event, preview, sight)),
        notice=" ".join((NOTHING_DONE, *cautions(event), sight.notice)).strip(),
        links=(link(path, "Back to the request"),),
        parent=link(path, "Request"),
    )


DRY_RUN: Final[Action[ProvisioningEvent]] = Action(
    name="dry_run",
    label="Dry run",
    permission=REPLAY,
    title="Repeat this request as a dry run?",
    text=lambda call: "\n".join((_DRY_RUN, *cautions(call.record))),
    run=_dry_run,
    is_offered=lambda call: why_not(logged_of(call.record)) is None,
)
