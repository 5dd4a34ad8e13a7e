"""The outbox: changes on their way to event streams, in the tenant's schema.

A change writes its row, and a delivery for each stream that wants it, in the transaction that makes
the change: no stream, no row. A delivery is a row of its own and not a position in a log, so one
that commits late is not skipped. Changes of one resource wait for each other's row lock, so their
versions become visible in order, and of each resource only the oldest pending delivery is taken.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection

from scim.events.claims import Happening, Kind, kinds, uris_of
from scim.protocol.differences import Change
from scim.protocol.representation import project, schemas
from scim.protocol.schema import Relation
from scim.repository.base import Operation, Question, Write
from scim.repository.relations import EACH
from scim.repository.resources import sides
from tenants.backend.base import execute

_WANTED: Final = """(
    SELECT 1 FROM scim_eventstream WHERE deleted_at IS NULL AND event_uris ?| %(event_uris)s::text[]
)"""
# A question to the statement that changes a resource: planning the inserts below without any stream
# would make it twice as slow (decision 0012).
IS_WANTED: Final = f"EXISTS {_WANTED}"
# A statement a table, as Citus demands (docs/platform.md).
_WANTING: Final = """
SELECT id FROM scim_eventstream WHERE deleted_at IS NULL AND event_uris ?| %s::text[]
"""
_MEMBERS: Final = f"""
SELECT jsonb_agg(
    jsonb_build_object('value', other.id, 'type', other.resource_type) ORDER BY other.id
)::text
FROM scim_membership AS link {EACH.format("link.member_id")} AS other WHERE link.group_id = %s
"""
_QUEUE: Final = """
INSERT INTO scim_outboxevent (id, at, kinds, resource_type, resource_id, uri, version, schemas,
    document, changes, members)
VALUES (%(event_id)s, %(event_at)s, %(kinds)s::jsonb, %(resource_type)s, %(id)s, %(uri)s, %(version)s,
    %(schemas)s::jsonb, %(document)s::jsonb, %(changes)s::jsonb, %(members)s::jsonb)
"""
_DELIVER: Final = """
INSERT INTO scim_delivery
    (id, stream_id, event_id, resource_id, version, status, attempts, retry_at, error)
SELECT delivery.id, delivery.stream_id, %(event_id)s::uuid, %(id)s::uuid, %(version)s::bigint, 'pending', 0,
    %(event_at)s::timestamptz, ''
FROM unnest(%(deliveries)s::uuid[], %(streams)s::uuid[]) AS delivery(id, stream_id)
"""

_KINDS: Final = {
    Operation.CREATE: Kind.CREATE,
    Operation.REPLACE: Kind.PUT,
    Operation.MODIFY: Kind.PATCH,
    Operation.DELETE: Kind.DELETE,
    Operation.RESTORE: Kind.CREATE,
}

_STREAM: Final = "id, label, method, endpoint, audience, event_uris, secret, failures, generation"
_IS_SENDING_NOW: Final = """
deleted_at IS NULL AND state = 'active' AND method IN ('push', 'webhook') AND retry_at <= %s
"""
_SENDING: Final = f"""
SELECT stream.id FROM scim_eventstream AS stream
WHERE {_IS_SENDING_NOW} AND EXISTS (
    SELECT 1 FROM scim_delivery AS delivery WHERE delivery.stream_id = stream.id
        AND delivery.status = 'pending' AND delivery.retry_at <= %s
        AND (delivery.held_until IS NULL OR delivery.held_until <= %s)
)
ORDER BY retry_at
"""
_FIND_SENDING: Final = f"SELECT {_STREAM} FROM scim_eventstream WHERE {_IS_SENDING_NOW} AND id = %s"
_POLLING: Final = f"""
SELECT {_STREAM}, state FROM scim_eventstream WHERE deleted_at IS NULL AND digest = %s
"""

# Conditions that a worker may ever have work, and that it has work now; `{schema}` is for
# tenants.schemas.where.
IS_SENDING: Final = """
SELECT 1 FROM {schema}.scim_eventstream WHERE deleted_at IS NULL AND method IN ('push', 'webhook')
"""
IS_DUE: Final = """
SELECT 1 FROM {schema}.scim_eventstream AS stream
WHERE stream.deleted_at IS NULL AND stream.state = 'active' AND stream.method IN ('push', 'webhook')
    AND stream.retry_at <= %s AND EXISTS (
        SELECT 1 FROM {schema}.scim_delivery AS delivery WHERE delivery.stream_id = stream.id
            AND delivery.status = 'pending' AND delivery.retry_at <= %s
            AND (delivery.held_until IS NULL OR delivery.held_until <= %s)
    )
