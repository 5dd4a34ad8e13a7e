"""Every exception of a view as a SCIM Error (RFC 7644 §3.12); nothing of ours leaks through it."""

import logging
from functools import partial
from typing import Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from scim.api.authentication import INSUFFICIENT_SCOPE, challenge_of
from scim.api.log import Logged, log_refusal
from scim.api.renderers import ScimResponse
from scim.api.requests import ScimRequest
from scim.protocol import errors
from scim.protocol.messages import error_body
from scim.provider.features import observers
from tenants.current import after_transaction, begin_again, current_tenant
from tenants.outages import is_outage

RETRY_AFTER: Final = "30"  # seconds, when the database does not answer
_MAX_METHOD: Final = 20  # characters of an invented method that are repeated
_logger = logging.getLogger(__name__)

_Kinds = type[Exception] | tuple[type[Exception], ...]
_TRANSLATIONS: Final[tuple[tuple[_Kinds, errors.ScimError], ...]] = (
    (
        (Http404, drf.NotFound),
        errors.NotFound("request.no-endpoint", "There is no such SCIM endpoint."),
    ),
    (RequestDataTooBig, errors.ContentTooLarge("request.too-large", "The body is too large.")),
    (
        SuspiciousOperation,
        errors.BadRequest("request.parameters", "The request has too many parameters."),
    ),
    (
        (drf.ParseError, UnreadablePostError),
        errors.InvalidSyntax("body.unreadable", "The body could not be read."),
    ),
)


def handle(
    exc: Exception, error: errors.ScimError, request: ScimRequest, view: Logged, allow: str
) -> Response:
    """The answer to an exception, which is `error` to the client.

    The request's transaction is marked to be rolled back.
    """
    if transaction.get_connection().in_atomic_block:
        transaction.set_rollback(True)
    if not begin_again(request, exc):
        if isinstance(error, errors.InternalError):
            _logger.error("A SCIM request failed unexpectedly.", exc_info=exc)
        log_refusal(request, view, error)
    for observer in observers():
        if isinstance(error, observer.refusals):
            after_transaction(request, partial(observer.refused, current_tenant()))
    headers = _headers(error, request, allow)
    body = error_body(error.status, error.detail, error.scim_type)
    return ScimResponse(body, status=error.status, headers=headers)


def scim_error(exc: Exception, request: ScimRequest) -> errors.ScimError:
    """The SCIM error that says what the exception means to the client."""
    if isinstance(exc, errors.ScimError):
        return exc
    if isinstance(exc, drf.MethodNotAllowed):
        method = (request.method or "")[:_MAX_METHOD]
        return errors.MethodNotAllowed("request.method", f"{method} is not supported here.")
    for kinds, error in _TRANSLATIONS:
        if isinstance(exc, kinds):
            return error
    if is_outage(exc):
        return errors.ServiceUnavailable(
            "server.busy", "The service is busy; repeat the request later."
        )
    return errors.InternalError(
        "server.failed",
        f"An unexpected error occurred. Tell support the request id {request.request_id}.",
    )


def _headers(error: errors.ScimError, request: HttpRequest, allow: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    match error:
        case errors.Unauthorized():
            headers["WWW-Authenticate"] = challenge_of(request)
        case errors.InsufficientScope():
            headers["WWW-Authenticate"] = f'{INSUFFICIENT_SCOPE}, scope="{error.scope}"'
        case errors.MethodNotAllowed():
            headers["Allow"] = allow
        case errors.UnsupportedCoding():
            headers["Accept-Encoding"] = "identity"
        case errors.TooManyRequests():
            headers["Retry-After"] = str(error.seconds)
        case errors.ServiceUnavailable():
            headers["Retry-After"] = RETRY_AFTER
    return headers
