"""The provisioning log: one event for each call of the provider, answered or refused.

The event of a change is written by the statement that makes the change. Events of refusals and
reads come through `record`, after the request's transaction has ended. Of a request it keeps nothing
secret by the tenant's schemas, no token, and no more than MAX_KEPT; scim.protocol.redaction knows what
is secret, and finds it wherever it stands.
"""

import json
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts import uses
from scim.protocol.errors import ScimError
from scim.protocol.redaction import REDACTED, Redaction
from scim.protocol.schema import ResourceType
from scim.protocol.writing import to_json
from scim.provider import catalog
from scim.provider.requester import Origin, Requester
from scim.repository import resources
from scim.repository.base import Event
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant

# Lengths of the log's columns: what comes from outside is cut to fit.
_MAX_METHOD: Final = 10
_MAX_OPERATION: Final = 20
_MAX_PATH: Final = 300
_MAX_USER_AGENT: Final = 200
_NO_REQUEST: Final = Origin("", "")
MAX_KEPT: Final = 65_536  # bytes of JSON
OMITTED: Final = "omitted"  # the one member of what stands for a body that was not kept
# Operations of the log whose requests have parameters in place of a body.
_QUERIES: Final = frozenset({"query", "retrieve", "discover"})
# Anything that begins like a secret token (accounts.tokens), complete or not.
_PREFIX: Final = "mypscim_"
_TOKEN: Final = re.compile(rf"{_PREFIX}\w*", re.IGNORECASE)
_MOST_ESCAPED: Final = 12  # bytes of a character that JSON writes as two escapes
_QUOTED: Final = re.compile(r"""(?<!\w)(?P<mark>["'])(?P<text>.+?)(?P=mark)""")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the provider; `sent` is its body or query as it came.

    `readable` is the body without what is secret, None where nobody has read it yet.
    """

    requester: Requester
    operation: str
    resource_type: ResourceType | None = None
    resource_id: UUID | None = None
    sent: Any = None
    readable: Any = None


def answered(call: Call, status: int, notes: tuple[str, ...] = ()) -> Event:
    """The event of a call that succeeded; what was sent is redacted here."""
    requester, at = call.requester, clock.now()
    origin = requester.origin or _NO_REQUEST
    return Event(
        id=clock.new_id(at),
        at=at,
        request_id=requester.request_id,
        token_id=requester.token_id,
        token_label=requester.name,
        operation=call.operation[:_MAX_OPERATION],
        method=origin.method[:_MAX_METHOD],
        path=storable(without_query(origin.path))[:_MAX_PATH],
        resource_type=call.resource_type.name if call.resource_type else "",
        resource_id=call.resource_id,
        status=status,
        sent=_kept(call),
        notes=notes,
        duration_ms=round((time.perf_counter() - requester.started) * 1000, 1),
        address=requester.address,
        user_agent=storable(origin.user_agent)[:_MAX_USER_AGENT],
    )


def refused(call: Call, error: ScimError) -> Event:
    """The event of a call that failed, with what the client was told and the reason."""
    event = answered(call, error.status)
    said = explained(error.detail, call.sent, event.sent)
    return replace(event, scim_type=error.scim_type or "", reason=error.reason, detail=said)


def _kept(call: Call) -> Any:
    """The body or query as the log keeps it."""
    if call.sent is None:
        return None
    if call.readable is not None:
        return _bounded(call.readable)
    redaction = catalog.redaction(current_tenant())
    name = call.resource_type.name if call.resource_type else ""
    return redact(call.sent, redaction, call.operation, name)


def record(event: Event) -> None:
    """Write an event that comes with no change. Opens a transaction unless there is one."""
    with transaction.atomic(savepoint=False):
        resources.record(event)


def record_unless_alike(
    tenant: Tenant, event: Event, since: datetime, until: datetime
) -> list[tuple[datetime, Any]]:
    """Write the event of a read unless reads of the same requester and endpoint were logged between those moments.

    Returned are their times and queries. Opens a transaction, which waits for no disk: a PostgreSQL that
    crashes forgets the reads of its last half second. It takes the tenant's uses of credentials along.
    """
    with uses.taken_along(tenant):
        first, last = map(clock.first_id_at, (since, until))
        recorded = resources.record_unless_alike(event, first, last)
    return resources.alike(recorded)


def storable(text: str) -> str:
    """The text without secret tokens, and with a mark for NUL, which PostgreSQL does not take."""
    return _TOKEN.sub(REDACTED, text).replace("\0", "\ufffd")


def without_query(path: str) -> str:
    """A path without what a query string in it asks for."""
    head, mark, _ = path.partition("?")
    return f"{head}?…" if mark else head


def redact(sent: Any, redaction: Redaction, operation: str, resource_type: str = "") -> Any:
    """A body or query as it may be kept; a note in its place when it is larger than MAX_KEPT.

    `operation` is the log's word for the request, `resource_type` the type it is about, blank for any.
    """
    read = redaction.query if operation in _QUERIES else redaction.body
    return _bounded(read(sent, resource_type))


def _bounded(kept: Any) -> Any:
    """The readable part of a body or query, without tokens; a note in its place when it is too large."""
    text = to_json(kept)
    if "\\u0000" in text or _may_hold_token(text):
        kept = _storable(kept)
    if len(text) > MAX_KEPT // _MOST_ESCAPED:
        size = len(json.dumps(kept))
        if size > MAX_KEPT:
            return {OMITTED: f"The request's body was too large to keep ({size} bytes)."}
    return kept


def shown_again(kept: Any, redaction: Redaction, operation: str, resource_type: str = "") -> Any:
    """The logged body of a request, without values that have become secret since."""
    if kept is None or is_omitted(kept):
        return kept
    return redact(kept, redaction, operation, resource_type)


def is_omitted(kept: Any) -> bool:
    """True for the note that stands for a body that was not kept."""
    return isinstance(kept, dict) and kept.keys() == {OMITTED}


def explained(detail: str, sent: Any, kept: Any) -> str:
    """A refusal's detail without what it quotes of a request and the log does not keep."""
    if sent is None or ('"' not in detail and "'" not in detail):
        return storable(detail)
    came, stays = (json.dumps(each, ensure_ascii=False) for each in (sent, kept))

    def quoted(found: re.Match[str]) -> str:
        text = found["text"]
        return f'"{REDACTED}"' if text in came and text not in stays else found[0]

    return storable(_QUOTED.sub(quoted, detail))


def _may_hold_token(text: str) -> bool:
    """True if a token may begin in the text; quickly, since mostly none does."""
    if text.isascii():
        return _PREFIX in text.lower()
    return _TOKEN.search(text) is not None


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {storable(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return storable(value) if isinstance(value, str) else value
