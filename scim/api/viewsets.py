"""The endpoints of resource types (RFC 7644 §3.3-3.6): HTTP in, one call of the provider, HTTP out."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from scim.api.log import log_read
from scim.api.parameters import read_projection, read_query, read_search
from scim.api.views import ScimView
from scim.protocol.messages import list_response
from scim.protocol.projection import Projection, project
from scim.protocol.representation import Stored, represent
from scim.protocol.schema import ResourceType
from scim.protocol.versions import Precondition, entity_tag
from scim.provider import resources
from scim.provider.resources import Target

# What the log calls the handlers; DRF says which one runs.
_OPERATIONS = {
    "list": "query",
    "search": "query",
    "create": "create",
    "retrieve": "retrieve",
    "update": "replace",
    "partial_update": "modify",
    "destroy": "delete",
}


class ResourceViewSet(ViewSetMixin, ScimView):
    """One resource type's collection and its members; `resource_type` says which."""

    resource_type: ResourceType

    @property
    def operation(self) -> str:  # type: ignore[override]  # follows from the request here
        return _OPERATIONS.get(self.action or "", (self.http_request.method or "").lower())

    def list(self, request: Request) -> Response:
        self.sent = request.query_params.dict() or None
        return self._page(request.query_params)

    def search(self, request: Request) -> Response:  # DRF's signature
        return self._page(read_search(self.read_body()))

    def create(self, request: Request) -> Response:
        projection = read_projection(request.query_params)
        stored = resources.create(self.resource_type, self.read_body(), self.authenticated())
        return self._answer(stored, projection, status=201)

    def retrieve(self, request: Request, identifier: str) -> Response:
        projection = read_projection(request.query_params)
        stored = resources.retrieve(self.resource_type, identifier)
        unchanged = self._precondition().is_not_modified(stored.version)
        log_read(self.http_request, self, 304 if unchanged else 200)
        if unchanged:
            return Response(status=304, headers={"ETag": entity_tag(stored.version)})
        return self._answer(stored, projection)

    def update(self, request: Request, identifier: str) -> Response:
        projection = read_projection(request.query_params)
        body = self.read_body()
        stored = resources.replace(self._target(identifier), body, self.authenticated())
        return self._answer(stored, projection)

    def partial_update(self, request: Request, identifier: str) -> Response:
        projection = read_projection(request.query_params)
        body = self.read_body()
        stored = resources.modify(self._target(identifier), body, self.authenticated())
        return self._answer(stored, projection)

    def destroy(self, request: Request, identifier: str) -> Response:  # DRF's signature
        resources.delete(self._target(identifier), self.authenticated())
        return Response(status=204)

    def _target(self, identifier: str) -> Target:
        return Target(self.resource_type, identifier, self._precondition())

    def _precondition(self) -> Precondition:
        headers = self.http_request.headers
        return Precondition(headers.get("If-Match"), headers.get("If-None-Match"))

    def _page(self, parameters: Mapping[str, Any]) -> Response:
        query, projection = read_query(parameters), read_projection(parameters)
        tenant_url = self.authenticated().tenant_url
        page = resources.query(self.resource_type, query, tenant_url)
        found = [self._represent(stored, projection) for stored in page.items]
        log_read(self.http_request, self, 200)
        return Response(list_response(found, total=page.total, start_index=query.start_index))

    def _represent(self, stored: Stored, projection: Projection) -> dict[str, Any]:
        whole = represent(self.resource_type, stored, self.authenticated().tenant_url)
        return project(self.resource_type, whole, projection)

    def _answer(self, stored: Stored, projection: Projection, status: int = 200) -> Response:
        whole = represent(self.resource_type, stored, self.authenticated().tenant_url)
        headers = {"ETag": entity_tag(stored.version), "Location": whole["meta"]["location"]}
        body = project(self.resource_type, whole, projection)
        return Response(body, status=status, headers=headers)
