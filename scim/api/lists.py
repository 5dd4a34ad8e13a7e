"""The answer to a list request, over one resource type or all (RFC 7644 §3.4.2, §3.4.3, RFC 9865)."""

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.messages import cursor_response, list_response
from scim.protocol.representation import project, relations_shown, represent
from scim.protocol.schema import ResourceType
from scim.provider import resources
from scim.provider.cursors import Seal
from scim.provider.parameters import read_cursor, read_projection, read_query
from scim.provider.requester import Requester
from scim.repository.base import Loading, Source


def list_response_of(
    resource_types: Sequence[ResourceType], parameters: Mapping[str, Any], requester: Requester
) -> dict[str, Any]:
    """The ListResponse of the page that the parameters ask for.

    Raises InvalidFilter, InvalidPath, InvalidValue, InvalidCursor, ExpiredCursor, InvalidCount,
    TooMany.
    """
    projection, query = read_projection(parameters), read_query(parameters)
    seal = Seal(requester, resource_types)
    cursor = read_cursor(parameters)
    if cursor:
        query = seal.opened(query, cursor)
    tenant_url = requester.tenant_url
    sources = [
        Source(each, Loading(tenant_url, relations_shown(each, projection)))
        for each in resource_types
    ]
    page = resources.query(sources, query)
    found = [
        project(
            item.resource_type, represent(item.resource_type, item.stored, tenant_url), projection
        )
        for item in page.items
    ]
    if query.cursor is None:
        return list_response(found, total=page.total, start_index=query.start_index)
    sealed = seal.sealed(query, page)
    return cursor_response(
        found, total=page.total, previous_cursor=sealed.previous, next_cursor=sealed.next
    )


def without_cursor(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The query without its cursor, which holds a sort key and makes equal queries differ."""
    return {
        name: "…" if name.lower() == "cursor" and value else value for name, value in sent.items()
    }
