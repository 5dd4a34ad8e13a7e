"""The statement of a read, or the lock of a change, known from the URL before the request is handled.

A GET then is one message between the worker and PostgreSQL: transaction, token, resource, COMMIT; a change
is two (decisions 0139, 0159). The handler asks for its resource as ever, and finds it here if it asks for
the same. Authentication comes first as ever, too: a token that is no good shows nobody what was read. Nor
is anything read or locked for one that this process has not found good, and allowed to do so, within the
last minute, so nobody learns from the time of a refusal whether a resource is there.
"""

from accounts.tokens import Scope
from scim.api.authentication import TokenMiddleware, was_good
from scim.api.requests import receive, scim_request
from scim.api.urls import find_endpoint
from scim.api.viewsets import ResourceViewSet
from scim.protocol.schema import ResourceType
from tenants.backend.statements import Foreseen
from tenants.current import TenantRequest


class ForesightMiddleware(TokenMiddleware):
    """Sends the statement of a read, or the lock of a change, with the beginning of its transaction."""

    def receive(self, request: TenantRequest) -> None:
        """Find the endpoint."""
        receive(request, find_endpoint(request.path_info))

    def foreseen(self, request: TenantRequest) -> Foreseen | None:
        known = scim_request(request)
        known.list_request = None  # of the tenant as it was, after a change of it
        if not was_good(known, Scope.READ if self.only_reads(request) else Scope.WRITE):
            return None
        view, arguments = known.endpoint
        if getattr(view, "cls", None) is not ResourceViewSet:
            return None
        resource_type: ResourceType = view.initkwargs["resource_type"]  # type: ignore[attr-defined]  # DRF's view
        return ResourceViewSet.foreseen(known, resource_type.name, **arguments)
