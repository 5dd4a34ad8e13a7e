"""SCIM in ten requests: what a client needs to know of the protocol, in the order of a first try.

A test sends them to the server, one after the other, and compares status and sentence.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from scim.protocol import urns
from scim.protocol.messages import MEDIA_TYPE

_WORK: Final = 'emails[type eq "work"].value'


@dataclass(frozen=True, slots=True)
class Example:
    """A request, and the answer in words. `{user}` and `{group}` stand for ids of earlier answers."""

    title: str
    method: str
    path: str  # below the Tenant URL
    status: int
    told: str
    body: Mapping[str, Any] | None = None
    creates: str = ""  # the name by which later requests call the new id

    def curl(self, tenant_url: str) -> str:
        """The command that sends the request, with the token in the environment's TOKEN."""
        parts = [f"curl -sS -X {self.method} {shlex.quote(tenant_url + self.path)}"]
        parts.append('-H "Authorization: Bearer $TOKEN"')
        if self.body is not None:
            parts.append(f"-H 'Content-Type: {MEDIA_TYPE}'")
            parts.append(f"-d {shlex.quote(json.dumps(self.body, indent=2))}")
        return " \\\n  ".join(parts)


def _patch(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def _query(expression: str, **others: str) -> str:
    pairs = {"filter": expression, **others}
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in pairs.items())


EXAMPLES: Final = (
    Example(
        "Ask what the server can do",
        "GET",
        "/ServiceProviderConfig",
        200,
        "Its limits, and which parts of SCIM it has: PATCH, bulk, filters, sorting, cursors, ETags.",
    ),
    Example(
        "Look for a user",
        "GET",
        "/Users" + _query('userName eq "ada@contoso.com"'),
        200,
        "A ListResponse. totalResults is 0: nobody is found, and that is no error.",
    ),
    Example(
        "Create the user",
        "POST",
        "/Users",
        201,
        "The user with its id, which the requests below need, and with meta.location.",
        {
            "schemas": [urns.USER, urns.ENTERPRISE_USER],
            "userName": "ada@contoso.com",
            "externalId": "701984",
            "displayName": "Ada Lovelace",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"type": "work", "value": "ada@contoso.com", "primary": True}],
            "active": True,
            urns.ENTERPRISE_USER: {"department": "Research"},
        },
        creates="user",
    ),
    Example(
        "Read it, and only what is needed",
        "GET",
        "/Users/{user}?attributes=userName,active",
        200,
        "id, userName, active and what is always returned. The header ETag has its version.",
    ),
    Example(
        "Change one attribute",
        "PATCH",
        "/Users/{user}",
        200,
        "The changed user. The work e-mail is the value with that type, whatever others there are.",
        _patch({"op": "replace", "path": _WORK, "value": "ada.lovelace@contoso.com"}),
    ),
    Example(
        "Deactivate it",
        "PATCH",
        "/Users/{user}",
        200,
        "The user with active false. It keeps its userName, its groups and its id.",
        _patch({"op": "replace", "path": "active", "value": False}),
    ),
    Example(
        "Create a group with it",
        "POST",
        "/Groups",
        201,
        "The group. members has the ids of users and of other groups.",
        {"schemas": [urns.GROUP], "displayName": "Research", "members": [{"value": "{user}"}]},
        creates="group",
    ),
    Example(
        "Remove it from the group",
        "PATCH",
        "/Groups/{group}",
        204,
        "No body. Other members stay, however many there are.",
        _patch({"op": "remove", "path": 'members[value eq "{user}"]'}),
    ),
    Example(
        "List users, page by page",
        "GET",
        "/Users" + _query("active eq true", sortBy="userName", startIndex="1", count="100"),
        200,
        "A page, and totalResults. Add cursor= in place of startIndex for pages by cursor (RFC 9865).",
    ),
    Example(
        "Delete the user",
        "DELETE",
        "/Users/{user}",
        204,
        "No body. From now on the id is answered 404, and the userName is free again.",
    ),
)
