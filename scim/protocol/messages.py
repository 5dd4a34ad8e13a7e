"""The messages of the protocol that are not resources (RFC 7644 §3.4.2, §3.4.3, §3.12, RFC 9865)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scim.protocol import urns

MEDIA_TYPE: Final = "application/scim+json"  # RFC 7644 §8.1


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
