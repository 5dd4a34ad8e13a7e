"""Attributes whose values are rows: the members of a group, and the groups of a resource.

As JSON for an answer, and in comparable form for filters. Both are sub-selects of the row that they
belong to. Indirect groups are found by walking up; nesting is refused when it would make a circle.

PostgreSQL plans a sub-select for the average group, of which one large group can make tens of
thousands of members, and would then read every resource of the tenant for a group of ten. So the
rows on the other side are looked up one by one (EACH, UP), which costs what the group at hand costs.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from scim.protocol.definitions import RESOURCE_TYPES
from scim.protocol.representation import location
from scim.protocol.schema import Attribute, Relation
from scim.protocol.text import read_id
from scim.protocol.urns import GROUP_TYPE
from scim.protocol.writing import to_json
from scim.repository.base import Loading
from scim.repository.sql import Parameter, Sql, join, sql, switch

_FALSE: Final = Sql("FALSE")
# The resource with an id that stands to the left, by its primary key; OFFSET keeps the planner from
# making a join of it.
EACH: Final = """CROSS JOIN LATERAL (SELECT * FROM scim_resource WHERE id = {} OFFSET 0)"""
# The groups that `above` belongs to directly, by the index on the member.
UP: Final = """
    above CROSS JOIN LATERAL (SELECT group_id FROM scim_membership WHERE member_id = above.id OFFSET 0)
"""
_FROM: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: f"""
        FROM scim_membership AS link {EACH.format("link.member_id")} AS other
        WHERE link.group_id = {{owner}}.id
    """,
    Relation.MEMBER_OF: f"""
        FROM (
            WITH RECURSIVE above(id, is_direct) AS (
                SELECT group_id, TRUE FROM scim_membership WHERE member_id = {{owner}}.id
                UNION
                SELECT link.group_id, FALSE FROM {UP} AS link
            )
            SELECT id, bool_or(is_direct) AS is_direct FROM above GROUP BY id
        ) AS link {EACH.format("link.id")} AS other
    """,
}
# The type of what stands to the left, in the order of the values.
_TYPE: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "other.resource_type",
    Relation.MEMBER_OF: "CASE WHEN link.is_direct THEN 'direct' ELSE 'indirect' END",
}
_DISPLAY_KEY: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "NULL",
    Relation.MEMBER_OF: "other.display_name",
}
# The first member of each part is found along the primary key, then the part from it on.
PART: Final = 1_000  # members; some 150 kB
_PARTS: Final = f"""
LEFT JOIN LATERAL (
    SELECT first.place, (
        SELECT string_agg(shown.value, ',' ORDER BY shown.id) FROM (
            SELECT link.member_id AS id, {{{{}}}} AS value {_FROM[Relation.MEMBERS]}
                AND link.member_id >= first.id
            ORDER BY link.member_id LIMIT {PART}
        ) AS shown
    ) AS text
    FROM (
        SELECT member_id AS id, row_number() OVER (ORDER BY member_id) - 1 AS place
        FROM scim_membership WHERE group_id = {{owner}}.id
    ) AS first
    WHERE first.place %% {PART} = 0
) AS members ON TRUE
"""
_GROUPS_OF: Final = f"""
SELECT owner.id, jsonb_strip_nulls((
    SELECT jsonb_agg(jsonb_build_object(
        'value', other.id, '$ref', (%s::jsonb ->> other.resource_type) || other.id,
        'type', {_TYPE[Relation.MEMBER_OF]}, 'display', other.document ->> 'displayName'
    ) ORDER BY other.id)
    {_FROM[Relation.MEMBER_OF].format(owner="owner")}
))
FROM unnest(%s::uuid[]) AS owner(id)
"""
_MEMBERS_OF: Final = "SELECT member_id FROM scim_membership WHERE group_id = {}"
_BELOW: Final = f"""
    WITH RECURSIVE below(id) AS (
        {_MEMBERS_OF}
        UNION
        SELECT link.member_id FROM below CROSS JOIN LATERAL (
            SELECT member_id FROM scim_membership WHERE group_id = below.id OFFSET 0
        ) AS link
    )
    SELECT id FROM below
