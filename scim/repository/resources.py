"""Resources in PostgreSQL: the statements, each written once (see base for the contract)."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, InternalError

from scim.models import AttributeChange
from scim.protocol.abbreviation import abbreviated, shortened, written_out
from scim.protocol.comparison import comparable
from scim.protocol.definitions import GROUPS, MEMBERS
from scim.protocol.differences import Change
from scim.protocol.errors import Uniqueness
from scim.protocol.representation import Stored, Written
from scim.protocol.schema import ResourceType
from scim.protocol.writing import from_json, to_json, to_json_bytes
from scim.repository import relations
from scim.repository.base import (
    AnsweredError,
    Event,
    Loading,
    Lock,
    Operation,
    Question,
    Write,
)
from scim.repository.columns import Unique, is_unique_index
from scim.repository.sql import Parameter, sql
from tenants import outages
from tenants.backend.base import Late, execute, execute_last, execute_late, violated_constraint
from tenants.backend.statements import Foreseen, Hot
from tenants.lettercase import fold
from tenants.yielding import in_turns

# Columns that `gathered` reads, before the JSON of relations and the members.
FIELDS: Final = "r.id, r.document, r.version, r.created, r.last_modified"

# By the id alone: with the type in the condition PostgreSQL may walk along an index of a type of
# which it thinks that there are none. The type is compared when the row is there.
_FIND: Final = f"""
SELECT r.resource_type, {FIELDS}, {{}}, {{}} FROM scim_resource AS r {{}}
WHERE r.id = {{}} AND r.deleted_at IS NULL
"""
# A change leaves the key alone, so it need not wait for a group that takes the resource in, which
# holds the row FOR KEY SHARE (members); a removal has to, or a group would keep who is gone.
_LOCK: Final = f"{_FIND} FOR NO KEY UPDATE OF r"
_LOCKS: Final = {
    Lock.CHANGE: _LOCK,
    Lock.REMOVE: f"{_FIND} FOR UPDATE OF r",
    Lock.RESTORE: _LOCK.replace("deleted_at IS NULL", "deleted_at IS NOT NULL"),
}
_LOCK_IN_ORDER: Final = """
SELECT id FROM scim_resource WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

_INSERT: Final = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified, continues)
SELECT %(id)s, %(resource_type)s::text, %(document)s::jsonb, %(comparable)s::jsonb,
    %(unique_key)s::text, %(version)s, %(event_at)s, %(event_at)s, {continues}
"""
# E28: a deleted user leaves its userName free; who is created again under the same externalId gets a
# new id that says which deleted resource it continues.
_CONTINUES: Final = """(
    SELECT former.id FROM scim_resource AS former
    WHERE former.external_id = %(external_id)s::text
        AND former.resource_type = %(resource_type)s::text
        AND former.deleted_at IS NOT NULL
    ORDER BY former.deleted_at DESC LIMIT 1
)"""
_UPDATE: Final = """
UPDATE scim_resource SET document = %(document)s::jsonb, comparable = %(comparable)s::jsonb,
    unique_key = %(unique_key)s::text, version = %(version)s, last_modified = %(event_at)s
WHERE id = %(id)s
"""
_REMOVE: Final = """
UPDATE scim_resource SET version = %(version)s, last_modified = %(event_at)s, deleted_at = %(event_at)s
WHERE id = %(id)s
"""
_RESTORE: Final = """
UPDATE scim_resource SET version = %(version)s, last_modified = %(event_at)s, deleted_at = NULL
WHERE id = %(id)s
"""
# A removed resource leaves its groups, which their history records; a removed group loses its members. Each
# is a statement of its own: Citus would hand rows of the first to the second over all its nodes, those
# included that have none of the tenant and may be down (decision 0092).
_LEAVE: Final = """
DELETE FROM scim_membership WHERE %s IN (group_id, member_id) RETURNING group_id
"""
_LEFT: Final = """
INSERT INTO scim_attributechange
    (at, event_id, request_id, token_id, resource_type, resource_id, version, path, before)
SELECT %(event_at)s, %(event_id)s, %(event_request_id)s::text, %(event_token_id)s::uuid,
    r.resource_type, r.id, r.version, format('members[value eq "%%s"]', %(id)s::uuid),
    to_jsonb(%(id)s::uuid)
