"""Changes to members, which are rows: recorded here, made by the repository (RFC 7643 §4.2).

A group is never loaded to change who belongs to it, so that adding one member costs the same
whatever the size of the group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from scim.protocol.errors import InvalidValue, Mutability, NoTarget
from scim.protocol.filters import Filter
from scim.protocol.readers import Notes, is_nothing, read_values
from scim.protocol.targets import Target


class Edit(Enum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"  # all members by those named


@dataclass(frozen=True, slots=True)
class MemberEdit:
    """One change: to the members with these ids, or to those that the filter selects (REMOVE)."""

    edit: Edit
    ids: tuple[str, ...] = ()
    selection: Filter | None = None


def added(target: Target, raw: Any, notes: Notes) -> MemberEdit:
    """What adding to the members means. Raises InvalidValue, NoTarget, Mutability."""
    return MemberEdit(Edit.ADD, _ids(target, raw, notes))


def replaced(target: Target, raw: Any, notes: Notes) -> MemberEdit:
    """What replacing the members means. Raises InvalidValue, NoTarget, Mutability."""
    if target.tree is not None:
        return added(target, raw, notes)
    return MemberEdit(Edit.REPLACE, _ids(target, raw, notes))


def removed(target: Target, raw: Any, notes: Notes) -> MemberEdit:
    """What removing members means: all, those named (E14), or those selected.

    Raises InvalidValue, Mutability.
    """
    _check_whole(target)
    if target.tree is not None:
        ids = _described(target)
        return MemberEdit(Edit.REMOVE, ids) if ids else MemberEdit(Edit.REMOVE, (), target.tree)
    if is_nothing(raw):
        return MemberEdit(Edit.REPLACE)
    return MemberEdit(Edit.REMOVE, _ids(target, raw, notes))


def _ids(target: Target, raw: Any, notes: Notes) -> tuple[str, ...]:
    _check_whole(target)
    if target.tree is not None:
        ids = _described(target)
        if not ids:
            raise NoTarget(f"No member can be made of the filter of {target.name}.")
        return ids
    values = read_values(target.attribute, raw, target.name, notes)
    return tuple(dict.fromkeys(_id(target, value) for value in values))


def _check_whole(target: Target) -> None:
    if target.sub is not None:
        raise Mutability(f"{target.full_name} cannot be changed; add or remove the member.")


def _described(target: Target) -> tuple[str, ...]:
    """The id that `members[value eq "…"]` names."""
    seed = target.seed or {}
    return (seed["value"],) if seed.keys() == {"value"} else ()


def _id(target: Target, value: Mapping[str, Any]) -> str:
    identifier = value.get("value")
    if not isinstance(identifier, str):
        raise InvalidValue(f"{target.name}.value is missing: a member is named by its id.")
    return identifier


def collected(edits: Sequence[MemberEdit]) -> tuple[str, ...]:
    """The ids that a body which is read from nothing asks for."""
    return tuple(dict.fromkeys(identifier for edit in edits for identifier in edit.ids))