"""
# The ids of those whose relation leads to an id.
_OWNERS: Final[Mapping[Relation, str]] = {
    Relation.MEMBERS: "SELECT group_id FROM scim_membership WHERE member_id = {}",
    Relation.MEMBER_OF: _BELOW,
}
# Groups by what `groups` says of them, but for the type, which depends on the member.
_GROUPS: Final = f"""ANY(ARRAY(
    SELECT id FROM (
        SELECT id, jsonb_strip_nulls(
            jsonb_build_object('value', id::text, 'display', display_name)
        ) AS element
        FROM scim_resource WHERE resource_type = '{GROUP_TYPE}' AND deleted_at IS NULL
    ) AS each WHERE {{}}
))"""
# Groups in which there are groups.
_WITH_GROUPS: Final = f"""
    SELECT link.group_id FROM scim_resource AS inner_group
    JOIN scim_membership AS link ON link.member_id = inner_group.id
    WHERE inner_group.resource_type = '{GROUP_TYPE}' AND inner_group.deleted_at IS NULL
"""
# Belongs to a group through another one: a group above a direct one is none.
_INDIRECTLY: Final = """EXISTS (
    SELECT 1 FROM scim_membership AS link JOIN scim_membership AS up ON up.member_id = link.group_id
    WHERE link.member_id = {owner}.id AND NOT EXISTS (
        SELECT 1 FROM scim_membership WHERE group_id = up.group_id AND member_id = {owner}.id
    )
)"""


def belongs(loading: Loading, owner: str) -> Sql:
    """The condition that the row belongs to groups that are to be loaded; `groups_of` has them."""
    is_asked = any(each.relation is Relation.MEMBER_OF for each in loading.relations)
    return has_any(Relation.MEMBER_OF, owner) if is_asked else _FALSE


def groups_of(members: Sequence[UUID], tenant_url: str) -> Sql:
    """A row for each of the members: its id, and the groups that it belongs to as a JSON array.

    A statement of its own, since most users are in no group: as a part of another statement it takes a
    third of that one's time, and two thirds where it is planned, without being executed (decision 0132).
    """
    return Sql(_GROUPS_OF, (_written_bases(tenant_url), members))


def members(loadings: Iterable[Loading], owner: str) -> tuple[Sql, Sql]:
    """Two columns and a join that add the members to a row: the place of a part and its JSON text.

    Each part is a row of PART values, separated by commas, so that neither side ever holds the whole
    in one piece; without members, or when none are to be loaded, both are NULL. Written as text: what
    varies in it are ids and types, which need no escape.
    """
    values = [
        _member_value(sub.name, loading)
        for loading in loadings
        for relation in loading.relations
        if relation.relation is Relation.MEMBERS
        for sub in relation.sub_attributes
    ]
    if not values:
        return Sql("NULL::bigint, NULL::text"), Sql("")
    value = sql("'{' || {} || '}'", join(" || ',' || ", values))
    return Sql("members.place, members.text"), sql(_PARTS.format(owner=owner), value)


def _member_value(name: str, loading: Loading) -> Sql:
    """A sub-attribute of a member with its name, as text. Raises LookupError for an unknown one."""
    if name == "value":
        return Sql("""'"value":"' || link.member_id || '"'""")
    if name == "type":
        return Sql("""'"type":"' || other.resource_type || '"'""")
    if name != "$ref":
        raise LookupError(f"Members have no {name}.")
    bases = _bases(loading.tenant_url)
    escaped = {each: Parameter(json.dumps(base)[1:-1]) for each, base in bases.items()}
    of_type = switch(
        {each: sql("{}", base) for each, base in escaped.items()}, "other.resource_type"
    )
    return sql("""'"$ref":"' || {} || link.member_id || '"'""", of_type)


def _bases(tenant_url: str) -> dict[str, str]:
    """The beginnings of resources' URIs, by their type."""
    return {each.name: location(each, "", tenant_url) for each in RESOURCE_TYPES}


