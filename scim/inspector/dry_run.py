"""The dry run: what a logged request would do now, found out by doing it and rolling it back.

The same functions run as for the request itself, in a savepoint that ends with a rollback: resources,
history, log and locks are as before; only numbers that a sequence gave out are used up. Steps before
the provider are not repeated: authentication, the limits of a body, and If-Match, which the log does
not keep. The page shows the outcome beside the former answer.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction

from accounts.actions import ActionRefused
from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from accounts.console.action import Action, Call
from accounts.console.page import Fact, Facts, Page, Section, Table, link, record_path
from scim.inspector.requests import (
    beside,
    elsewhere,
    explanation_facts,
    holds_redacted,
    resource_type_of,
    sent_of,
)
from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol import bulk as bulk_messages
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provider import bulk, catalog, resources
from scim.provider.catalog import CAPABILITIES
from scim.provider.parameters import read_query, read_search
from scim.provider.provisioning_log import is_omitted
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.refusals import explain
from scim.repository.base import Loading, Source
from scim.screens.visibility import Sight
from tenants.current import current_tenant
from tenants.models import Tenant
from tenants.outages import is_outage

REPLAY: Final = "scim.replay_provisioningevent"
CHANGES_KEPT: Final = 500
_NOT_KEPT: Final = (
    "Its body is not in the log: it was too large, or was refused before it was read."
)
_logger = logging.getLogger(__name__)
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


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as the provisioning log has it; `sent` is redacted."""

    operation: str
    method: str
    path: str
    resource_type: ResourceType | None
    resource_id: UUID | None
    sent: Any


@dataclass(frozen=True, slots=True)
class Trace:
    """An event, and the first of what it changed."""

    operation: str
    path: str
    status: int
    scim_type: str
    detail: str
    resource_id: UUID | None
    notes: tuple[str, ...]
    changes: tuple[AttributeChange, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer that the request would get now, and the traces it would leave.

    `found` is how many resources a look-up would find, None for other requests.
    """

    status: int
    scim_type: str = ""
    reason: str = ""
    detail: str = ""
    traces: tuple[Trace, ...] = ()
    found: int | None = None


def why_not(logged: Logged) -> str | None:
    """The sentence that says why the request cannot be replayed; None when it can."""
    if logged.operation not in _PERFORM:
        return "Only requests that read or change resources can be replayed."
    if is_omitted(logged.sent) or (logged.sent is None and logged.operation in _WITH_BODY):
        return _NOT_KEPT
    if logged.operation in _ADDRESSED and (logged.resource_id is None or not logged.resource_type):
        return "The log does not name the resource of this request."
    if logged.operation == "create" and not logged.resource_type:
        return "The log does not name the type of the resource."
    return None


def preview_request(actor: Actor, tenant: Tenant, event_id: UUID, logged: Logged) -> Preview:
    """The preview of a request from the provisioning log, replayed now. Raises NotPermitted."""
    with performing(actor, REPLAY, tenant):
        preview = dry_run(logged)
        details: Details = {"operation": logged.operation, "status": preview.status}
        note(actor, tenant, "request replayed as a dry run", str(event_id), details)
    return preview


def dry_run(logged: Logged) -> Preview:
    """Replay the request in the current tenant and undo it all; return the preview. Needs a
    transaction.

    The request must be one that can be replayed (`why_not`).
    """
    requester = Requester(
        tenant_url=current_tenant().tenant_url,
        request_id=f"dry-run-{uuid4().hex}",
        origin=Origin(logged.method, logged.path),
    )
    try:
        with transaction.atomic():
            preview = _PERFORM[logged.operation](logged, requester)
            left = tuple(_traces(requester.request_id, CHANGES_KEPT))
            transaction.set_rollback(True)
    except ScimError as error:
        return Preview(error.status, error.scim_type or "", error.reason, error.detail)
    except Exception as error:  # what would be a 500 is what a dry run is there to find
        if is_outage(error):
            raise
        _logger.exception("A dry run failed unexpectedly.")
        return Preview(
            500,
            reason="server.failed",
            detail="It would fail unexpectedly; the server's log has the error.",
        )
    return replace(preview, traces=left)


def _traces(request_id: str, limit: int) -> list[Trace]:
    """The request's events in their order, with `limit` changes in all; two statements."""
    found = list(ProvisioningEvent.objects.filter(request_id=request_id).order_by("id"))
    rows = AttributeChange.objects.filter(event_id__in=[event.pk for event in found])
    made: dict[UUID, list[AttributeChange]] = {event.pk: [] for event in found}
    changes = (each for row in rows.order_by("id")[:limit] for each in row.each)
    for change in islice(changes, limit):
        made[change.event_id].append(change)
    return [
        Trace(
            event.operation,
            event.path,
            event.status,
            event.scim_type,
            event.detail,
            event.resource_id,
            tuple(event.notes),
            tuple(made[event.pk]),
        )
        for event in found
    ]


def _create(logged: Logged, requester: Requester) -> Preview:
    resources.create(_type(logged), logged.sent, requester)
    return Preview(201)


def _replace(logged: Logged, requester: Requester) -> Preview:
    resources.replace(_existing(logged, requester), logged.sent, requester)
    return Preview(200)


def _modify(logged: Logged, requester: Requester) -> Preview:
    resources.modify(_existing(logged, requester), logged.sent, requester)
    return Preview(200)


def _delete(logged: Logged, requester: Requester) -> Preview:
    resources.delete(_existing(logged, requester), requester)
    return Preview(204)


def _retrieve(logged: Logged, requester: Requester) -> Preview:
    existing = _existing(logged, requester)
    resources.retrieve(existing.resource_type, existing.identifier, existing.loading)
    return Preview(200)


def _query(logged: Logged, requester: Requester) -> Preview:
    sent = logged.sent or {}
    parameters = read_search(sent) if logged.method == "POST" else sent
    query = replace(read_query(parameters), cursor=None, count=0)
    everywhere = catalog.resource_types(current_tenant())
    types = (logged.resource_type,) if logged.resource_type else everywhere
    sources = [Source(each, Loading(requester.tenant_url)) for each in types]
    return Preview(200, found=resources.query(sources, query).total)


def _bulk(logged: Logged, requester: Requester) -> Preview:
    limit = CAPABILITIES.max_operations
    types = catalog.resource_types(current_tenant())
    bulk.perform(bulk_messages.read_request(logged.sent, types, limit), requester)
    return Preview(200)


def _type(logged: Logged) -> ResourceType:
    if logged.resource_type is None:
        raise ValueError("why_not() was not asked.")
    return logged.resource_type


def _existing(logged: Logged, requester: Requester) -> Existing:
    loading = Loading(requester.tenant_url)
    return Existing(_type(logged), str(logged.resource_id), loading)


_PERFORM: Final[Mapping[str, Callable[[Logged, Requester], Preview]]] = {
    "create": _create,
    "replace": _replace,
    "modify": _modify,
    "delete": _delete,
    "retrieve": _retrieve,
    "query": _query,
    "bulk": _bulk,
}
_WITH_BODY: Final = frozenset({"create", "replace", "modify", "bulk"})
_ADDRESSED: Final = frozenset({"replace", "modify", "delete", "retrieve"})


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
    own = [each.value for each in made if each.resource_id == about]
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
