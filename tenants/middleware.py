"""One request, one tenant, one transaction: the way of a request from its host to its schema.

The transaction is outside of all that touches the tenant's rows, sessions included: whoever opens
it further in saves sessions on whatever schema a pooled connection happens to be directed to
(98 of 120 log-ins failed, docs/platform.md). An answer that is streamed comes after that transaction:
it reads its rows in transactions of its own (decision 0014).
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tenants import hostnames, marks, resolution, traffic
from tenants.backend.statements import Foreseen, Hot
from tenants.current import (
    TenantChangedError,
    TenantRequest,
    in_tenant,
    in_tenant_from_start,
    log_with,
)
from tenants.models import Tenant

SCIM_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"  # RFC 7644 §3.12
SHOWN_HOST_LENGTH: Final = 100
# How often a request begins again after PostgreSQL ended its transaction in favor of another one, or
# after its tenant was found changed.
BEGINS_AGAIN: Final = 3

logger = logging.getLogger(__name__)


class TenantMiddleware:
    """Directs each request to its tenant's schema, and the connection back to public afterwards."""

    # Whether the transaction of a request may end with the statement that is said to be its last.
    ends_with_last = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        header: str = request.META.get("HTTP_HOST", "")  # never X-Forwarded-Host
        host = hostnames.parse_host(header) or ""
        tries = 1
        self.receive(request)
        while True:
            tenant = resolution.find_tenant(host) if host else None
            if tenant is None:
                return _not_served(request, header)
            if tenant.is_suspended:
                return _suspended(request, tenant)
            try:
                return self._serve(request, tenant)
            except TenantChangedError:  # nothing was done in that transaction
                if tries > BEGINS_AGAIN:
                    raise
                tries += 1
                resolution.forget(host)

    def receive(self, request: TenantRequest) -> None:
        """Take in what is known of a request without its tenant; here nothing."""

    def first_statement(self, request: TenantRequest) -> Hot | None:
        """The hot statement to execute in the message that begins the transaction; here none."""
        return None

    def foreseen(self, request: TenantRequest) -> Foreseen | None:
        """The hot statement that the request is going to execute, if that is known; here none."""
        return None

    def only_reads(self, request: TenantRequest) -> bool:
        """True if the transaction only reads, so that a hot statement may end it; here never."""
        return False

    def _serve(self, request: TenantRequest, tenant: Tenant) -> HttpResponse:
        request.tenant = tenant
        request.request_id = marks.marked(request.request_id, tenant.id)
        request.after_transaction, request.afterwards = [], []
        request.begins_left = BEGINS_AGAIN
        if tenant.is_operator:
            request.urlconf = settings.STAFF_URLCONF
        response = self._answer(request)
        if request.after_transaction:
            _follow(partial(_run_together, request))
        for callback in request.afterwards:
            _follow(callback)
        traffic.flush(only_due=True)
        return response

    def _answer(self, request: TenantRequest) -> HttpResponse:
        """The answer, with what it wrote committed; rolled back when the server failed.

        An error while committing is raised: the client must not read of success.
        """
        while True:
            request.begins_again = False
            begun = in_tenant_from_start(
                request.tenant,
                self.first_statement(request),
                only_reads=self.only_reads(request),
                ends_with_last=self.ends_with_last,
                foreseen=self.foreseen(request),
            )
            with begun as request.first_rows:
                response = self.get_response(request)
                if request.begins_again or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    transaction.set_rollback(True)
            if not request.begins_again:
                return response


def is_scim(request: HttpRequest) -> bool:
    """True if the path is `/scim` or below it, in any letter case, after any number of slashes."""
    return is_below_scim(request.path_info)


def is_below_scim(path_info: str) -> bool:
    """True if a path is `/scim` or below it, likewise."""
    path = path_info.lower().lstrip("/")
    return path == "scim" or path.startswith("scim/")


def _follow(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # the client's answer is settled
        logger.exception("What follows a response failed.")


def _run_together(request: TenantRequest) -> None:
    with in_tenant(request.tenant):
        for callback in request.after_transaction:
            callback()


def _not_served(request: HttpRequest, header: str) -> HttpResponse:
    shown = "".join(filter(str.isprintable, header))[:SHOWN_HOST_LENGTH]
    named = f'The host "{shown}"' if shown else "A request without a host name"
    return _refusal(
        request,
        HTTPStatus.NOT_FOUND,
        "host.not-served",
        f"{named} is not served here: check the Tenant URL for typing errors.",
    )


def _suspended(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    return _refusal(
        request,
        HTTPStatus.FORBIDDEN,
        "tenant.suspended",
        f"The tenant {tenant.custom_domain} is suspended: contact myPolicies support.",
    )


def _refusal(request: HttpRequest, status: HTTPStatus, reason: str, detail: str) -> HttpResponse:
    """A SCIM Error below /scim, plain text elsewhere; the same to every method and path."""
    log_with(request, refused=reason)  # no provisioning log is told
    if is_scim(request):
        error: dict[str, Any] = {
            "schemas": [SCIM_ERROR],
            "detail": detail,
            "status": str(status.value),
        }
        return HttpResponse(json.dumps(error), "application/scim+json", status)
    return HttpResponse(f"{detail}\n", "text/plain; charset=utf-8", status)
