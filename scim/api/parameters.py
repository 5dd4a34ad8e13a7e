"""The query string of a list request as a Query and a Projection (RFC 7644 §3.4.2, §3.9)."""

from collections.abc import Mapping
from typing import Final

from scim.protocol import projection
from scim.protocol.errors import InvalidValue
from scim.protocol.filters import parse_filter, parse_path
from scim.protocol.projection import Projection
from scim.provider.capabilities import CAPABILITIES
from scim.repository.base import Query

_LARGEST: Final = 2**31 - 1  # beyond any list; PostgreSQL's OFFSET stays in range


def read_query(parameters: Mapping[str, str]) -> Query:
    """What the list request asks for. Raises InvalidFilter, InvalidValue.

    Parameters that are not known are ignored; an empty one counts as absent.
    """
    text = parameters.get("filter", "")
    sort_by = parameters.get("sortBy", "")
    return Query(
        filter=parse_filter(text) if text.strip() else None,
        sort_by=parse_path(sort_by).attribute if sort_by.strip() else None,
        descending=_is_descending(parameters.get("sortOrder", "")),
        start_index=max(1, _integer(parameters, "startIndex", 1)),
        count=min(
            max(0, _integer(parameters, "count", CAPABILITIES.default_page)),
            CAPABILITIES.max_page,
        ),
    )


def read_projection(parameters: Mapping[str, str]) -> Projection:
    """Which attributes the answer shall hold. Raises InvalidValue."""
    return projection.read_projection(
        parameters.get("attributes"), parameters.get("excludedAttributes")
    )


def _is_descending(order: str) -> bool:
    lowered = order.strip().lower()
    if lowered not in ("", "ascending", "descending"):
        raise InvalidValue("sortOrder is either ascending or descending.")
    return lowered == "descending"


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "").strip()
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidValue(f"{name} must be an integer.")
    bounded = min(int(digits[:20]), _LARGEST)
    return -bounded if text.startswith("-") else bounded
