"""The SCIM endpoints, relative to /scim; /scim/v2 answers the same.

E25: paths match in any letter case and with or without a slash at the end. Clients differ, and a 404
in place of a list puts an Entra job into quarantine. E32: several slashes are one, since clients join
a Tenant URL that ends in a slash with "/Users".
"""

import re
from collections.abc import Callable
from typing import Any, Final

from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path

from scim.api.discovery import ResourceTypesView, SchemasView, ServiceProviderConfigView
from scim.api.oauth import TokenView
from scim.api.queries import RootView, SearchView
from scim.api.views import UnknownEndpointView
from scim.api.viewsets import BulkView, MeViewSet, ResourceViewSet
from scim.protocol.definitions import USER
from scim.protocol.schema import ResourceType
from scim.provider.catalog import RESOURCE_TYPES
from scim.provider.features import features

Actions = dict[str, Any]  # HTTP method -> handler, as DRF types it
View = Callable[..., HttpResponseBase]

# In any letter case, without (?i:…), which would keep Django from reversing URLs.
BELOW: Final = r"^/*[sS][cC][iI][mM](?:/+|$)"

_COLLECTION: Actions = {"get": "query", "post": "create"}
_MEMBER: Actions = {"get": "retrieve", "put": "replace", "patch": "modify", "delete": "delete"}
_SEARCH: Actions = {"post": "search"}
_ID = "/+(?P<identifier>[^/]+)"


def _endpoint(path: str, view: View, rest: str = "") -> URLPattern:
    # Letter by letter: with (?i: in one pattern Django can reverse no URL of the host.
    any_case = "".join("/+" if each == "/" else f"[{each.lower()}{each.upper()}]" for each in path)
    return re_path(rf"^(?:[vV]2/+)?{any_case}{rest}/*\Z", view)


def _view(viewset: type[ResourceViewSet], actions: Actions, resource_type: ResourceType) -> View:
    """A view that knows the methods of the actions and no others."""
    bound = {*actions, "head"} if "get" in actions else {*actions}
    methods = [each for each in viewset.http_method_names if each in bound]
    return viewset.as_view(actions, resource_type=resource_type, http_method_names=methods)


def _resource_endpoints(resource_type: ResourceType) -> list[URLPattern]:
    collection, search, member = (
        _view(ResourceViewSet, actions, resource_type)
        for actions in (_COLLECTION, _SEARCH, _MEMBER)
    )
    path = resource_type.endpoint.lstrip("/")
    return [
        _endpoint(path, collection),
        _endpoint(f"{path}/.search", search),
        _endpoint(path, member, _ID),
    ]


urlpatterns = [
    *(
        pattern for each in RESOURCE_TYPES for pattern in _resource_endpoints(each)
    ),  # the most asked
    _endpoint("oauth/token", TokenView.as_view()),
    *(_endpoint(path, view) for each in features() for path, view in each.endpoints().items()),
    _endpoint("Bulk", BulkView.as_view()),
    _endpoint("Schemas", SchemasView.as_view()),
    _endpoint("Schemas", SchemasView.as_view(), _ID),
    _endpoint("ResourceTypes", ResourceTypesView.as_view()),
    _endpoint("ResourceTypes", ResourceTypesView.as_view(), _ID),
    _endpoint("ServiceProviderConfig", ServiceProviderConfigView.as_view()),
    _endpoint(".search", SearchView.as_view()),
    _endpoint("Me", _view(MeViewSet, _MEMBER | {"post": "create"}, USER)),
    re_path(r"^(?:[vV]2)?/*\Z", RootView.as_view()),
    re_path(r"", UnknownEndpointView.as_view()),
]

_BELOW: Final = re.compile(BELOW)
_ENDPOINTS: Final = tuple((each.pattern.regex.search, each.callback) for each in urlpatterns)


def find_endpoint(path: str) -> tuple[View, dict[str, Any]]:
    """The view of a path below /scim and its arguments, as Django's resolver finds them in 70 calls.

    Raises LookupError for another path.
    """
    below = _BELOW.match(path)
    if below:
        rest = path[below.end() :]
        for search, view in _ENDPOINTS:  # the last one takes all
            if found := search(rest):
                return view, found.groupdict()
    raise LookupError(f"{path!r} is not below /scim.")
