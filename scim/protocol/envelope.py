"""What every message has in common: an object, its names in any letter case, and `schemas`.

The endpoint and the method say what a body is (E26). So `schemas` may be absent or empty, one text in
place of an array, in other letters, or of an old draft of SCIM, whose URNs some clients cannot change
(E36). Refused is a body that says that it is something else: another message, or nothing of SCIM.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from scim.protocol import urns
from scim.protocol.errors import InvalidSyntax

# Which URNs are of SCIM at all: of the standard, and of the drafts before it.
_SCIM: Final = ("urn:ietf:params:scim:", "urn:scim:")
# E18: the second schema of a group that Entra sends; it defines no attribute.
_MICROSOFT: Final = "http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/"
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


def read_message(body: object, urn: str) -> dict[str, Any]:
    """The members of a message by their names in lower case. Raises InvalidSyntax."""
    if not isinstance(body, dict):
        name = urn.rpartition(":")[2]
        raise InvalidSyntax(f"The body must be a JSON object, a {name} message.")
    message = by_lower_name(body)
    check_schemas(message.get("schemas"), urn, lambda sent: sent.lower() == urn.lower())
    return message


def by_lower_name(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an object by their names in lower case."""
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
        raise InvalidSyntax(f"schemas must name {urn}.")
    return [each for each in sent if each not in own and not each.lower().startswith(_MICROSOFT)]


def _read_urns(raw: Any) -> list[str]:
    named = [raw] if isinstance(raw, str) else raw
    if named is None:
        return []
    if not isinstance(named, list) or not all(isinstance(urn, str) for urn in named):
        raise InvalidSyntax("schemas must be an array of URNs.")
    return [urn for urn in map(str.strip, named) if urn]


def _is_of_scim(sent: Iterable[str], urn: str) -> bool:
    """Whether one of the URNs is of SCIM or Microsoft, and none is that of another message."""
    others = _MESSAGES - {urn.rpartition(":")[2].lower()}
    known = [each for each in map(str.lower, sent) if each.startswith((*_SCIM, _MICROSOFT))]
    return bool(known) and not any(each.rpartition(":")[2] in others for each in known)
