"""Bodies that create resources, read: all that comes of one and depends on nothing else.

Read by the rules, or, since most bodies of a client are of one shape, as one of that shape was
(scim.protocol.shapes).
"""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from scim.protocol import patch
from scim.protocol.comparison import comparable
from scim.protocol.differences import Change, changes
from scim.protocol.redaction import Redaction
from scim.protocol.schema import Relation, ResourceType
from scim.protocol.shapes import ByShape
from scim.protocol.targets import MemberEdit
from scim.provider import rules


class Reading(NamedTuple):
    """A resource as it is created, with its keys, its history, and the body without what is secret."""

    resource: dict[str, Any]
    comparable: Mapping[str, Any]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    readable: Any
    member_edits: tuple[MemberEdit, ...] = ()


def read(resource_type: ResourceType, redaction: Redaction, body: Any) -> Reading:
    """The reading of a body. Raises InvalidSyntax, InvalidValue, NoTarget."""
    return _by_shape(resource_type, redaction)(body)


@lru_cache(maxsize=256)
def _by_shape(
    resource_type: ResourceType, redaction: Redaction
) -> "partial[Reading] | ByShape[Reading]":
    by_rules = partial(_read, resource_type, redaction)
    has_members = any(each.relation is Relation.MEMBERS for each in resource_type.relations)
    return by_rules if has_members else ByShape(resource_type, by_rules)


def _read(resource_type: ResourceType, redaction: Redaction, body: Any) -> Reading:
    outcome = patch.read_resource(resource_type, body)
    resource = rules.with_defaults(resource_type, outcome.resource)
    rules.check_required(resource_type, resource)
    return Reading(
        resource,
        comparable(resource_type, resource),
        changes(resource_type, {}, resource),
        outcome.notes,
        redaction.body(body, resource_type.name),
        outcome.member_edits,
    )
