"""Members as rows: adding and removing some never reads or writes the others."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

from django.db import connection

from scim.protocol.definitions import GROUP, MEMBERS
from scim.protocol.errors import InvalidValue
from scim.protocol.schema import Relation
from scim.protocol.targets import Edit, MemberEdit
from scim.protocol.text import read_id
from scim.repository import relations
from scim.repository.base import Moved, Operation
from scim.repository.sql import Parameter, Sql, sql
from scim.repository.where import compile_element
from tenants import clock
from tenants.backend.base import execute

# The member's row is held against a removal that runs at the same time.
_HOLD: Final = """
SELECT id, resource_type FROM scim_resource WHERE id = ANY(%s::uuid[]) AND deleted_at IS NULL
ORDER BY id FOR KEY SHARE
"""
_ADD: Final = """
INSERT INTO scim_membership (group_id, member_id) SELECT %s::uuid, unnest(%s::uuid[])
ON CONFLICT DO NOTHING RETURNING member_id
"""
_COUNT: Final = """
SELECT count(*) FROM (SELECT 1 FROM scim_membership WHERE group_id = %s LIMIT %s) AS found
"""
_MOVED: Final = """
SELECT event.resource_id <> change.resource_id, change.at FROM (
    SELECT resource_id, event_id, at FROM scim_attributechange WHERE resource_id = %s ORDER BY id DESC LIMIT 1
) AS change JOIN scim_provisioningevent AS event ON event.id = change.event_id
"""
# From the few deletions of these minutes, each with the groups that it has changed, whatever their history.
_MOVED_ABOUT: Final = f"""
SELECT EXISTS (
    SELECT 1 FROM (
        SELECT id FROM scim_provisioningevent
        WHERE operation IN ('{Operation.DELETE}', '{Operation.RESTORE}') AND id BETWEEN %s AND %s
            AND resource_id <> %s
        OFFSET 0
    ) AS event CROSS JOIN LATERAL (
        SELECT resource_id FROM scim_attributechange WHERE event_id = event.id OFFSET 0
    ) AS change
    WHERE change.resource_id = %s
)
"""
# Longer than a request may take (tenants.deadlines) and the clocks of two machines may differ.
_ABOUT: Final = timedelta(minutes=1)
# Of two that nest groups at the same time, the second sees what the first did.
_LOCK_NESTING: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' nesting', 0))"
)
_MAKES_CIRCLE: Final = f"""
WITH RECURSIVE above(id) AS (
    SELECT %(group)s::uuid
    UNION
    SELECT link.group_id FROM {relations.UP} AS link
)
SELECT EXISTS (SELECT 1 FROM above WHERE id = ANY(%(groups)s::uuid[]))
"""
_REMOVE: Final = """
DELETE FROM scim_membership WHERE group_id = %s AND member_id = ANY(%s::uuid[]) RETURNING member_id
"""
_REMOVE_OTHERS: Final = """
DELETE FROM scim_membership WHERE group_id = %s AND member_id <> ALL(%s::uuid[]) RETURNING member_id
"""
_SELECTED: Final = f"""
SELECT link.member_id FROM scim_membership AS link {relations.EACH.format("link.member_id")} AS other
WHERE link.group_id = {{}} AND {{}}
"""


def apply(group: UUID, edits: Iterable[MemberEdit]) -> Moved:
    """Apply the edits, return the changes. The caller has locked the group, or is about to make it.

    E30: who does not exist is passed over, so that one who was deleted meanwhile does not keep
    hundreds of others out. Raises InvalidValue for groups that would contain themselves.
    """
    before: dict[UUID, bool] = {}  # whether who moved was a member at first
    now: dict[UUID, bool] = {}
    unknown = 0
    for edit in edits:
        done = _apply(group, edit)
        unknown += done.unknown
        for moved, is_member in ((done.removed, False), (done.added, True)):
            for member in moved:
                before.setdefault(member, not is_member)
                now[member] = is_member
    changed = [member for member, is_member in now.items() if before[member] != is_member]
    return Moved(
        added=tuple(member for member in changed if now[member]),
        removed=tuple(member for member in changed if not now[member]),
        unknown=unknown,
    )


def has_at_most(number: int, group: UUID) -> bool:
    """True if the group has no more members than that; reads no more than one beyond it."""
    found: int
    [(found,)] = execute(_COUNT, [group, number + 1])
    return found <= number


def have_moved(group: UUID) -> bool:
    """True if a member left or came back by itself, deleted or restored, since the group changed.

    The newest row of the group's history is then of a request about the member (decision 0007). True as well
    if that happened at about the same time: it may have been committed after the change, with its row before.
    """
    for has_moved, changed_at in execute(_MOVED, [group]):
        return has_moved or _have_moved_about(changed_at, group)
    return False


def _have_moved_about(moment: datetime, group: UUID) -> bool:
    first, last = (clock.first_id_at(moment + away) for away in (-_ABOUT, _ABOUT))
    [(has_moved,)] = execute(_MOVED_ABOUT, [first, last, group, group])
    return bool(has_moved)


def _apply(group: UUID, edit: MemberEdit) -> Moved:
    """Apply one edit; return its changes."""
    parsed = {read_id(text) for text in edit.ids}  # None for what is no id of ours
    ids = [each for each in parsed if each is not None]
    match edit.edit:
        case Edit.ADD:
            return _add(group, ids, len(parsed))
        case Edit.REPLACE:
            done = replace(_add(group, ids, len(parsed)), removed=_replaced(group, edit, ids))
            if parsed and done.unknown == len(parsed):
                # E30: some may be unknown; where all are, the group would only lose its members.
                raise InvalidValue(
                    "member.unknown", "Nobody here has the ids of the members that are to come in."
                )
            return done
        case Edit.REMOVE if edit.selection is not None:
            element = Sql(relations.comparable_element(Relation.MEMBERS))
            condition = compile_element(edit.selection, GROUP, MEMBERS, element)
            found = sql(_SELECTED, Parameter(group), condition)
            with connection.cursor() as cursor:
                cursor.execute(found.text, found.parameters)
                selected = [member for (member,) in cursor.fetchall()]
            return Moved(removed=_removed(group, selected))
        case Edit.REMOVE:
            return Moved(removed=_removed(group, ids))
        case _:
            assert_never(edit.edit)


def _add(group: UUID, ids: list[UUID], asked: int) -> Moved:
    """Add the members that exist; `asked` is the number that the client named in all."""
    known: dict[UUID, str] = dict(execute(_HOLD, [ids]) if ids else ())
    if not known:
        return Moved(unknown=asked)
    added = sorted(_rows(_ADD, group, list(known)))
    groups = [each for each, resource_type in known.items() if resource_type == GROUP.name]
    if groups:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_NESTING)
            cursor.execute(_MAKES_CIRCLE, {"group": group, "groups": groups})
            if cursor.fetchone()[0]:
                raise InvalidValue(
                    "group.circle",
                    "A group cannot be a member of itself, directly or through others.",
                )
    return Moved(added=tuple(added), unknown=asked - len(known))


def _replaced(group: UUID, edit: MemberEdit, ids: list[UUID]) -> tuple[UUID, ...]:
    """Remove the members that the ids replace."""
    if edit.instead_of is None:
        return _rows(_REMOVE_OTHERS, group, ids)
    former = {each for text in edit.instead_of if (each := read_id(text))}
    return _removed(group, sorted(former.difference(ids)))


def _removed(group: UUID, ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Remove the members with these ids."""
    return _rows(_REMOVE, group, list(ids)) if ids else ()


def _rows(statement: str, group: UUID, ids: list[UUID]) -> tuple[UUID, ...]:
    return tuple(member for (member,) in execute(statement, (group, ids)))
