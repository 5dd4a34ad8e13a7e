"""List requests: the parameters by the names that RFC 7644 gives them, the answer, and the endpoints over
all resource types (§3.4.2, §3.4.3, §3.9, RFC 9865).

A parameter that is passed over in silence does harm: without its filter, a look-up is answered with
the whole list, and a client takes the first user for the one it asked for. So names are read in any
letter case (E34), and a parameter that says two things is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.log import log_read
from scim.api.renderers import ScimResponse
from scim.api.requests import ListRequest
from scim.api.views import ScimView
from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.filters import parse_filter
from scim.protocol.messages import cursor_response, list_response
from scim.protocol.representation import projecting, relations_shown, represent
from scim.protocol.schema import ResourceType
from scim.provider import resources
from scim.provider.catalog import resource_types
from scim.provider.cursors import Seal
from scim.provider.parameters import NAMES, read_cursor, read_projection, read_query, read_search
from scim.provider.requester import Requester
from scim.repository.base import Loading, Source
from tenants.current import current_tenant

_BY_LOWER_NAME: Final = {name.lower(): name for name in NAMES}
_LISTS: Final = frozenset({"attributes", "excludedAttributes"})
_FILTER: Final = "filter"
_FEW: Final = 50  # parameters: no more than Django would refuse


def read_parameters(request: HttpRequest) -> dict[str, str]:
    """The parameters that were given, unknown ones included; several lists of names are one list.

    Raises InvalidFilter, InvalidValue.
    """
    raw = request.META.get("QUERY_STRING", "")
    if not raw:
        return {}
    given: dict[str, list[str]] = {}
    for sent, value in _pairs(request, raw):
        given.setdefault(_BY_LOWER_NAME.get(sent.lower(), sent), []).append(value)
    found = {name: _only(name, values) for name, values in given.items()}
    if found.get(_FILTER) and "+" in raw and "%20" in raw:
        found[_FILTER] = _with_pluses(raw) or found[_FILTER]
    return found


def _pairs(request: HttpRequest, raw: str) -> Iterator[tuple[str, str]]:
    """Names and values as Django reads them, which takes 50 calls more to keep them by name."""
    if is_usual(raw):
        yield from parse_qsl(raw, keep_blank_values=True)
        return
    for name, values in request.GET.lists():
        for value in values:
            yield name, value


def is_usual(raw: str) -> bool:
    """True if a query string has few parameters, and nothing that is not escaped."""
    return raw.isascii() and raw.count("&") < _FEW


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


def read_list_request(
    resource_types: Sequence[ResourceType], parameters: Mapping[str, Any], tenant_url: str
) -> ListRequest:
    """The list that the parameters ask for, of the resource types.

    Raises InvalidFilter, InvalidPath, InvalidValue, InvalidCursor, InvalidCount.
    """
    projection, query = read_projection(parameters), read_query(parameters)
    sources = [
        Source(each, Loading(tenant_url, relations_shown(each, projection)))
        for each in resource_types
    ]
    return ListRequest(parameters, projection, query, sources)


def list_response_of(asked: ListRequest, requester: Requester) -> dict[str, Any]:
    """The ListResponse of the page that is asked for.

    Raises InvalidFilter, InvalidValue, InvalidCursor, ExpiredCursor, TooMany.
    """
    query, sources, projection = asked.query, asked.sources, asked.projection
    resource_types = tuple(each.resource_type for each in sources)
    seal = Seal(requester, resource_types)
    cursor = read_cursor(asked.parameters)
    if cursor:
        query = seal.opened(query, cursor)
    tenant_url = requester.tenant_url
    page = resources.query(sources, query, asked.look_up)
    shown = {each.name: projecting(each, projection) for each in resource_types}
    found = [
        shown[item.resource_type.name](represent(item.resource_type, item.stored, tenant_url))
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


class EverythingView(ScimView):
    """A list of resources of every type, in one order and with one total."""

    operation = "query"

    def answer(self, parameters: Mapping[str, Any]) -> Response:
        types, requester = resource_types(current_tenant()), self.authenticated()
        body = list_response_of(
            read_list_request(types, parameters, requester.tenant_url), requester
        )
        log_read(self.http_request, self, 200)
        return ScimResponse(body)


class RootView(EverythingView):
    def get(self, request: Request) -> Response:
        parameters = read_parameters(self.http_request)
        self.sent = without_cursor(parameters) or None
        return self.answer(parameters)


class SearchView(EverythingView):
    def post(self, request: Request) -> Response:
        parameters = read_search(self.read_body())
        self.sent = without_cursor(self.sent)
        return self.answer(parameters)