"""

# A worker skips rows that another has locked or holds; what comes after them is blocked meanwhile,
# as they are still pending for everybody else. Ordered by what only the index of the queue is
# ordered by: along any other PostgreSQL might pass over the whole log.
_TAKE: Final = """
WITH taken AS MATERIALIZED (
    SELECT d.id, d.attempts, d.failing_since, d.event_id FROM scim_delivery AS d
    WHERE d.stream_id = %(stream)s AND d.status = 'pending' AND d.retry_at <= %(now)s
        AND (d.held_until IS NULL OR d.held_until <= %(now)s)
        AND EXISTS (
            SELECT 1 FROM scim_eventstream
            WHERE id = %(stream)s AND deleted_at IS NULL AND state = 'active'
        )
        AND NOT EXISTS (
            SELECT 1 FROM scim_delivery AS earlier
            WHERE earlier.stream_id = d.stream_id AND earlier.resource_id = d.resource_id
                AND earlier.version < d.version AND earlier.status = 'pending'
        )
    ORDER BY d.retry_at, d.event_id LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
SELECT taken.id, taken.attempts, taken.failing_since, e.id, e.at, e.kinds, e.resource_type, e.uri,
    e.version, e.schemas, e.document, e.changes, e.members
FROM taken JOIN scim_outboxevent AS e ON e.id = taken.event_id ORDER BY e.id
"""
_HOLD: Final = "UPDATE scim_delivery SET held_until = %s WHERE id = ANY(%s)"
# A delivery that arrived is done, whichever worker holds it; only the holder notes a failure.
_RECORD: Final = """
UPDATE scim_delivery AS d SET status = result.status, attempts = d.attempts + 1,
    attempted_at = %(now)s, retry_at = COALESCE(result.retry_at, d.retry_at), error = result.error,
    failing_since = CASE WHEN result.error = '' THEN NULL ELSE COALESCE(d.failing_since, %(now)s) END,
    done_at = CASE WHEN result.status = 'pending' THEN NULL ELSE %(now)s::timestamptz END,
    held_until = NULL
FROM jsonb_to_recordset(%(results)s::jsonb)
    AS result(id uuid, status text, retry_at timestamptz, error text)
WHERE d.id = result.id AND d.status = 'pending'
    AND (result.status <> 'pending' OR d.held_until IS NOT DISTINCT FROM %(held_until)s)
"""
_UNTOUCHED: Final = """
SELECT 1 FROM scim_eventstream
WHERE id = %s AND generation = %s AND deleted_at IS NULL FOR NO KEY UPDATE
"""
_RECORD_ROUND: Final = """
UPDATE scim_eventstream SET failures = %s, retry_at = %s WHERE id = %s
"""
_GIVE_UP: Final = """
UPDATE scim_eventstream SET state = 'failing', reason = %s WHERE id = %s AND state = 'active'
"""
_ACKNOWLEDGE: Final = """
UPDATE scim_delivery SET status = 'delivered', done_at = %(now)s, error = '', failing_since = NULL
WHERE stream_id = %(stream)s AND id = ANY(%(ids)s::uuid[]) AND status = 'pending' AND attempts > 0
"""
_REFUSE: Final = """
UPDATE scim_delivery AS d SET status = 'refused', done_at = %(now)s, error = refusal.error
FROM jsonb_to_recordset(%(refusals)s::jsonb) AS refusal(id uuid, error text)
WHERE d.stream_id = %(stream)s AND d.id = refusal.id AND d.status = 'pending' AND d.attempts > 0
"""
_HAS_DUE: Final = """
SELECT EXISTS (
    SELECT 1 FROM scim_delivery WHERE stream_id = %s AND status = 'pending' AND retry_at <= %s
)
"""
_HASTEN: Final = """
UPDATE scim_delivery SET retry_at = %(now)s, failing_since = NULL WHERE id IN (
    SELECT id FROM scim_delivery
    WHERE stream_id = %(stream)s AND status = 'pending'
        AND (retry_at > %(now)s OR failing_since IS NOT NULL)
    FOR UPDATE SKIP LOCKED
)
"""
# Deliveries done long ago, and those left of deleted streams.
IS_PURGEABLE: Final = """
SELECT 1 FROM {schema}.scim_delivery AS delivery WHERE delivery.done_at < %s
UNION ALL
SELECT 1 FROM {schema}.scim_eventstream AS stream JOIN {schema}.scim_delivery AS delivery
    ON delivery.stream_id = stream.id AND delivery.status = 'pending'
WHERE stream.deleted_at IS NOT NULL
"""
_PURGE: Final = """
DELETE FROM scim_delivery WHERE id IN (
    SELECT id FROM scim_delivery WHERE done_at < %(before)s
    UNION ALL
    SELECT pending.id FROM scim_eventstream AS stream JOIN scim_delivery AS pending
        ON pending.stream_id = stream.id AND pending.status = 'pending'
    WHERE stream.deleted_at IS NOT NULL
    LIMIT %(most)s
)
"""
_PURGE_EVENTS: Final = """
DELETE FROM scim_outboxevent AS e WHERE e.at < %s
    AND NOT EXISTS (SELECT 1 FROM scim_delivery AS d WHERE d.event_id = e.id)
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as a sender needs it; `secret` is sealed, `generation` another one since each action."""

    id: UUID
    label: str
    method: str
    endpoint: str
    audience: str
    event_uris: tuple[str, ...]
    secret: str = field(repr=False)
    failures: int
    generation: int


@dataclass(frozen=True, slots=True)
class Queued:
    """A delivery that is this transaction's to make; `id` is the token's `jti`."""

    id: UUID
    attempts: int
    failing_since: datetime | None
    happening: Happening


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an attempt. With an error it is pending and tried again at `retry_at`."""

    id: UUID
    status: str
    retry_at: datetime | None = None
    error: str = ""


def question(write: Write) -> Question:
    """Ask of a change whether a stream wants it."""
    kinds_ = kinds_of(write)
    return Question(IS_WANTED, {"event_uris": _uris(kinds_)})


def queue(write: Write) -> None:
    """Queue a change for the streams that want it.

    Receivers see no attribute that clients do not see (`returned`, RFC 7643 §7).
    """
    resource_type, kinds_ = write.resource_type, kinds_of(write)
    streams = [identifier for (identifier,) in execute(_WANTING, [_uris(kinds_)])]
    if not streams:  # the one there was has been deleted meanwhile
        return
    parameters = {
        "event_id": write.event.id,
        "event_at": write.event.at,
        "kinds": json.dumps(kinds_),
        "resource_type": resource_type.name,
        "id": write.id,
        "uri": f"{resource_type.endpoint}/{write.id}",
        "version": write.version,
        "schemas": json.dumps(schemas(resource_type, write.resource)),
        "document": _json(project(resource_type, write.resource)),
        "changes": _json([sides(change) for change in write.changes]),
        "members": _all_members(write) if kinds_[0] in {Kind.CREATE, Kind.PUT} else None,
    }
    execute(_QUEUE, parameters)
    numbered = {"streams": streams, "deliveries": [uuid4() for _ in streams]}
    execute(_DELIVER, parameters | numbered)


def _all_members(write: Write) -> str | None:
    """The members of the group as JSON, None for what has none."""
    if all(each.relation is not Relation.MEMBERS for each in write.resource_type.relations):
        return None
    ((members,),) = execute(_MEMBERS, [write.id])
    return members  # type: ignore[no-any-return]  # text


def kinds_of(write: Write) -> tuple[Kind, ...]:
    """The events that tell of a change."""
    return kinds(_KINDS[write.operation], write.changes)


def _uris(happened: Iterable[Kind]) -> list[str]:
    return [uri for kind in happened for uri in uris_of(kind)]


def streams_to_send(now: datetime) -> list[UUID]:
    """The tenant's push streams and webhooks on which something is due."""
    with connection.cursor() as cursor:
        cursor.execute(_SENDING, [now, now, now])
        return [identifier for (identifier,) in cursor.fetchall()]


def find_sending(stream: UUID, now: datetime) -> Stream | None:
    """The push stream or webhook, None while nothing may be sent on it."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND_SENDING, [now, stream])
        row = cursor.fetchone()
    return _stream(row) if row else None


def find_polling(digest: bytes) -> tuple[Stream, str] | None:
    """The stream whose poll secret has the digest, and its state."""
    with connection.cursor() as cursor:
        cursor.execute(_POLLING, [digest])
        row = cursor.fetchone()
    return (_stream(row[:-1]), row[-1]) if row else None


def take(stream: UUID, now: datetime, most: int) -> list[Queued]:
    """The next deliveries, at most one a resource, locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"stream": stream, "now": now, "most": most})
        return [_queued(row) for row in cursor.fetchall()]


