"""The outermost edge: a request id, one log line a request, and an answer to whatever escapes.

An error that reaches this far was raised outside of the views: by the database while a host is
resolved or a transaction ends, by a middleware, or by a page. The answer is in the language of the
path: a SCIM Error below /scim, a short page elsewhere (docs/security.md).
"""

import json
import logging
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from config import metrics
from config.edge.probes import PROBES
from scim.api.renderers import put_headers
from scim.protocol.messages import MEDIA_TYPE, error_body
from scim.provider.provisioning_log import storable
from tenants.backend import base as backend
from tenants.current import ServedRequest, address_of, log_with, served
from tenants.deadlines import is_late
from tenants.middleware import is_scim
from tenants.outages import is_outage

RETRY_AFTER: Final = "30"  # seconds
_ID_BYTES: Final = 16
_PAGE: Final = "failed.html"  # needs no tenant, no session and no database
# Reason and detail of Django's own refusals, as a SCIM client reads them.
_REFUSALS: Final = {
    403: ("request.invalid", "The request is not allowed here."),
    404: (
        "request.no-endpoint",
        "There is no SCIM endpoint at this address: check the Tenant URL.",
    ),
    405: ("request.method", "The method is not supported here."),
}
_OTHERWISE: Final = ("request.invalid", "The request could not be understood.")
_requests: Final = logging.getLogger("mypolicies.requests")
_logger: Final = logging.getLogger(__name__)


class OutermostMiddleware:
    """Every request passes here first and last."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, arrived: HttpRequest) -> HttpResponse:
        request = served(arrived, secrets.token_urlsafe(_ID_BYTES))
        before = backend.seconds()
        response = _in_the_language_of_the_path(request, self._answer(request))
        put_headers(response, ("Request-Id", request.request_id))
        seconds = time.perf_counter() - request.started
        _log(request, response, metrics.Times(seconds, backend.seconds() - before))
        return response

    def _answer(self, request: ServedRequest) -> HttpResponse:
        if is_late():  # it has waited for a thread
            return _unavailable(request)
        try:
            return self.get_response(request)
        except Exception as error:
            extra = {"request_id": request.request_id}
            if is_outage(error):
                _logger.warning("The database did not answer.", extra=extra, exc_info=error)
                connection.close()  # a broken one must not meet the next request
                return _unavailable(request)
            _logger.exception("A request failed unexpectedly.", extra=extra)
            return _failed(request, 500)


def _unavailable(request: ServedRequest) -> HttpResponse:
    detail = (
        "The service cannot reach its database; repeat the request later. "
        f"If it lasts, tell support the request id {request.request_id}."
    )
    response = _error(request, 503, "server.busy", detail)
    response["Retry-After"] = RETRY_AFTER
    return response


def _failed(request: ServedRequest, status: int) -> HttpResponse:
    detail = f"An unexpected error occurred. Tell support the request id {request.request_id}."
    return _error(request, status, "server.failed", detail)


def _in_the_language_of_the_path(request: ServedRequest, response: HttpResponse) -> HttpResponse:
    """The response; below /scim an error page of Django's becomes a SCIM Error, its headers stay."""
    if response.status_code < 400 or not is_scim(request):
        return response
    if response.get("Content-Type", "").startswith((MEDIA_TYPE, "application/json")):  # OAuth's
        return response
    if response.status_code >= 500:
        return _failed(request, response.status_code)
    reason, detail = _REFUSALS.get(response.status_code, _OTHERWISE)
    log_with(request, refused=reason)
    response.content = json.dumps(error_body(response.status_code, detail))
    response["Content-Type"] = MEDIA_TYPE
    response["Content-Length"] = str(len(response.content))
    return response


def _error(request: HttpRequest, status: int, reason: str, detail: str) -> HttpResponse:
    log_with(request, refused=reason)
    if is_scim(request):
        body = json.dumps(error_body(status, detail))
        return HttpResponse(body, status=status, content_type=MEDIA_TYPE)
    page = {"title": HTTPStatus(status).phrase, "detail": detail}
    return HttpResponse(render_to_string(_PAGE, page), status=status)


def _log(request: ServedRequest, response: HttpResponse, times: metrics.Times) -> None:
    tenant = getattr(request, "tenant", None)
    is_probe = request.path_info in PROBES and response.status_code < 400
    fields = request.log_fields
    if (counts := metrics.counts()) is not None and not is_probe:
        reason = fields.get("refused", "")
        counts.count(request.method or "", request.path_info, response.status_code, times, reason)
    _requests.log(
        logging.DEBUG if is_probe else logging.INFO,
        "request",
        extra={
            "request_id": request.request_id,
            "address": address_of(request),
            "method": request.method,
            "path": storable(request.path),  # somebody may paste a secret token into a URL
            "status": response.status_code,
            "ms": round(times.all * 1000, 1),
            "tenant": tenant.custom_domain if tenant else None,
            **fields,
        },
    )