FROM scim_resource AS r WHERE r.id = ANY(%(groups)s::uuid[])
"""

_EVENT_FIELDS: Final = (*(field.name for field in fields(Event)), "user_name_key")
_EVENT_PARAMETERS: Final = tuple(f"event_{name}" for name in _EVENT_FIELDS[:-1])
_of_event: Final = attrgetter(*_EVENT_FIELDS[:-1])
# PostgreSQL takes one type for each parameter, wherever it stands.
_CASTS: Final = {
    "request_id": "::text",
    "token_id": "::uuid",
    "resource_id": "::uuid",
    "operation": "::text",
    "path": "::text",
    "resource_type": "::text",
    "status": "::smallint",
}
_INSERT_EVENT: Final = f"""
INSERT INTO scim_provisioningevent ({", ".join(_EVENT_FIELDS)})
VALUES ({", ".join(f"%(event_{name})s{_CASTS.get(name, '')}" for name in _EVENT_FIELDS)})
"""
# The event of a read, unless there is one like it: one statement, since the look alone would cost as much.
_INSERT_UNLESS_ALIKE: Final = f"""
WITH alike AS (
    SELECT at, sent::text AS sent FROM scim_provisioningevent
    WHERE id BETWEEN %(since)s AND %(until)s AND operation = %(event_operation)s::text
        AND status = %(event_status)s::smallint
        AND token_id IS NOT DISTINCT FROM %(event_token_id)s::uuid
        AND resource_type = %(event_resource_type)s::text
        AND (resource_type <> '' OR path = %(event_path)s::text)
),
logged AS (
    INSERT INTO scim_provisioningevent ({", ".join(_EVENT_FIELDS)})
    SELECT {", ".join(f"%(event_{name})s{_CASTS.get(name, '')}" for name in _EVENT_FIELDS)}
    WHERE NOT EXISTS (SELECT 1 FROM alike)
)
SELECT at, sent FROM alike
"""

# The resource, its history and the event in one statement, which answers the questions. Citus takes no
# sub-select in RETURNING.
_WRITE: Final = """
WITH stored AS ({write}),
history AS (
    INSERT INTO scim_attributechange
        (at, event_id, request_id, token_id, resource_type, resource_id, version, path, before, after)
    SELECT %(event_at)s, %(event_id)s, %(event_request_id)s::text, %(event_token_id)s::uuid,
        %(resource_type)s::text, %(id)s, %(version)s, change.path, change.before, change.after
    FROM jsonb_to_recordset(%(changes)s::jsonb) AS change(path text, before jsonb, after jsonb)
),
logged AS ({event})
SELECT {answers}
"""
# Many new resources: a statement for each table. Their rows are JSON, since the driver takes as long to find
# the places of a thousand parameters as PostgreSQL to fill them in.
_FORMER: Final = """
SELECT DISTINCT ON (resource_type, external_id) resource_type, external_id, id FROM scim_resource
WHERE external_id = ANY(%s::text[]) AND deleted_at IS NOT NULL
ORDER BY resource_type, external_id, deleted_at DESC
"""
_NEW: Final = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified, continues)
SELECT id, resource_type, document::jsonb, comparable::jsonb, unique_key, version, event_at, event_at,
    continues
FROM json_to_recordset(%s::json) AS new(id uuid, resource_type text, document text, comparable text,
    unique_key text, version bigint, event_at timestamptz, continues uuid)
"""
_NEW_HISTORY: Final = """
INSERT INTO scim_attributechange
    (at, event_id, request_id, token_id, resource_type, resource_id, version, path, before, after)
SELECT new.event_at, new.event_id, new.event_request_id, new.event_token_id, new.resource_type, new.id,
    new.version, change.path, change.before, change.after
FROM json_to_recordset(%s::json) AS new(event_at timestamptz, event_id uuid, event_request_id text,
        event_token_id uuid, resource_type text, id uuid, version bigint, changes text),
    jsonb_to_recordset(new.changes::jsonb) AS change(path text, before jsonb, after jsonb)
"""
# Columns of the log that are no text; JSON comes as text, too.
_EVENT_TYPES: Final = {
    **dict.fromkeys(("id", "token_id", "resource_id"), "uuid"),
    **dict.fromkeys(("status", "count"), "integer"),
    **dict.fromkeys(("sent", "notes"), "jsonb"),
    "at": "timestamptz",
    "duration_ms": "float8",
    "address": "inet",
}
_NEW_EVENTS: Final = f"""
INSERT INTO scim_provisioningevent ({", ".join(_EVENT_FIELDS)})
SELECT {", ".join(f"event_{name}::{_EVENT_TYPES.get(name, 'text')}" for name in _EVENT_FIELDS)}
FROM json_to_recordset(%s::json) AS new({", ".join(f"event_{name} text" for name in _EVENT_FIELDS)})
"""
# Each with the columns of its rows: PostgreSQL reads all of the JSON that it is given.
_NEW_ROWS: Final[Mapping[str, Sequence[str]]] = {
    _NEW: (
        *("id", "resource_type", "document", "comparable", "unique_key", "version", "event_at"),
        "continues",
    ),
    _NEW_HISTORY: (
        *("event_at", "event_id", "event_request_id", "event_token_id", "resource_type", "id"),
        *("version", "changes"),
    ),
    _NEW_EVENTS: tuple(f"event_{name}" for name in _EVENT_FIELDS),
}
_STORED: Final = {
    Operation.CREATE: _INSERT,
    Operation.REPLACE: _UPDATE,
    Operation.MODIFY: _UPDATE,
    Operation.DELETE: _REMOVE,
    Operation.RESTORE: _RESTORE,
}

