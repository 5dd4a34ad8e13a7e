"""The body of POST and PUT read into a canonical resource (RFC 7644 §3.3, §3.5.1).

Canonical: a plain dictionary in the schema's names, without `schemas`, `id` and `meta`, extension
attributes under the extension's URN, unassigned attributes absent. The body is added, member by
member, to an empty resource, so that it may be spelled in every way in which a PATCH may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.editing import Draft
from scim.protocol.envelope import check_schemas
from scim.protocol.errors import InvalidSyntax
from scim.protocol.members import MemberEdit
from scim.protocol.readers import Notes
from scim.protocol.schema import ResourceType
from scim.protocol.targets import members
from scim.protocol.text import shown


@dataclass(frozen=True, slots=True)
class Read:
    """A canonical resource, and what was tolerated to read it, for the provisioning log."""

    resource: dict[str, Any]
    notes: tuple[str, ...]
    member_edits: tuple[MemberEdit, ...] = ()


def read_resource(resource_type: ResourceType, body: object) -> Read:
    """The resource that a body describes. Required attributes are not asked for here.

    Unknown, read-only and write-only attributes are ignored and noted. Raises InvalidSyntax,
    InvalidValue, NoTarget.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(
            f"The body must be a JSON object that describes a {resource_type.name}."
        )
    notes = Notes()
    _check_schemas(resource_type, body, notes)
    draft = Draft({}, notes)
    for target, raw in members(resource_type, body, notes):
        draft.add(target, raw)
    return Read(draft.finish(), notes.texts, draft.member_edits)


def _check_schemas(resource_type: ResourceType, body: Mapping[str, Any], notes: Notes) -> None:
    """Refuses a body whose `schemas` say that it is something else. Raises InvalidSyntax."""
    sent = next((raw for name, raw in body.items() if name.lower() == "schemas"), None)
    urn = resource_type.schema.id
    unknown = check_schemas(sent, urn, resource_type.find_schema)
    if not sent:
        # E26: RFC 7643 §3 requires it, and the endpoint says it as well.
        notes.add(f"The body has no schemas; took it for a {resource_type.name}.")
    for each in unknown:
        notes.add(f"Ignored unknown schema {shown(each)}.")
