"""The parameters of a query string, by the names that RFC 7644 gives them (§3.4.2, §3.9, RFC 9865).

A parameter that is passed over in silence does harm: without its filter, a look-up is answered with
the whole list, and a client takes the first user for the one it asked for. So names are read in any
letter case (E34), and a parameter that says two things is refused.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from django.http import HttpRequest

from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.filters import parse_filter
from scim.provider.parameters import NAMES

_BY_LOWER_NAME: Final = {name.lower(): name for name in NAMES}
_LISTS: Final = frozenset({"attributes", "excludedAttributes"})
_FILTER: Final = "filter"


def read_parameters(request: HttpRequest) -> dict[str, str]:
    """The parameters that were given, unknown ones included; several lists of names are one list.

    Raises InvalidFilter, InvalidValue.
    """
    given: dict[str, list[str]] = {}
    for sent, values in request.GET.lists():
        given.setdefault(_BY_LOWER_NAME.get(sent.lower(), sent), []).extend(values)
    found = {name: _only(name, values) for name, values in given.items()}
    raw = request.META.get("QUERY_STRING", "")
    if found.get(_FILTER) and "+" in raw and "%20" in raw:
        found[_FILTER] = _with_pluses(raw) or found[_FILTER]
    return found


def _only(name: str, values: Iterable[str]) -> str:
    """The one value. Equal doubles, and empty values beside another, do not count."""
    if name in _LISTS:
        return ",".join(values)
    said = list(dict.fromkeys(values))
    said = [each for each in said if each.strip()] or said
    if len(said) > 1 and name in NAMES:
        refusal = InvalidFilter if name == _FILTER else InvalidValue
        detail = f"{name} is given more than once, with different values; send one."
        raise refusal("list.parameters", detail)
    return said[-1]


def _with_pluses(raw: str) -> str | None:
    """The filter read with each `+` as itself, None if it is no filter then.

    E35: a client that writes blanks as %20 may leave the plus of an e-mail address as it is.
    """
    for name, value in parse_qsl(raw.replace("+", "%2B")):
        if name.lower() == _FILTER:
            try:
                parse_filter(value)
            except InvalidFilter:
                return None
            return value
    return None