MAX_EVENT_KEY: Final = 500  # characters: at most 2,000 of the 2,704 bytes of an index entry
_MEMBERS: Final = f"{MEMBERS.name}["
_DISPLAY_NAME: Final = "displayName"  # of what is comparable PostgreSQL makes a column of it
_UNIQUE_KEY: Final = "scim_resource_unique_key"


def find(resource_type: ResourceType, identifier: UUID, loading: Loading) -> Stored | None:
    """The resource, None when there is none or it is deleted."""
    return _one(finding(identifier, loading), resource_type, loading)


def finding(identifier: UUID, loading: Loading) -> Hot:
    """The statement of `find`."""
    return _statement_of(_FIND, identifier, loading)


def lock(
    resource_type: ResourceType, identifier: UUID, loading: Loading, lock: Lock = Lock.CHANGE
) -> Stored | None:
    """The resource, its row locked until the transaction ends; None where `find` has none.

    Lock.RESTORE finds deleted resources and no others.
    """
    return _one(locking(identifier, loading, lock), resource_type, loading)


def locking(identifier: UUID, loading: Loading, lock: Lock) -> Hot:
    """The statement of `lock`."""
    return _statement_of(_LOCKS[lock], identifier, loading)


def locking_ahead(identifier: UUID, loading: Loading, lock: Lock) -> Foreseen:
    """The statement of `lock`, for which nobody waits while it goes ahead."""
    found = locking(identifier, loading, lock)
    ahead = Hot(f"{found.statement} SKIP LOCKED", found.parameters)
    return Foreseen(found, ahead, ends=False)


def lock_in_order(identifiers: Iterable[UUID]) -> None:
    """Lock the rows for a change of each, in the order of their ids.

    Of two callers who change the same resources in different orders one waits, and no deadlock ends
    the other. Ids that name nothing are passed over.
    """
    ids = list(identifiers)
    if len(ids) > 1:
        execute(_LOCK_IN_ORDER, [ids])


def write(
    change: Write, questions: Sequence[Question] = (), *, is_last: bool = False
) -> Sequence[bool]:
    """Store the change and return the answers to the questions.

    A resource that there is must have been locked by the caller. A change that is the last statement of a
    transaction that `may_end` is committed, and has no answers. Raises Uniqueness, AnsweredError.
    """
    parameters = _write_parameters(change)
    for question in questions:
        parameters.update(question.parameters)
    if change.operation is Operation.DELETE:
        _leave(parameters)
    conditions = tuple(each.condition for each in questions)
    is_named = parameters["external_id"] is not None
    statement = _statement(change.operation, conditions, is_named=is_named, is_last=is_last)
    try:
        answers = (execute_last if is_last else execute)(statement, parameters)
    except (IntegrityError, InternalError) as error:  # the latter of Citus
        raise _refusal(error, change.resource_type) from None
    except DataError as error:
        raise AnsweredError if is_last and outages.is_division_by_zero(error) else error from None
    return answers[0] if questions and not is_last else ()


def _leave(removal: dict[str, Any]) -> None:
    """Have the removed resource leave its groups, or lose its members."""
    identifier = removal["id"]
    groups = {group for (group,) in execute(_LEAVE, [identifier])} - {identifier}
    if groups:
        execute(_LEFT, removal | {"groups": list(groups)})


