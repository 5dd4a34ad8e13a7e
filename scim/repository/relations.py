"""Attributes whose values are rows: the members of a group, and the groups of a resource.

As JSON for an answer, and in comparable form for filters. Both are sub-selects of the row that they
belong to. Indirect groups are found by walking up; nesting is refused when it would make a circle.
"""

import json
from collections.abc import Mapping
from typing import Final

from scim.protocol.definitions import RESOURCE_TYPES
from scim.protocol.identifiers import read_id
from scim.protocol.representation import location
from scim.protocol.schema import Attribute, Relation
from scim.repository.base import Loading
from scim.repository.sql import Parameter, Sql, join, sql

_FROM: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: """
        FROM scim_membership AS link JOIN scim_resource AS other ON other.id = link.member_id
        WHERE link.group_id = {owner}.id
    """,
    Relation.MEMBER_OF: """
        FROM (
            WITH RECURSIVE above(id, is_direct) AS (
                SELECT group_id, TRUE FROM scim_membership WHERE member_id = {owner}.id
                UNION
                SELECT link.group_id, FALSE
                FROM above JOIN scim_membership AS link ON link.member_id = above.id
            )
            SELECT id, bool_or(is_direct) AS is_direct FROM above GROUP BY id
        ) AS link JOIN scim_resource AS other ON other.id = link.id
    """,
}
_TYPE: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "other.resource_type",
    Relation.MEMBER_OF: "CASE WHEN link.is_direct THEN 'direct' ELSE 'indirect' END",
}
# A member is shown as it was sent, without a name that could be out of date.
_DISPLAY: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "NULL",
    Relation.MEMBER_OF: "other.document ->> 'displayName'",
}
_DISPLAY_KEY: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "NULL",
    Relation.MEMBER_OF: "other.display_name",
}


def as_json(loading: Loading, owner: str) -> Sql:
    """An object with the values of each relation to load; `owner` is the alias of the row."""
    bases = {each.name: location(each, "", loading.tenant_url) for each in RESOURCE_TYPES}
    base = Parameter(json.dumps(bases))
    pairs = [
        sql(f"{{}}::text, {_values(relation.relation, owner)}", Parameter(relation.name), base)
        for relation in loading.relations
        if relation.relation is not None
    ]
    if not pairs:
        return Sql("NULL::jsonb")
    arguments = join(", ", pairs)
    return sql("jsonb_strip_nulls(jsonb_build_object{})", arguments)


def _values(relation: Relation, owner: str) -> str:
    source = _FROM[relation].format(owner=owner)
    return f"""(SELECT jsonb_agg(jsonb_build_object(
        'value', other.id, '$ref', ({{}}::jsonb ->> other.resource_type) || other.id,
        'type', {_TYPE[relation]}, 'display', {_DISPLAY[relation]}
    ) ORDER BY other.id) {source})"""


def comparable(attribute: Attribute, owner: str = "scim_resource") -> Sql:
    """The JSON array of a relation's comparable values; NULL when there are none."""
    relation = attribute.relation
    if relation is None:
        raise ValueError(f"{attribute.name} is no relation.")
    source = _FROM[relation].format(owner=owner)
    return Sql(f"(SELECT jsonb_agg({comparable_element(relation)}) {source})")


def comparable_element(relation: Relation) -> str:
    """One comparable value, where `link` and `other` are the rows that make it."""
    return f"""jsonb_build_object(
        'value', other.id::text, 'type', lower({_TYPE[relation]}), 'display', {_DISPLAY_KEY[relation]}
    )"""


def has_member(identifier: str, owner: str = "scim_resource") -> Sql:
    """The condition that a group has a member with that id, answered by the primary key."""
    member = read_id(identifier)
    if member is None:
        return Sql("FALSE")
    return sql(
        f"EXISTS (SELECT FROM scim_membership WHERE group_id = {owner}.id AND member_id = {{}})",
        Parameter(member),
    )
