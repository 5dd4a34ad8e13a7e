"""Marks of the provisioning set-up in a body: the attributes it carries, and its format of PATCH.

The tutorial's mapping has nine attributes (step 10). Which of them arrive, and in which of Entra's
two flavors of PATCH, is kept as marks from the closed set below: names, never values.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim.protocol import urns

USER_NAME: Final = "userName"
ACTIVE: Final = "active"
WORK_EMAIL: Final = 'emails[type eq "work"].value'
EXTERNAL_ID: Final = "externalId"
WORK_COUNTRY: Final = 'addresses[type eq "work"].country'
MANAGER: Final = f"{urns.ENTERPRISE_USER}:manager"
# The attribute mapping of the tutorial, in its order.
MAPPING: Final = (
    USER_NAME,
    ACTIVE,
    WORK_EMAIL,
    "name.givenName",
    "name.familyName",
    "name.formatted",
    EXTERNAL_ID,
    WORK_COUNTRY,
    MANAGER,
)
CREATE: Final = "user created"
LEGACY: Final = "legacy PATCH"  # operations capitalized, booleans as strings
COMPLIANT: Final = "compliant PATCH"  # aadOptscim062020

_MAX_OPERATIONS: Final = 100  # of a body; what is configured shows in the first ones
_FLAVORS: Final = dict.fromkeys(("Add", "Replace", "Remove"), (LEGACY,)) | dict.fromkeys(
    ("add", "replace", "remove"), (COMPLIANT,)
)
# Lower-cased first words of a path, and what the attribute is called here.
_SIMPLE: Final = {
    name.lower(): name
    for name in (
        USER_NAME,
        ACTIVE,
        EXTERNAL_ID,
        "name.givenName",
        "name.familyName",
        "name.formatted",
    )
} | {"manager": MANAGER, "manager.value": MANAGER}
_NAME_PARTS: Final = ("givenName", "familyName", "formatted")
# The name behind a schema's URN, with a colon or the dot of E3, and without a filter.
_PATH: Final = re.compile(
    r"(?:urn:[^\[]*:(?:User|Group)[:.])?(?P<name>[^\[]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)


def marks_of(method: str, body: Any) -> frozenset[str]:
    """The marks of a POST, PUT or PATCH of a user, whether or not it was accepted."""
    if not isinstance(body, Mapping):
        return frozenset()
    if method == "PATCH":
        return frozenset(_of_patch(body))
    created = {CREATE} if method == "POST" else set()
    return frozenset(created.union(_of_resource(body)))


def _of_patch(body: Mapping[str, Any]) -> Iterator[str]:
    operations = next((v for k, v in body.items() if k.lower() == "operations"), None)
    if not isinstance(operations, list):
        return
    for operation in operations[:_MAX_OPERATIONS]:
        if not isinstance(operation, Mapping):
            continue
        op, path, value = (operation.get(name) for name in ("op", "path", "value"))
        if isinstance(op, str):
            yield from _FLAVORS.get(op, ())
        if isinstance(path, str) and path:
            yield from _of_member(path, value)
        elif isinstance(value, Mapping):
            yield from _of_resource(value)


def _of_resource(resource: Mapping[str, Any]) -> Iterator[str]:
    for name, value in resource.items():
        if name == urns.ENTERPRISE_USER and isinstance(value, Mapping):
            yield from _of_resource(value)
        else:
            yield from _of_member(name, value)


def _of_member(path: str, value: Any) -> Iterator[str]:
    """The marks of an attribute with its value, named by a path or as a member of an object."""
    found = _PATH.fullmatch(path)
    if found is None or value in (None, "", []):
        return
    name, rest = found["name"].strip().lower(), found["rest"].lower()
    if name in _SIMPLE:
        yield _SIMPLE[name]
    elif name == "name" and isinstance(value, Mapping):
        yield from (f"name.{part}" for part in _NAME_PARTS if value.get(part))
    elif name == "emails":
        if _is_work(rest, value, "value"):
            yield WORK_EMAIL
    elif name == "addresses" and _is_work(rest, value, "country"):
        yield WORK_COUNTRY


def _is_work(rest: str, value: Any, part: str) -> bool:
    """True if a path's filter and end, or else one of the values, name that part of type work."""
    if rest:
        return '"work"' in rest and (
            rest.endswith(f".{part}") or isinstance(value, (Mapping, list))
        )
    values = value if isinstance(value, list) else [value]
    return any(
        isinstance(item, Mapping) and item.get("type") == "work" and item.get(part)
        for item in values
    )