def write_new(creations: Sequence[Write]) -> None:
    """Store many new resources, all or, within the caller's savepoint, none. Raises Uniqueness.

    They are without members, and of one type.
    """
    rows = [_write_parameters(each) for each in in_turns(creations)]
    former = _former([row["external_id"] for row in rows])
    for row in rows:
        row["continues"] = former.get((row["resource_type"], row["external_id"]))
    try:
        for statement, names in _NEW_ROWS.items():
            parts = [{name: row[name] for name in names} for row in rows]
            execute(statement, [to_json_bytes(parts, str).decode()])
    except (IntegrityError, InternalError) as error:
        raise _refusal(error, creations[0].resource_type) from None


def _former(external_ids: Sequence[str | None]) -> dict[tuple[str, str], UUID]:
    """The latest deleted resources by type and externalId."""
    sought = [each for each in external_ids if each is not None]
    if not sought:
        return {}
    return {
        (type_, external_id): former for type_, external_id, former in execute(_FORMER, [sought])
    }


def holds(question: Question) -> bool:
    """The answer to a question that no single change has asked."""
    ((answer,),) = execute(f"SELECT {question.condition}", question.parameters)
    return bool(answer)


def record_unless_alike(event: Event, since: UUID, until: UUID) -> Late:
    """Add an event unless there is one of the same requester, endpoint and status between those ids.

    `alike` reads those that there were. It goes with COMMIT.
    """
    values = _event_parameters(event) | {"since": since, "until": until}
    # As text, which NULL is, too: one statement is prepared for reads of one resource and of many.
    values["event_resource_id"] = event.resource_id and str(event.resource_id)
    return execute_late(_INSERT_UNLESS_ALIKE, values)


def alike(recorded: Late) -> list[tuple[datetime, Any]]:
    """Time and request of the events for which that one was not added, the latest first."""
    rows = sorted(recorded.rows(), key=itemgetter(0), reverse=True)
    return [(at, None if sent is None else written_out(from_json(sent))) for at, sent in rows]


def record(event: Event) -> None:
    """Add an event that comes with no change."""
    execute_late(_INSERT_EVENT, _event_parameters(event))


def _statement_of(template: str, identifier: UUID, loading: Loading) -> Hot:
    members = relations.members([loading], "r")
    found = sql(template, relations.belongs(loading, "r"), *members, Parameter(identifier))
    return Hot(found.text, found.parameters)


def _one(hot: Hot, resource_type: ResourceType, loading: Loading) -> Stored | None:
    rows = deque(execute(*hot))
    for (name,), stored in gathered(rows, 1, loading.tenant_url):
        return stored if name == resource_type.name else None
    return None


def gathered(
    rows: deque[tuple[Any, ...]], lead: int, tenant_url: str
) -> Iterator[tuple[Sequence[Any], Stored]]:
    """The resources in rows of FIELDS, whether they belong to groups, and a part of the members with its place.

    Each with the `lead` columns before them. A resource has a row for each part; one of NULL alone
    is none. `rows` is emptied meanwhile: those of a large group are let go one by one.
    """
    belonging = [row[lead] for row in rows if row[-3]]
    related = _related(belonging, tenant_url) if belonging else {}
    first: dict[UUID, tuple[Any, ...]] = {}
    parts: dict[UUID, list[tuple[int, bytes]]] = {}
    while rows:
        row = rows.popleft()
        identifier, place, text = row[lead], row[-2], row[-1]
        if text is not None:
            first.setdefault(identifier, row[:-3])
            parts.setdefault(identifier, []).append((place, text.encode()))
        elif identifier is not None:  # has no members to show, so no further row
            yield row[:lead], _read(row[lead:-3], related.get(identifier) if row[-3] else None)
    for identifier, row in first.items():
        shown = Written(tuple(part for _, part in sorted(parts[identifier])))
        yield row[:lead], _read(row[lead:], {MEMBERS.name: shown})


def _related(members: Sequence[UUID], tenant_url: str) -> dict[UUID, dict[str, Any]]:
    """The groups that each of the members belongs to, by the name of the attribute."""
    found = relations.groups_of(members, tenant_url)
    return {
        member: {GROUPS.name: from_json(groups)}
        for member, groups in execute(found.text, found.parameters)
        if groups is not None  # the last one was just left
    }


def _read(row: Sequence[Any], related: Mapping[str, Any] | None) -> Stored:
    identifier, document, version, created, last_modified = row
    return Stored(identifier, from_json(document), version, created, last_modified, related or {})


