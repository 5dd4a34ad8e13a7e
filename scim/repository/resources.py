"""Resources in PostgreSQL: the statements, each written once (see base for the contract)."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection

from scim.protocol.comparison import comparable
from scim.protocol.differences import Change
from scim.protocol.errors import Uniqueness
from scim.protocol.representation import Stored
from scim.protocol.schema import ResourceType
from scim.repository import relations
from scim.repository.base import Event, Loading, Write
from scim.repository.sql import Parameter, sql

# What `read_row` reads, before the JSON of relations.
FIELDS: Final = "r.id, r.document, r.version, r.created, r.last_modified"

_FIND: Final = f"""
SELECT {FIELDS}, {{}} FROM scim_resource AS r
WHERE r.id = {{}} AND r.resource_type = {{}} AND r.deleted_at IS NULL
"""
_LOCK: Final = f"{_FIND} FOR UPDATE OF r"
_LOCK_DELETED: Final = _LOCK.replace("deleted_at IS NULL", "deleted_at IS NOT NULL")

# E28: a deleted user leaves its userName free; who is created again under the same externalId gets a
# new id that says which deleted resource it continues.
_INSERT: Final = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified, continues)
SELECT %(id)s, %(resource_type)s, %(document)s::jsonb, %(comparable)s::jsonb, %(unique_key)s,
    %(version)s, %(event_at)s, %(event_at)s,
    (SELECT former.id FROM scim_resource AS former
     WHERE former.external_id = %(external_id)s AND former.resource_type = %(resource_type)s
        AND former.deleted_at IS NOT NULL
     ORDER BY former.deleted_at DESC LIMIT 1)
"""
_UPDATE: Final = """
UPDATE scim_resource SET document = %(document)s::jsonb, comparable = %(comparable)s::jsonb,
    unique_key = %(unique_key)s, version = %(version)s, last_modified = %(event_at)s
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
# Who is removed leaves its groups, and their history says so; a group lets its members go.
_LEAVE: Final = """
gone AS (
    DELETE FROM scim_membership WHERE %(id)s IN (group_id, member_id) RETURNING group_id, member_id
),
left_groups AS (
    INSERT INTO scim_attributechange
        (at, event_id, request_id, token_id, resource_type, resource_id, version, path, before)
    SELECT %(event_at)s, %(event_id)s, %(event_request_id)s, %(event_token_id)s,
        r.resource_type, r.id, r.version, format('members[value eq "%%s"]', gone.member_id),
        to_jsonb(gone.member_id)
    FROM gone JOIN scim_resource AS r ON r.id = gone.group_id
    WHERE gone.member_id = %(id)s
),
"""

_EVENT_FIELDS: Final = tuple(field.name for field in fields(Event))
_INSERT_EVENT: Final = f"""
INSERT INTO scim_provisioningevent ({", ".join(_EVENT_FIELDS)})
VALUES ({", ".join(f"%(event_{name})s" for name in _EVENT_FIELDS)})
"""

# The resource, its history and the event in one statement.
_WRITE: Final = """
WITH stored AS ({write}),
{leave}history AS (
    INSERT INTO scim_attributechange
        (at, event_id, request_id, token_id, resource_type, resource_id, version, path, before, after)
    SELECT %(event_at)s, %(event_id)s, %(event_request_id)s, %(event_token_id)s,
        %(resource_type)s, %(id)s, %(version)s, change.path, change.before, change.after
    FROM jsonb_to_recordset(%(changes)s::jsonb) AS change(path text, before jsonb, after jsonb)
)
{event}
"""
_INSERT_ALL: Final = _WRITE.format(write=_INSERT, leave="", event=_INSERT_EVENT)
_UPDATE_ALL: Final = _WRITE.format(write=_UPDATE, leave="", event=_INSERT_EVENT)
_REMOVE_ALL: Final = _WRITE.format(write=_REMOVE, leave=_LEAVE, event=_INSERT_EVENT)
_RESTORE_ALL: Final = _WRITE.format(write=_RESTORE, leave="", event=_INSERT_EVENT)

_UNIQUE_KEY: Final = "scim_resource_unique_key"


def find(resource_type: ResourceType, identifier: UUID, loading: Loading) -> Stored | None:
    """The resource, None when there is none or it is deleted."""
    return _one(_FIND, resource_type, identifier, loading)


def lock(resource_type: ResourceType, identifier: UUID, loading: Loading) -> Stored | None:
    """The resource, its row locked until the transaction ends."""
    return _one(_LOCK, resource_type, identifier, loading)


def lock_deleted(resource_type: ResourceType, identifier: UUID, loading: Loading) -> Stored | None:
    """The deleted resource, its row locked until the transaction ends; None if it is not deleted."""
    return _one(_LOCK_DELETED, resource_type, identifier, loading)


def insert(write: Write) -> None:
    """Stores a new resource. Raises Uniqueness."""
    _execute_write(_INSERT_ALL, write)


def update(write: Write) -> None:
    """Stores the changed resource, whose row the caller has locked. Raises Uniqueness."""
    _execute_write(_UPDATE_ALL, write)


def remove(write: Write) -> None:
    """Marks the resource, whose row the caller has locked, as deleted."""
    _execute_write(_REMOVE_ALL, write)


def restore(write: Write) -> None:
    """Brings the deleted resource back, whose row the caller has locked. Raises Uniqueness."""
    _execute_write(_RESTORE_ALL, write)


def record(event: Event) -> None:
    """Adds an event that comes with no change."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_EVENT, _event_parameters(event))


