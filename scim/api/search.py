"""/.search at the root: one query over all resource types (RFC 7644 §3.4.3)."""

from dataclasses import replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.log import log_read
from scim.api.parameters import read_projection, read_query, read_search
from scim.api.views import ScimView
from scim.protocol.messages import list_response
from scim.protocol.projection import project, relations_shown
from scim.protocol.representation import represent
from scim.provider import resources
from scim.provider.capabilities import RESOURCE_TYPES
from scim.repository.base import Loading


class SearchView(ScimView):
    """A page of what matches, one resource type after the other, each in the order asked for."""

    operation = "query"

    def post(self, request: Request) -> Response:
        parameters = read_search(self.read_body())
        query, projection = read_query(parameters), read_projection(parameters)
        tenant_url = self.authenticated().tenant_url
        found: list[dict[str, Any]] = []
        total = 0
        for resource_type in RESOURCE_TYPES:
            rest = replace(
                query,
                start_index=max(1, query.start_index - total),
                count=query.count - len(found),
            )
            shown = relations_shown(resource_type, projection)
            page = resources.query(resource_type, rest, Loading(tenant_url, shown))
            total += page.total
            for stored in page.items:
                whole = represent(resource_type, stored, tenant_url)
                found.append(project(resource_type, whole, projection))
        log_read(self.http_request, self, 200)
        return Response(list_response(found, total=total, start_index=query.start_index))
