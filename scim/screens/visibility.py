"""Personal data, masked for roles without permission: enough to recognize, too little to keep.

An attribute is personal unless the table says that it is not. A masked value keeps its first letter,
and an e-mail address its domain, which is the customer's. Ids stay: they lead from a request to its
user, and alone say nothing about a person.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from accounts.permissions import PERSONAL_DATA
from accounts.signed_in import may
from scim.protocol import urns
from scim.protocol.redaction import REDACTED, Redaction
from scim.protocol.text import read_id
from scim.provider import catalog
from tenants.current import current_tenant

NOTICE: Final = "Personal data are masked: your role does not include seeing them."

_DOTS: Final = "•••"
# Names of attributes, and of members of SCIM messages, whose values tell nothing of a person.
_PLAIN: Final = frozenset(
    name.lower()
    for name in (
        *("schemas", "id", "externalId", "meta", "active", "type", "primary", "$ref", "groups"),
        *("userType", "locale", "timezone", "preferredLanguage"),
        *("department", "division", "organization", "costCenter"),
        *("op", "method", "bulkId", "version", "omitted"),
        *("sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes"),
    )
)
_PLAIN_OF_GROUPS: Final = _PLAIN | {"displayname"}
# Their values are filters or paths: what stands in quotes there is a value.
_QUOTING: Final = frozenset({"filter", "path"})
_QUOTED: Final = re.compile(r'(?P<type>\btype\s+eq\s+)?"(?P<text>(?:[^"\\]|\\.)*)"?', re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s'\"/<>@]+@[^\s'\"/<>@]+")
_LAST_NAME: Final = re.compile(r"[^.:\[\]]+(?=(?:\[.*\])?$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sight:
    """The visibility of provisioned people to an account.

    Values of the past also pass the `redaction`, which leaves out for everybody what is secret by the
    tenant's schemas.
    """

    is_whole: bool
    redaction: Redaction | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> "Sight":
        """The visibility for the signed-in account, in the current tenant."""
        return cls(may(request, PERSONAL_DATA), catalog.redaction(current_tenant()))

    def json(self, value: Any, resource_type: str) -> Any:
        """A canonical resource, a representation, or the body or query of a request."""
        return value if self.is_whole else _Masker(_plain(resource_type)).any(value)

    def value(self, path: str, value: Any, resource_type: str) -> Any:
        """The value at a SCIM path, such as `emails[type eq "work"].value`."""
        if self.redaction is not None:
            value = self.redaction.value(path, value, resource_type)
        if self.is_whole:
            return value
        return _Masker(_plain(resource_type)).named(_last_name(path), value)

    def path(self, path: str, resource_type: str = "") -> str:
        """A SCIM path or filter, whose quoted values may be personal, or secret in that type."""
        if self.redaction is not None:
            path = self.redaction.path(path, resource_type)
        return path if self.is_whole else _without_values(path)

    def text(self, text: str) -> str:
        """A sentence or address that may hold an e-mail address."""
        return text if self.is_whole else _EMAIL.sub(lambda found: _masked(found[0]), text)

    @property
    def notice(self) -> str:
        """The sentence that says what is left out; empty when nothing is."""
        return "" if self.is_whole else NOTICE


def _plain(resource_type: str) -> frozenset[str]:
    return _PLAIN_OF_GROUPS if resource_type == urns.GROUP_TYPE else _PLAIN


@dataclass(frozen=True, slots=True)
class _Masker:
    plain: frozenset[str]

    def any(self, value: Any) -> Any:
        """The value with everything personal masked, however deep."""
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list):
            return [self.any(item) for item in value]
        return _masked(value)

    def named(self, name: str, value: Any) -> Any:
        """The value of the attribute or member with that name."""
        lowered = name.lower()
        if lowered in self.plain:
            return value
        if lowered in _QUOTING and isinstance(value, str):
            return _without_values(value)
        return self.any(value)

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        members = {name.lower(): item for name, item in value.items()}
        path = members.get("path") if "op" in members else None
        return {
            name: self.named(_last_name(path), item)
            if isinstance(path, str) and name.lower() == "value"
            else self.named(_last_name(name), item)
            for name, item in value.items()
        }


def _last_name(path: str) -> str:
    """The innermost name of a path: `value` of `emails[type eq "work"].value`."""
    found = _LAST_NAME.search(path)
    return found[0] if found else path


def _without_values(text: str) -> str:
    def masked(found: re.Match[str]) -> str:
        return found[0] if found["type"] else f'"{_masked(found["text"])}"'

    return _QUOTED.sub(masked, text)


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return _DOTS
    if value in ("", REDACTED) or read_id(value.lower()) or value.lower() in ("true", "false"):
        return value
    _, at, domain = value.partition("@")
    return f"{value[0]}{_DOTS}{at}{domain}" if " " not in value else f"{value[0]}{_DOTS}"
