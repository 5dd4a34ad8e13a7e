"""The root: one query over all resource types, by GET or by /.search (RFC 7644 §3.4.2.1, §3.4.3)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.lists import list_response_of, without_cursor
from scim.api.log import log_read
from scim.api.queries import read_parameters
from scim.api.renderers import ScimResponse
from scim.api.views import ScimView
from scim.provider.catalog import resource_types
from scim.provider.parameters import read_search
from tenants.current import current_tenant


class EverythingView(ScimView):
    """A list of resources of every type, in one order and with one total."""

    operation = "query"

    def answer(self, parameters: Mapping[str, Any]) -> Response:
        types = resource_types(current_tenant())
        body = list_response_of(types, parameters, self.authenticated())
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