def hold(ids: Sequence[UUID], until: datetime) -> None:
    """Keep deliveries that this transaction has taken from other workers until that moment."""
    _execute(_HOLD, [until, list(ids)])


def record(results: Collection[Result], now: datetime, held_until: datetime | None = None) -> None:
    """Write down attempts on deliveries that this transaction has taken, or that are held.

    A failure of what is done by now, or held by somebody else, changes nothing.
    """
    parameters = {
        "results": _json([asdict(each) for each in results]),
        "now": now,
        "held_until": held_until,
    }
    _execute(_RECORD, parameters)


def lock_untouched(stream: Stream) -> bool:
    """Lock the stream until the transaction ends. True if nobody has paused, resumed or deleted it
    since it was read.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNTOUCHED, [stream.id, stream.generation])
        return cursor.fetchone() is not None


def record_round(stream: UUID, failures: int, retry_at: datetime) -> None:
    """Note the number of failures in a row, and the time to try the stream again."""
    _execute(_RECORD_ROUND, [failures, retry_at, stream])


def give_up(stream: UUID, reason: str) -> None:
    """Stop sending until a person resumes the stream; what is queued stays."""
    _execute(_GIVE_UP, [reason, stream])


def acknowledge(stream: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """The receiver has these; unknown ids and those of other streams change nothing."""
    _execute(_ACKNOWLEDGE, {"stream": stream, "ids": list(ids), "now": now})


def refuse(stream: UUID, errors: Sequence[tuple[UUID, str]], now: datetime) -> None:
    """The receiver cannot use these and says why: logged, and not offered again."""
    refusals = _json([{"id": each, "error": error} for each, error in errors])
    _execute(_REFUSE, {"stream": stream, "refusals": refusals, "now": now})


def has_due(stream: UUID, now: datetime) -> bool:
    """True if there are more deliveries to be had, or will be once others are acknowledged."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_DUE, [stream, now])
        return bool(cursor.fetchone()[0])


