"""The attributes that are compared: by their names in Entra's exports, and as SCIM paths with their SQL.

The paths are those of the mapping that Entra offers for this application (docs/entra.md). A tenant may map
others: an attribute that no user here has is not compared (scim.reconciliation.comparing).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scim.protocol import urns
from scim.repository.sql import Sql

OBJECT_ID: Final = "object id"
NICKNAME: Final = "mail nickname"
ENABLED: Final = "enabled"
USER_NAME: Final = "userName"
DISPLAY_NAME: Final = "displayName"


@dataclass(frozen=True, slots=True)
class Compared:
    """A SCIM path, the names of its source in Entra, and its value in a user's `document`."""

    path: str
    sources: tuple[str, ...]  # the first one is shown
    expression: Sql
    ignores_case: bool = False


def _named(*keys: str) -> Sql:
    return Sql(f"(document #>> '{{{','.join(keys)}}}')")


def _typed(attribute: str, kind: str, sub: str = "value") -> Sql:
    path = f'$.{attribute}[*] ? (@.type == "{kind}").{sub}'
    return Sql(f"(jsonb_path_query_first(document, '{path}') #>> '{{}}')")


def _address(sub: str, *sources: str) -> Compared:
    path = f'addresses[type eq "work"].{sub}'
    return Compared(path, sources, _typed("addresses", "work", sub))


COMPARED: Final = (
    Compared(USER_NAME, ("userPrincipalName", "upn"), _named("userName"), ignores_case=True),
    Compared(DISPLAY_NAME, ("displayName",), _named("displayName")),
    Compared("name.givenName", ("givenName", "firstName"), _named("name", "givenName")),
    Compared("name.familyName", ("surname", "lastName"), _named("name", "familyName")),
    Compared(
        'emails[type eq "work"].value',
        ("mail", "email"),
        _typed("emails", "work"),
        ignores_case=True,
    ),
    Compared("title", ("jobTitle",), _named("title")),
    Compared("department", ("department",), _named(urns.ENTERPRISE_USER, "department")),
    Compared("employeeNumber", ("employeeId",), _named(urns.ENTERPRISE_USER, "employeeNumber")),
    Compared("preferredLanguage", ("preferredLanguage",), _named("preferredLanguage")),
    Compared(
        'phoneNumbers[type eq "work"].value',
        ("telephoneNumber", "businessPhones"),
        _typed("phoneNumbers", "work"),
    ),
    Compared(
        'phoneNumbers[type eq "mobile"].value',
        ("mobilePhone", "mobile"),
        _typed("phoneNumbers", "mobile"),
    ),
    _address("streetAddress", "streetAddress"),
    _address("locality", "city"),
    _address("region", "state"),
    _address("postalCode", "postalCode"),
    _address("country", "country"),
)
BY_PATH: Final[Mapping[str, Compared]] = {each.path: each for each in COMPARED}
BY_SOURCE: Final[Mapping[str, Compared]] = {each.sources[0]: each for each in COMPARED}
FOLDED: Final = tuple(each.path for each in COMPARED if each.ignores_case)

_IDENTIFYING: Final = {
    OBJECT_ID: ("objectId", "id"),
    NICKNAME: ("mailNickname",),
    ENABLED: ("accountEnabled",),
}
_NAMES: Final[Mapping[str, str]] = {
    source.lower(): meaning
    for meaning, sources in (
        *_IDENTIFYING.items(),
        *((each.path, each.sources) for each in COMPARED),
    )
    for source in sources
}


def meaning_of(name: str) -> str | None:
    """The path, or OBJECT_ID, NICKNAME or ENABLED, of a column or member; None for any other.

    Letter case, blanks and underscores do not matter: the portal's own headings have had all of them.
    """
    return _NAMES.get("".join(name.split()).replace("_", "").lower())


def source_of(meaning: str) -> str:
    """The name in Entra of what a path or the like is compared with."""
    found = BY_PATH.get(meaning)
    return found.sources[0] if found else _IDENTIFYING[meaning][0]