@lru_cache(maxsize=1024)
def _written_bases(tenant_url: str) -> str:
    return to_json(_bases(tenant_url))


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A relation that a filter asks for, of the rows `owner`; `is_negated` if it is about the others."""

    relation: Relation
    is_negated: bool = False
    owner: str = "scim_resource"

    def among(self, ids: Sql) -> Sql:
        """The condition that the owner is one of those with the ids, which are read but once.

        An array is looked up in the index, and compared element by element where there is none to
        use: what is not in it is therefore found by a table of hashes.
        """
        if self.is_negated:
            return sql(f"{self.owner}.id IN (SELECT unnest(ARRAY({{}})))", ids)
        return sql(f"{self.owner}.id = ANY(ARRAY({{}}))", ids)


def has(asked: Asked, members: Mapping[str, object]) -> Sql:
    """The condition that the relation has a value with these members."""
    if asked.relation is Relation.MEMBERS:
        return _has_member(asked, members)
    type_, rest = members.get("type"), {n: each for n, each in members.items() if n != "type"}
    if not rest:
        return _belongs(asked, type_)
    if type_ not in (None, "direct"):
        return some(asked, _same(members), members)
    groups, condition = _GROUPS, _same(rest)
    if rest.keys() == {"value"}:
        identifier = read_id(str(rest["value"]))
        if identifier is None:
            return _FALSE
        groups, condition = "{}", sql("{}", Parameter(identifier))
    ids = _MEMBERS_OF if type_ else _BELOW
    return asked.among(sql(ids.replace("{}", groups), condition))


def _belongs(asked: Asked, type_: object) -> Sql:
    if type_ == "direct":
        return has_any(asked.relation, asked.owner)
    return Sql(_INDIRECTLY.format(owner=asked.owner)) if type_ == "indirect" else _FALSE


def some(asked: Asked, condition: Sql, names: Collection[str]) -> Sql:
    """The condition that the relation has a value, called `element`, of which another one holds.

    `names` are the members that it asks for. Groups are asked one by one, and who belongs to them is
    found once for all rows: walking up from each row would read every membership.
    """
    if asked.relation is Relation.MEMBER_OF and "type" not in names:
        return asked.among(sql(_BELOW.replace("{}", _GROUPS), condition))
    values = f"{comparable_element(asked.relation)} AS element {_FROM[asked.relation]}"
    return sql(
        f"EXISTS (SELECT 1 FROM (SELECT {values.format(owner=asked.owner)}) AS each WHERE {{}})",
        condition,
    )


def _same(members: Mapping[str, object]) -> Sql:
    return sql("element @> {}::jsonb", Parameter(json.dumps(members)))


def _has_member(asked: Asked, members: Mapping[str, object]) -> Sql:
    """A group has a member by the primary key of the two, and a group as one by the groups there are."""
    if members.keys() == {"type"} and members["type"] == GROUP_TYPE.lower():
        return asked.among(Sql(_WITH_GROUPS))
    if "value" not in members or members.keys() - {"value", "type"}:
        return some(asked, _same(members), members)
    identifier = read_id(str(members["value"]))
    if identifier is None:
        return _FALSE
    condition = sql(
        "EXISTS (SELECT 1 FROM scim_membership"
        f" WHERE group_id = {asked.owner}.id AND member_id = {{}})",
        Parameter(identifier),
    )
    if "type" not in members:
        return condition
    of_type = sql(
        "EXISTS (SELECT 1 FROM scim_resource WHERE id = {} AND lower(resource_type) = {})",
        Parameter(identifier),
        Parameter(members["type"]),
    )
    return sql("({} AND {})", condition, of_type)


def related(relation: Relation, identifier: UUID) -> Sql:
    """The condition that the relation leads to the resource with the id, as an index answers it."""
    return Asked(relation).among(sql(_OWNERS[relation], Parameter(identifier)))


def has_any(relation: Relation, owner: str = "scim_resource") -> Sql:
    """The condition that the relation has a value at all."""
    side = "group_id" if relation is Relation.MEMBERS else "member_id"
    return Sql(f"EXISTS (SELECT 1 FROM scim_membership WHERE {side} = {owner}.id)")
