"""/Schemas, /ResourceTypes and /ServiceProviderConfig (RFC 7644 §4): read-only, never filtered."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from scim.api.log import log_read
from scim.api.queries import read_parameters
from scim.api.renderers import ScimResponse
from scim.api.views import ScimView
from scim.protocol import discovery
from scim.protocol.errors import Forbidden, NotFound
from scim.protocol.messages import list_response
from scim.provider.catalog import CAPABILITIES, Types, resource_types
from scim.provider.features import features
from tenants.current import current_tenant


class DiscoveryView(ScimView):
    """A GET that describes the service."""

    operation = "discover"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "filter" in read_parameters(self.http_request):
            raise Forbidden(
                "discovery.filtered", "Discovery endpoints cannot be filtered (RFC 7644 §4)."
            )

    def answer(self, body: dict[str, Any]) -> Response:
        log_read(self.http_request, self, 200)
        return ScimResponse(body)

    def base(self) -> str:
        return self.authenticated().tenant_url


class DescriptionsView(DiscoveryView):
    """A list of descriptions, or the one with an id; `describe` makes them for a SCIM base."""

    describe: Callable[[Types, str], list[dict[str, Any]]]

    def get(self, request: Request, identifier: str | None = None) -> Response:  # DRF's signature
        descriptions = type(self).describe(resource_types(current_tenant()), self.base())
        if identifier is None:
            total = len(descriptions)
            return self.answer(list_response(descriptions, total=total, start_index=1))
        wanted = identifier.lower()
        found = next((each for each in descriptions if each["id"].lower() == wanted), None)
        if found is None:
            raise NotFound("request.no-endpoint", f"Nothing here has the id {identifier[:128]!r}.")
        return self.answer(found)


class SchemasView(DescriptionsView):
    @staticmethod
    def describe(types: Types, base: str) -> list[dict[str, Any]]:
        return discovery.schemas(types, base)


class ResourceTypesView(DescriptionsView):
    @staticmethod
    def describe(types: Types, base: str) -> list[dict[str, Any]]:
        return [discovery.resource_type_representation(each, base) for each in types]


class ServiceProviderConfigView(DiscoveryView):
    def get(self, request: Request) -> Response:  # DRF's signature
        uris = [uri for feature in features() for uri in feature.event_uris()]
        config = discovery.service_provider_config(CAPABILITIES, self.base(), uris)
        return self.answer(config)
