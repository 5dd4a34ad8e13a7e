"""The root: one query over all resource types, by GET or by /.search (RFC 7644 §3.4.2.1, §3.4.3)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.lists import list_response_of, without_cursor
from scim.api.log import log_read
from scim.api.views import ScimView
from scim.provider.capabilities import RESOURCE_TYPES
from scim.provider.parameters import read_search


class EverythingView(ScimView):
    """A list of resources of every type, in one order and with one total."""

    operation = "query"

    def answer(self, parameters: Mapping[str, Any]) -> Response:
        body = list_response_of(RESOURCE_TYPES, parameters, self.authenticated())
        log_read(self.http_request, self, 200)
        return Response(body)


class RootView(EverythingView):
    def get(self, request: Request) -> Response:
        self.sent = without_cursor(request.query_params.dict()) or None
        return self.answer(request.query_params)


class SearchView(EverythingView):
    def post(self, request: Request) -> Response:
        parameters = read_search(self.read_body())
        self.sent = without_cursor(self.sent)
        return self.answer(parameters)