@cache
def _statement(
    operation: Operation, conditions: tuple[str, ...], *, is_named: bool, is_last: bool
) -> str:
    """The statement of a change that answers the conditions, or fails if it is the last and one holds.

    What has no externalId continues nothing; Citus writes nothing where one is compared with NULL.
    """
    refusal = f"1 / (NOT ({' OR '.join(conditions)}))::int" if is_last and conditions else ""
    return _WRITE.format(
        write=_STORED[operation].format(continues=_CONTINUES if is_named else "NULL::uuid"),
        event=_INSERT_EVENT,
        answers=refusal or ", ".join(conditions) or "1",
    )


def _refusal(error: DatabaseError, resource_type: ResourceType) -> Exception:
    """The SCIM error for a violated constraint; the error itself when it is none of ours."""
    constraint = violated_constraint(error)
    name = _unique_name(resource_type, constraint)
    if name is None:
        return error
    reason = "user.name-taken" if constraint == _UNIQUE_KEY else "value.taken"
    return Uniqueness(reason, f"Another {resource_type.name} already has this {name}.")


def _unique_name(resource_type: ResourceType, constraint: str | None) -> str | None:
    """The attribute that a unique index is about, with what its uniqueness is."""
    core = resource_type.unique_attribute
    if core is not None and constraint == _UNIQUE_KEY:
        return f"{core.name}; it must be unique within the tenant, in any letter case"
    if not is_unique_index(constraint):
        return None
    # An index is there shortly before the schema says so, and shortly after it has ceased to.
    for schema in (extension.schema for extension in resource_type.extensions):
        for attribute in schema.attributes:
            unique = Unique(resource_type.name, schema.id, attribute.name)
            if str(constraint).startswith(unique.key):
                return f"{schema.id}:{attribute.name}; it must be unique within the tenant"
    return "value of an attribute that is being made unique within the tenant"


def _write_parameters(write: Write) -> dict[str, Any]:
    keys = dict(write.comparable or comparable(write.resource_type, write.resource))
    unique = write.resource_type.unique_attribute
    unique_key = keys.get(unique.name) if unique else None
    if unique and unique.name != _DISPLAY_NAME:
        keys.pop(unique.name, None)  # it is a column
    return {
        **_event_parameters(write.event),
        "id": write.id,
        "resource_type": write.resource_type.name,
        "document": to_json(write.resource),
        "comparable": to_json(keys),
        "unique_key": unique_key,
        "external_id": keys.get("externalId"),
        "version": write.version,
        "changes": to_json(_history(write)),
    }


def _history(write: Write) -> list[dict[str, Any]]:
    """The rows of the history, as JSON: what a resource is created with is one (AttributeChange)."""
    if write.operation is not Operation.CREATE:
        return [sides(change) for change in write.changes]
    # SQL asks for members one by one.
    members = [each for each in write.changes if each.path.startswith(_MEMBERS)]
    own = [each for each in write.changes if not each.path.startswith(_MEMBERS)]
    paths = shortened(tuple(each.path for each in own))
    told = [part for path, each in zip(paths, own, strict=True) for part in (path, each.after)]
    return [{"path": AttributeChange.CREATION, "after": told}, *map(sides, members)]


def sides(change: Change) -> dict[str, Any]:
    """The change as JSON; an absent side stays absent, so that it becomes NULL and not `null`."""
    sides = {"path": change.path, "before": change.before, "after": change.after}
    return {name: value for name, value in sides.items() if value is not None}


def _event_parameters(event: Event) -> dict[str, Any]:
    parameters = dict(zip(_EVENT_PARAMETERS, _of_event(event), strict=True))
    parameters["event_user_name_key"] = _sent_user_name_key(event)
    parameters["event_notes"] = to_json(event.notes)
    parameters["event_sent"] = None if event.sent is None else to_json(abbreviated(event.sent))
    return parameters


def user_name_key(name: str) -> str:
    """The key of a userName in the provisioning log, cut to what an index of PostgreSQL holds."""
    return fold(name)[:MAX_EVENT_KEY]


def _sent_user_name_key(event: Event) -> str | None:
    """The key of the userName that was sent for a user who has no id, since there is none."""
    if event.resource_id is not None or not isinstance(event.sent, Mapping):
        return None
    sent = next((v for name, v in event.sent.items() if fold(name) == "username"), None)
    return user_name_key(sent) if isinstance(sent, str) else None
