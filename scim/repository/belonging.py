"""Memberships for people to read, a page at a time, whatever the size of a group; and the return
back to the groups that were left with a deletion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from scim.protocol import urns
from scim.repository.base import Event
from scim.repository.relations import EACH, UP

# An id as it is given out (scim.protocol.text); a manager may be called anything (E5).
_IS_ID: Final = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
_DEPTH: Final = 25  # of a chain of managers

# The first group of each way up is the one that a member belongs to directly.
_GROUPS: Final = f"""
WITH RECURSIVE above(id, first) AS (
    SELECT group_id, group_id FROM scim_membership WHERE member_id = %(member)s
    UNION
    SELECT link.group_id, above.first FROM {UP} AS link
)
SELECT r.id, r.document ->> 'displayName', bool_or(r.id = above.first),
    array_agg(DISTINCT first.document ->> 'displayName') FILTER (WHERE r.id <> above.first)
FROM above {EACH.format("above.id")} AS r {EACH.format("above.first")} AS first
GROUP BY r.id, r.document ORDER BY bool_or(r.id = above.first) DESC, r.id LIMIT %(limit)s
"""
_MEMBERS: Final = f"""
SELECT r.id, r.resource_type, COALESCE(r.document ->> 'userName', r.document ->> 'displayName'),
    r.active
FROM scim_membership AS link {EACH.format("link.member_id")} AS r
WHERE link.group_id = %(group)s AND link.member_id > %(after)s
ORDER BY link.member_id LIMIT %(limit)s
"""
_COUNT: Final = """
SELECT count(*) FROM (SELECT 1 FROM scim_membership WHERE group_id = %s LIMIT %s) AS bounded
"""
_MANAGERS: Final = f"""
WITH RECURSIVE chain(depth, named, seen) AS (
    SELECT 1, %(first)s::text, ARRAY[%(of)s::text]
    UNION ALL
    SELECT depth + 1, r.document -> %(urn)s -> 'manager' ->> 'value', seen || named
    FROM chain
    JOIN scim_resource AS r ON r.id = CASE WHEN named ~ {_IS_ID} THEN named::uuid END
    WHERE depth < {_DEPTH} AND named <> ALL(seen)
        AND r.document -> %(urn)s -> 'manager' ->> 'value' IS NOT NULL
)
SELECT named, r.id, r.document ->> 'displayName', r.document ->> 'userName',
    r.deleted_at IS NOT NULL, named = ANY(seen)
FROM chain
LEFT JOIN scim_resource AS r ON r.id = CASE WHEN named ~ {_IS_ID} THEN named::uuid END
    AND r.resource_type = %(user)s
ORDER BY depth
"""

# Groups that a member left with its last deletion, by their history; index on event_id.
_LEFT: Final = """
SELECT g.id, g.document ->> 'displayName'
FROM scim_attributechange AS change JOIN scim_resource AS g ON g.id = change.resource_id
WHERE change.event_id = (
        SELECT id FROM scim_provisioningevent
        WHERE resource_id = %(member)s AND operation = 'delete' AND status < 400
        ORDER BY id DESC LIMIT 1
    )
    AND change.path = format('members[value eq "%%s"]', %(member)s::text)
    AND change.after IS NULL AND g.deleted_at IS NULL
ORDER BY g.id
"""
# The group's row is held against a removal that runs at the same time.
_HOLD: Final = """
SELECT id, version FROM scim_resource WHERE id = ANY(%s::uuid[]) AND deleted_at IS NULL
ORDER BY id FOR KEY SHARE
"""
_REJOIN: Final = """
INSERT INTO scim_membership (group_id, member_id) SELECT unnest(%s::uuid[]), %s::uuid
ON CONFLICT DO NOTHING RETURNING group_id
"""
_REJOINED: Final = """
INSERT INTO scim_attributechange
    (at, event_id, request_id, token_id, resource_type, resource_id, version, path, after)
SELECT %(at)s, %(event)s, %(request_id)s, %(token_id)s, %(type)s, joined.id, joined.version,
    format('members[value eq "%%s"]', %(member)s::text), to_jsonb(%(member)s::uuid)
FROM unnest(%(groups)s::uuid[], %(versions)s::bigint[]) AS joined(id, version)
"""


@dataclass(frozen=True, slots=True)
class Belonging:
    """A group somebody belongs to, and the direct groups through which, if not directly alone."""

    id: UUID
    name: str
    is_direct: bool
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group; `name` is its userName or displayName."""

    id: UUID
    resource_type: str
    name: str
    active: bool | None


@dataclass(frozen=True, slots=True)
class Manager:
    """A step of a chain of managers: the value that names it, and the user if it is provisioned."""

    named: str
    id: UUID | None
    display_name: str | None
    user_name: str | None
    is_deleted: bool
    closes_circle: bool  # was met before: the chain ends here


def groups_of(member: UUID, limit: int) -> list[Belonging]:
    """The groups of a user or group, those it belongs to directly first."""
    rows = _rows(_GROUPS, {"member": member, "limit": limit})
    return [Belonging(key, name, direct, tuple(via or ())) for key, name, direct, via in rows]


def members_of(group: UUID, after: UUID, limit: int) -> list[Member]:
    """Members of a group whose ids come after that one, in the order of their ids."""
    return [
        Member(*row) for row in _rows(_MEMBERS, {"group": group, "after": after, "limit": limit})
    ]


def count_members(group: UUID, limit: int) -> int:
    """The number of members of a group, counted up to the limit."""
    ((count,),) = _rows(_COUNT, [group, limit])
    return int(count)


def managers_of(user: UUID, manager: str) -> list[Manager]:
    """The manager that a user names, the manager's manager and so on, until a circle closes."""
    parameters = {"first": manager, "of": str(user), "urn": urns.ENTERPRISE_USER}
    return [Manager(*row) for row in _rows(_MANAGERS, parameters | {"user": urns.USER_TYPE})]


def left_groups(member: UUID) -> list[tuple[UUID, str]]:
    """Id and name of the groups that a deleted member left and that are still there."""
    return [(row[0], row[1]) for row in _rows(_LEFT, {"member": member})]


def rejoin(member: UUID, groups: Sequence[UUID], event: Event) -> list[UUID]:
    """Make a user a member of the groups again, with history; return those groups."""
    versions = dict(_rows(_HOLD, [list(groups)]))
    joined = [key for (key,) in _rows(_REJOIN, [list(versions), member])]
    parameters = {
        "member": member,
        "type": urns.GROUP_TYPE,
        "groups": joined,
        "versions": [versions[each] for each in joined],
        "at": event.at,
        "event": event.id,
        "request_id": event.request_id,
        "token_id": event.token_id,
    }
    _write(_REJOINED, parameters)
    return joined


def _write(statement: str, parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _rows(statement: str, parameters: Any) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
