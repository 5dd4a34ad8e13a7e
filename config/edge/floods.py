"""The limit on a tenant's requests: beyond it they are refused before the database is asked anything.

Requests with a good credential are counted (scim.api.authentication), so nobody else uses up the limit
of a tenant; while it is exceeded, everything below /scim at the tenant's hosts is refused. Entra repeats
what is answered 429, and does not quarantine for it (decision 0016).
"""

import json
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

from scim.api.log import log_flood
from scim.protocol.errors import TooManyRequests
from scim.protocol.messages import MEDIA_TYPE, error_body
from tenants import hostnames, rates, resolution
from tenants.current import TenantRequest, log_with
from tenants.models import Tenant

_parse_host = lru_cache(maxsize=1024)(hostnames.parse_host)


class FloodMiddleware:
    """Hands requests on while their tenant keeps its limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        tenant = resolution.remembered(_parse_host(request.META.get("HTTP_HOST", "")) or "")
        seconds = rates.seconds_to_wait(tenant.id) if tenant else 0
        if tenant and seconds:
            return _refusal(request, tenant, seconds)
        return self.get_response(request)


def _refusal(request: TenantRequest, tenant: Tenant, seconds: int) -> HttpResponse:
    limit = rates.of_tenant()
    error = TooManyRequests(
        "tenant.rate",
        f"The tenant sends more requests than its limit allows, which is {limit.per_second:g} a second and "
        f"{limit.burst} at once: repeat the request after the seconds in Retry-After.",
        seconds,
    )
    request.tenant = tenant  # for the line in the log
    log_with(request, refused=error.reason)
    log_flood(request, tenant, error)
    body = json.dumps(error_body(error.status, error.detail))
    headers = {"Retry-After": str(seconds), "Content-Length": str(len(body))}
    return HttpResponse(body, MEDIA_TYPE, error.status, headers=headers)
