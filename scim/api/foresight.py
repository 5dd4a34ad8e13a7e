"""The statement of a read, known from its URL before the request is handled (decision 0139).

A GET then is one message between the worker and PostgreSQL: transaction, token, resource, COMMIT. The
handler asks for its resource as ever, and finds it here if it asks for the same. Authentication comes
first as ever, too: a token that is no good shows nobody what was read. Nor is anything read for one
that this process has not found good, and allowed to read, within the last minute, so nobody learns
from the time of a refusal whether a resource is there.
"""

from scim.api.authentication import TokenMiddleware, was_good
from scim.api.urls import find_endpoint
from scim.api.viewsets import ResourceViewSet
from scim.protocol.schema import ResourceType
from tenants.backend.statements import Hot
from tenants.current import TenantRequest


class ForesightMiddleware(TokenMiddleware):
    """Sends the statement of a read with the beginning of its transaction."""

    def foreseen(self, request: TenantRequest) -> Hot | None:
        request.asked = None  # type: ignore[attr-defined]  # of the tenant as it was, after a change of it
        if not (self.only_reads(request) and was_good(request)):
            return None
        request.endpoint = view, arguments = find_endpoint(request.path_info)  # type: ignore[attr-defined]
        if getattr(view, "cls", None) is not ResourceViewSet:
            return None
        resource_type: ResourceType = view.initkwargs["resource_type"]  # type: ignore[attr-defined]  # DRF's view
        return ResourceViewSet.foreseen(request, resource_type.name, **arguments)
