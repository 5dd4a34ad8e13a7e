"""The statement of a read, known from its URL before the request is handled (decision 0139).

A GET then is one message between the worker and PostgreSQL: transaction, token, resource, COMMIT. The
handler asks for its resource as ever, and finds it here if it asks for the same. Authentication comes
first as ever, too: a token that is no good shows nobody what was read. Nor is anything read for one
that this process has not found good, and allowed to read, within the last minute, so nobody learns
from the time of a refusal whether a resource is there.
"""

from scim.api.authentication import TokenMiddleware, was_good
from scim.api.requests import receive, scim_request
from scim.api.urls import find_endpoint
from scim.api.viewsets import ResourceViewSet
from scim.protocol.schema import ResourceType
from tenants.backend.statements import Hot
from tenants.current import TenantRequest


class ForesightMiddleware(TokenMiddleware):
    """Sends the statement of a read with the beginning of its transaction."""

    def receive(self, request: TenantRequest) -> None:
        """Find the endpoint."""
        receive(request, find_endpoint(request.path_info))

    def foreseen(self, request: TenantRequest) -> Hot | None:
        known = scim_request(request)
        known.list_request = None  # of the tenant as it was, after a change of it
        if not (self.only_reads(request) and was_good(known)):
            return None
        view, arguments = known.endpoint
        if getattr(view, "cls", None) is not ResourceViewSet:
            return None
        resource_type: ResourceType = view.initkwargs["resource_type"]  # type: ignore[attr-defined]  # DRF's view
        return ResourceViewSet.foreseen(known, resource_type.name, **arguments)
