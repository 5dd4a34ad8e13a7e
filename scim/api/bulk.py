"""/Bulk: many operations in one request (RFC 7644 §3.7)."""

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.parsers import BulkParser
from scim.api.views import ScimView
from scim.protocol.bulk import bulk_response, read_request
from scim.provider import bulk
from scim.provider.catalog import CAPABILITIES, resource_types
from tenants.current import current_tenant


class BulkView(ScimView):
    """Executes the operations; the answer is 200 whatever became of each of them."""

    operation = "bulk"
    parser_classes = [BulkParser]

    def post(self, request: Request) -> Response:
        types = resource_types(current_tenant())
        asked = read_request(self.read_body(), types, CAPABILITIES.max_operations)
        return Response(bulk_response(bulk.perform(asked, self.authenticated())))