def _one(
    template: str, resource_type: ResourceType, identifier: UUID, loading: Loading
) -> Stored | None:
    related = relations.as_json(loading, "r")
    found = sql(template, related, Parameter(identifier), Parameter(resource_type.name))
    with connection.cursor() as cursor:
        cursor.execute(found.text, found.parameters)
        row = cursor.fetchone()
    return read_row(row) if row else None


def read_row(row: Sequence[Any]) -> Stored:
    """The resource in a row of FIELDS and its relations as JSON."""
    identifier, document, version, created, last_modified, related = row
    loaded = json.loads(related) if related else {}
    return Stored(identifier, json.loads(document), version, created, last_modified, loaded)


def _execute_write(statement: str, write: Write) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, _write_parameters(write))
    except IntegrityError as error:
        raise _refusal(error, write.resource_type) from None


def _refusal(error: IntegrityError, resource_type: ResourceType) -> Exception:
    """The SCIM error for a violated constraint; the error itself when it is none of ours."""
    diagnostics = getattr(error.__cause__, "diag", None)
    attribute = resource_type.unique_attribute
    if attribute is None or getattr(diagnostics, "constraint_name", None) != _UNIQUE_KEY:
        return error
    return Uniqueness(
        f"Another {resource_type.name} already has this {attribute.name}; it must be unique within"
        " the tenant, in any letter case."
    )


def _write_parameters(write: Write) -> dict[str, Any]:
    document = comparable(write.resource_type, write.resource)
    unique = write.resource_type.unique_attribute
    return {
        **_event_parameters(write.event),
        "id": write.id,
        "resource_type": write.resource_type.name,
        "document": _json(write.resource),
        "comparable": _json(document),
        "unique_key": document.get(unique.name) if unique else None,
        "external_id": document.get("externalId"),
        "version": write.version,
        "changes": _json([_sides(change) for change in write.changes]),
    }


def _sides(change: Change) -> dict[str, Any]:
    """The change as JSON; an absent side stays absent, so that it becomes NULL and not `null`."""
    sides = {"path": change.path, "before": change.before, "after": change.after}
    return {name: value for name, value in sides.items() if value is not None}


def _event_parameters(event: Event) -> dict[str, Any]:
    parameters = {f"event_{name}": getattr(event, name) for name in _EVENT_FIELDS}
    parameters["event_notes"] = _json(event.notes)
    parameters["event_sent"] = None if event.sent is None else _json(event.sent)
    return parameters


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
