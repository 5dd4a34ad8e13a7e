"""Parameters of a list request as Query and Projection (RFC 7644 §3.4.2, §3.4.3, §3.9, RFC 9865).

The parameters stand in the query string, or in a SearchRequest: there with types of JSON.
"""

from collections.abc import Mapping
from typing import Any, Final

from scim.protocol import representation, urns
from scim.protocol.cursor import Cursor
from scim.protocol.errors import (
    InvalidCount,
    InvalidSyntax,
    InvalidValue,
)
from scim.protocol.filters import parse_filter, parse_path
from scim.protocol.messages import read_message
from scim.protocol.representation import Projection
from scim.provider.catalog import CAPABILITIES
from scim.repository.base import Query

_LARGEST: Final = 2**31 - 1  # beyond any list; PostgreSQL's OFFSET stays in range
NAMES: Final = (
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "attributes",
    "excludedAttributes",
    "cursor",
)


def read_query(parameters: Mapping[str, Any]) -> Query:
    """The query of a list request; its first page when pages by cursor are asked for.

    Parameters that are not known are ignored; an empty one counts as absent, but an empty cursor
    asks for the first page. E24: Entra writes a space as `+`, which Django has decoded.
    Raises InvalidFilter, InvalidPath, InvalidValue, InvalidCursor, InvalidCount.
    """
    text = parameters.get("filter")
    if not isinstance(text, str | None):
        raise InvalidSyntax("list.parameters", "filter must be a string.")
    cursor = read_cursor(parameters)
    count = _count(parameters) if cursor is None else _cursor_count(parameters)
    sort_by = _text(parameters, "sortBy")
    return Query(
        filter=parse_filter(text) if text and text.strip() else None,
        sort_by=parse_path(sort_by).attribute if sort_by else None,
        descending=_is_descending(_text(parameters, "sortOrder")),
        start_index=max(1, _integer(parameters, "startIndex", 1)),
        count=count,
        cursor=None if cursor is None else Cursor(count),
    )


def read_cursor(parameters: Mapping[str, Any]) -> str | None:
    """The cursor as it was sent, "" for the first page, None for pages by index.

    Raises InvalidCursor, and InvalidValue if a startIndex says something else than the cursor.
    """
    text = parameters.get("cursor")
    if not isinstance(text, str | None):
        raise InvalidSyntax("list.parameters", "cursor must be a string.")
    if text is not None and parameters.get("startIndex") not in (None, ""):
        raise InvalidValue("list.parameters", "cursor and startIndex exclude each other; send one.")
    return text


def read_projection(parameters: Mapping[str, Any]) -> Projection:
    """The projection of the answer. Raises InvalidValue."""
    return representation.read_projection(
        parameters.get("attributes"), parameters.get("excludedAttributes")
    )


def read_search(body: Any) -> dict[str, Any]:
    """The parameters in a SearchRequest, whose names have no letter case. Raises InvalidSyntax."""
    message = read_message(body, urns.SEARCH_REQUEST)
    return {name: message.get(name.lower()) for name in NAMES}


def _text(parameters: Mapping[str, Any], name: str) -> str:
    raw = parameters.get(name)
    if not isinstance(raw, str | None):
        raise InvalidSyntax("list.parameters", f"{name} must be a string.")
    return raw.strip() if raw else ""


def _count(parameters: Mapping[str, Any]) -> int:
    """The size of a page by index: a larger one than is served is cut to that."""
    count = _integer(parameters, "count", CAPABILITIES.default_page)
    return min(max(0, count), CAPABILITIES.max_page)


def _cursor_count(parameters: Mapping[str, Any]) -> int:
    """The size of a page by cursor: a larger one than is served is refused (RFC 9865 §2.1)."""
    try:
        count = max(0, _integer(parameters, "count", CAPABILITIES.default_page))
    except InvalidValue as error:
        raise InvalidCount(error.reason, error.detail) from None
    if count > CAPABILITIES.max_page:
        raise InvalidCount("list.cursor", f"count must be between 0 and {CAPABILITIES.max_page}.")
    return count


def _is_descending(order: str) -> bool:
    if order.lower() not in ("", "ascending", "descending"):
        raise InvalidValue("list.parameters", "sortOrder is either ascending or descending.")
    return order.lower() == "descending"


def _integer(parameters: Mapping[str, Any], name: str, default: int) -> int:
    raw = parameters.get(name)
    if raw is None or raw == "":
        return default
    if not isinstance(raw, str | int | float) or isinstance(raw, bool):
        raise InvalidSyntax("list.parameters", f"{name} must be a number.")
    text = str(raw).strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidValue("list.parameters", f"{name} must be an integer.")
    bounded = min(int(digits[:20]), _LARGEST)
    return -bounded if text.startswith("-") else bounded
