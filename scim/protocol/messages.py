"""The messages of the protocol that are not resources (RFC 7644 §3.4.2, §3.4.3, §3.12, RFC 9865).

The endpoint and the method say what a body is (E26). So `schemas` may be absent or empty, one text
in place of an array, in other letters, or of an old draft of SCIM, whose URNs some clients cannot
change (E36). A body that says it is something else is refused: another message, or nothing of SCIM.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.errors import InvalidSyntax

MEDIA_TYPE: Final = "application/scim+json"  # RFC 7644 §8.1


# Which URNs are of SCIM at all: of the standard, and of the drafts before it.
_SCIM: Final = ("urn:ietf:params:scim:", "urn:scim:")
# E18: the second schema of a group that Entra sends; it defines no attribute.
_MICROSOFT: Final = "http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/"
# The members of an operation of a PATCH, as they are defined and nearly always sent.
AS_DEFINED: Final = frozenset({"op", "path", "value"})
_MESSAGES: Final = frozenset(
    urn.rpartition(":")[2].lower()
    for urn in (
        urns.BULK_REQUEST,
        urns.BULK_RESPONSE,
        urns.ERROR,
        urns.LIST_RESPONSE,
        urns.PATCH_OP,
        urns.SEARCH_REQUEST,
    )
)


def error_body(status: int, detail: str, scim_type: str | None = None) -> dict[str, Any]:
    """The Error message: exactly the RFC's keys, the status as a string (RFC 7644 §3.12)."""
    body: dict[str, Any] = {"schemas": [urns.ERROR]}
    if scim_type is not None:
        body["scimType"] = scim_type
    body["detail"] = detail
    body["status"] = str(status)
    return body


def list_response(
    resources: Sequence[Mapping[str, Any]],
    *,
    total: int,
    start_index: int,
) -> dict[str, Any]:
    """The ListResponse message of one page (RFC 7644 §3.4.2.4).

    `start_index` counts from 1. `Resources` is there even when it is empty: Entra's Test Connection
    reads it (E11).
    """
    return {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def cursor_response(
    resources: Sequence[Mapping[str, Any]],
    *,
    total: int,
    previous_cursor: str | None,
    next_cursor: str | None,
) -> dict[str, Any]:
    """The ListResponse message of a page that a cursor led to (RFC 9865 §2): without startIndex.

    A cursor that is None is left out, which says that there is no page on that side.
    """
    cursors = {"previousCursor": previous_cursor, "nextCursor": next_cursor}
    return {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "itemsPerPage": len(resources),
        **{name: cursor for name, cursor in cursors.items() if cursor is not None},
        "Resources": list(resources),
    }


def read_message(body: object, urn: str) -> Mapping[str, Any]:
    """The members of a message by their names in lower case. Raises InvalidSyntax."""
    if not isinstance(body, dict):
        name = urn.rpartition(":")[2]
        raise InvalidSyntax(
            "body.wrong-message", f"The body must be a JSON object, a {name} message."
        )
    message = by_lower_name(body)
    check_schemas(message.get("schemas"), urn, lambda sent: sent.lower() == urn.lower())
    return message


def by_lower_name(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of an object by their names in lower case; itself if it is an operation as defined."""
    if AS_DEFINED.issuperset(body):
        return body
    return {name.lower(): value for name, value in body.items()}


def check_schemas(raw: Any, urn: str, is_own: Callable[[str], object]) -> list[str]:
    """The URNs in `schemas` that are passed over, None of them if it names none.

    `urn` is the one that is expected; what `is_own` gives for each that the endpoint takes is true.
    Raises InvalidSyntax.
    """
    sent = _read_urns(raw)
    own = [each for each in sent if is_own(each)]
    if len(own) == len(sent):
        return []  # as nearly always
    if not own and not _is_of_scim(sent, urn):
        raise InvalidSyntax("body.wrong-message", f"schemas must name {urn}.")
    return [each for each in sent if each not in own and not each.lower().startswith(_MICROSOFT)]


def _read_urns(raw: Any) -> list[str]:
    named = [raw] if isinstance(raw, str) else raw
    if named is None:
        return []
    if not isinstance(named, list) or not all(isinstance(urn, str) for urn in named):
        raise InvalidSyntax("body.wrong-message", "schemas must be an array of URNs.")
    return [urn for urn in map(str.strip, named) if urn]


def _is_of_scim(sent: Iterable[str], urn: str) -> bool:
    """True if one of the URNs is of SCIM or Microsoft, and none is that of another message."""
    others = _MESSAGES - {urn.rpartition(":")[2].lower()}
    known = [each for each in map(str.lower, sent) if each.startswith((*_SCIM, _MICROSOFT))]
    return bool(known) and not any(each.rpartition(":")[2] in others for each in known)