def hasten(stream: UUID, now: datetime) -> None:
    """Try delayed events again at once, and forget their failures."""
    _execute(_HASTEN, {"stream": stream, "now": now})


def purge(before: datetime, now: datetime, most: int) -> int:
    """Remove deliveries done before that moment and those of deleted streams, and the events that
    nobody waits for any more; return the number of deliveries.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PURGE, {"before": before, "most": most})
        purged: int = cursor.rowcount
        if purged:
            cursor.execute(_PURGE_EVENTS, [now])
    return purged


def _execute(statement: str, parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _stream(row: Sequence[Any]) -> Stream:
    identifier, label, method, endpoint, audience, event_uris, *others = row
    wanted = tuple(json.loads(event_uris))
    return Stream(identifier, label, method, endpoint, audience, wanted, *others)


def _queued(row: Sequence[Any]) -> Queued:
    identifier, attempts, failing_since, event, at, kinds_, type_, uri, version = row[:9]
    schemas_, document, changes = map(json.loads, row[9:12])
    happening = Happening(
        id=event,
        at=at,
        kinds=tuple(map(Kind, json.loads(kinds_))),
        resource_type=type_,
        uri=uri,
        version=version,
        schemas=tuple(schemas_),
        document=document,
        changes=tuple(
            Change(each["path"], each.get("before"), each.get("after")) for each in changes
        ),
        members=json.loads(row[12]) if row[12] else None,
    )
    return Queued(identifier, attempts, failing_since, happening)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
