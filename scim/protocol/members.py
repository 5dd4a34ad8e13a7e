"""Changes to members, which are rows: recorded here, made by the repository (RFC 7643 §4.2).

A group is never loaded to change who belongs to it, so that adding one member costs the same
whatever the size of the group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from scim.protocol.errors import InvalidValue, Mutability, NoTarget
from scim.protocol.filters import Filter
from scim.protocol.readers import Notes, is_nothing, read_json, read_values
from scim.protocol.targets import Target

# What describes a member without naming it.
_LABELS: Final = frozenset({"type", "display"})


class Edit(Enum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"  # all members, or those of `instead_of`, by those named


@dataclass(frozen=True, slots=True)
class MemberEdit:
    """One change: to the members with these ids, or to those that the filter selects (REMOVE).

    A REPLACE by ids of whom nobody is known is refused: it would only take members away.
    """

    edit: Edit
    ids: tuple[str, ...] = ()
    selection: Filter | None = None
    instead_of: tuple[str, ...] | None = None


def added(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """What adding to the members means. Raises InvalidValue, NoTarget, Mutability."""
    _check_whole(target)
    if target.tree is None:
        return (MemberEdit(Edit.ADD, _ids(target, raw, notes)),)
    ids = _described(target)
    if not ids:
        raise NoTarget(f"No member can be made of the filter of {target.name}.")
    _check_same(target, ids, raw, notes)
    return (MemberEdit(Edit.ADD, ids),)


def replaced(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """What replacing the members, or one of them, means. Raises InvalidValue, NoTarget, Mutability."""
    _check_whole(target)
    if target.tree is None:
        if raw == {}:
            raise InvalidValue(f"{target.name} must be an array of members; the request has {{}}.")
        return (MemberEdit(Edit.REPLACE, _ids(target, raw, notes)),)
    if is_nothing(raw):
        return removed(target, None, notes)
    former = _described(target)
    if not former:
        raise NoTarget(f"No member can be made of the filter of {target.name}.")
    # E42: {"value": "B"} at members[value eq "A"] lets B in for A; without a value it is about A.
    ids = _named(target, raw, notes)
    if ids in ((), former):
        return (MemberEdit(Edit.ADD, former),)
    return (MemberEdit(Edit.REPLACE, ids, instead_of=former),)


def removed(target: Target, raw: Any, notes: Notes) -> tuple[MemberEdit, ...]:
    """What removing members means: all, those named (E14), or those selected.

    E43: an empty list names nobody. Raises InvalidValue, Mutability.
    """
    _check_whole(target)
    if target.tree is not None:
        ids = _described(target)
        _check_same(target, ids, raw, notes)
        return (MemberEdit(Edit.REMOVE, ids, None if ids else target.tree),)
    if raw is None:
        return (MemberEdit(Edit.REPLACE),)
    return (MemberEdit(Edit.REMOVE, _ids(target, raw, notes)),)


def _check_whole(target: Target) -> None:
    if target.sub is not None:
        raise Mutability(f"{target.full_name} cannot be changed; add or remove the member.")


def _check_same(target: Target, ids: tuple[str, ...], raw: Any, notes: Notes) -> None:
    """Raises InvalidValue for a value that names others than the filter of the path."""
    if not is_nothing(raw) and _named(target, raw, notes) not in ((), ids):
        raise InvalidValue(
            f"The value names another member than the filter of {target.name}; which one is meant?"
        )


def _described(target: Target) -> tuple[str, ...]:
    """The id that `members[value eq "…"]` names."""
    seed = target.seed or {}
    return (seed["value"],) if seed.keys() == {"value"} else ()


def _named(target: Target, raw: Any, notes: Notes) -> tuple[str, ...]:
    """The ids in what is sent for selected members; () for one that is only described, by its type."""
    raw = read_json(raw, target.name)
    if isinstance(raw, dict) and raw and _LABELS.issuperset(map(str.lower, raw)):
        return ()
    return _ids(target, raw, notes)


def _ids(target: Target, raw: Any, notes: Notes) -> tuple[str, ...]:
    """The ids of the members that are sent, each once; () for nothing. Raises InvalidValue."""
    raw = read_json(raw, target.name)
    if is_nothing(raw):
        return ()
    for each in raw if isinstance(raw, list) else [raw]:
        _check_member(target, each)
    values = read_values(target.attribute, raw, target.name, notes)
    return tuple(dict.fromkeys(_id(target, value) for value in values))


def _check_member(target: Target, raw: Any) -> None:
    """Refuses what names nobody, which lists of other attributes pass over."""
    if is_nothing(raw):
        raise InvalidValue(
            f"{target.name} has a member that is empty: a member is named by its id."
        )
    if isinstance(raw, dict):
        named = {name.lower(): item for name, item in raw.items()}
        if isinstance(named.get("value"), dict | list) or not (
            named.get("value") or named.get("$ref")
        ):
            raise InvalidValue(f"{target.name}.value is missing: a member is named by its id.")


def _id(target: Target, value: Mapping[str, Any]) -> str:
    identifier = value.get("value")
    if not isinstance(identifier, str):
        raise InvalidValue(f"{target.name}.value is missing: a member is named by its id.")
    return identifier


def collected(edits: Sequence[MemberEdit]) -> tuple[str, ...]:
    """The ids that a body which is read from nothing asks for."""
    return tuple(dict.fromkeys(identifier for edit in edits for identifier in edit.ids))
