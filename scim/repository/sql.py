"""Fragments of SQL with their parameters; the only way request data gets near a statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """Text of our own with `%s` where a parameter goes, and the parameters in that order."""

    text: str
    parameters: tuple[Any, ...] = ()


def sql(template: str, *parts: "Sql | Parameter") -> Sql:
    """The template with each `{}` replaced by the next part."""
    pieces = template.split("{}")
    text = pieces[0]
    parameters: tuple[Any, ...] = ()
    for part, piece in zip(parts, pieces[1:], strict=True):
        if isinstance(part, Sql):
            text += part.text + piece
            parameters += part.parameters
        else:
            text += "%s" + piece
            parameters += (part.value,)
    return Sql(text, parameters)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value for the database driver to bind."""

    value: Any


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts with the separator between them, in parentheses."""
    items = tuple(parts)
    return Sql(
        f"({separator.join(item.text for item in items)})",
        tuple(value for item in items for value in item.parameters),
    )


def switch(by_type: Mapping[str, Sql], column: str = "resource_type") -> Sql:
    """The expression of the row's resource type; NULL for a type that has none."""
    text = "".join(f" WHEN %s THEN {each.text}" for each in by_type.values())
    parameters = tuple(
        value for name, each in by_type.items() for value in (name, *each.parameters)
    )
    return Sql(f"(CASE {column}{text} END)", parameters)
