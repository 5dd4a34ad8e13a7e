"""The forms of statements that do not fit Citus (docs/platform.md), looked for in all that tests execute."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

# A comparison with NULL: Citus finds no shard for it, does nothing and says nothing.
_PLACE: Final = re.compile(
    r"(?P<compared>(?:=|<>|!=|[<>]=?)\s*(?:ANY\s*\(\s*)?)?%(?:\((?P<name>\w+)\))?s"
)
_LITERAL: Final = re.compile(r"(?:=|<>|!=)\s*NULL\b", re.IGNORECASE)
_ASSIGNMENTS: Final = re.compile(
    r"\bSET\b.*?(?=\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", re.DOTALL | re.IGNORECASE
)
_FORMS: Final = {
    "an empty select list": r"\bSELECT\s+FROM\b",
    "an advisory lock of the session": r"\bpg_(?:try_)?advisory_lock\b",
    "a sub-select in RETURNING": r"\bRETURNING\s+(?:\(\s*SELECT|(?:NOT\s+)?EXISTS)\b",
}
_COMPILED: Final = {name: re.compile(form, re.IGNORECASE) for name, form in _FORMS.items()}
_MODIFYING: Final = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE(?=\s+\w+\s+(?:AS\s+\w+\s+)?SET\b)|DELETE\s+FROM)\b", re.IGNORECASE
)
# The change of a resource with its history and its event (decision 0045).
_ONE_STATEMENT: Final = re.compile(r"\s*WITH stored AS \(")
_SCHEMA: Final = re.compile(r'"?\b(t_\w+|public|support)\b"?\s*\.')
_SHARED: Final = re.compile(
    r'(?:FROM|JOIN|INTO|UPDATE)\s+"?(?:tenants_|django_content_type\b)', re.IGNORECASE
)
_OWN: Final = re.compile(
    r'(?:FROM|JOIN|INTO|UPDATE)\s+"?(?:scim_|accounts_|django_session\b)', re.IGNORECASE
)


def unfit(statement: str, parameters: Any) -> str:
    """The form that does not fit Citus, "" if there is none. Migrations have a test of their own."""
    is_migration = statement.startswith(("DO ", "CREATE ", "ALTER "))
    return "" if is_migration else next(_unfit(statement, parameters), "")


def _unfit(statement: str, parameters: Any) -> Iterator[str]:
    yield from (name for name, form in _COMPILED.items() if form.search(statement))
    is_of_tenant = _OWN.search(statement) is not None
    if (
        is_of_tenant
        and len(_MODIFYING.findall(statement)) > 1
        and not _ONE_STATEMENT.match(statement)
    ):
        yield "a statement that modifies twice"
    if any(_is_over_two_schemas(part) for part in re.split(r"\bUNION ALL\b", statement)):
        yield "a statement over two schemas"
    if _compares_with_null(statement, parameters):
        yield "a comparison with NULL"


def _is_over_two_schemas(statement: str) -> bool:
    named = set(_SCHEMA.findall(statement))
    return len(named) > 1 or bool(_SHARED.search(statement) and _OWN.search(statement))


def _compares_with_null(statement: str, parameters: Any) -> bool:
    conditions = _ASSIGNMENTS.sub(lambda found: found[0].replace("=", ":"), statement)
    if _LITERAL.search(conditions):
        return True
    if not parameters:
        return False
    given = iter(()) if isinstance(parameters, Mapping) else iter(parameters)
    for place in _PLACE.finditer(conditions.replace("%%", "  ")):
        value = parameters[place["name"]] if place["name"] else next(given, "")
        if place["compared"] and value is None:
            return True
    return False
