"""The outermost edge: a request id, one log line a request, and an answer to whatever escapes.

What reaches this far was raised outside of the views: by the database while a host is resolved or a
transaction ends, or by a middleware. It answers in the language of the path: a SCIM Error below
/scim, a short page elsewhere (security.md §2, rule 1).
"""

import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from scim.api.renderers import MEDIA_TYPE
from scim.protocol.messages import error_body

RETRY_AFTER: Final = "30"  # seconds
_ID_BYTES: Final = 16
_requests: Final = logging.getLogger("mypolicies.requests")
_logger: Final = logging.getLogger(__name__)


class OutermostMiddleware:
    """Every request passes here first and last."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.request_id = secrets.token_urlsafe(_ID_BYTES)
        request.started = time.perf_counter()
        try:
            response = self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            _logger.warning("The database did not answer: %s.", type(error).__name__)
            connection.close()  # a broken one must not meet the next request
            response = _unavailable(request)
        except Exception:
            _logger.exception("A request failed unexpectedly.")
            response = _failed(request, 500)
        response = _in_the_language_of_the_path(request, response)
        response["Request-Id"] = request.request_id
        _log(request, response)
        return response


def _unavailable(request: HttpRequest) -> HttpResponse:
    response = answer(request, 503, "The service is busy; repeat the request later.")
    response["Retry-After"] = RETRY_AFTER
    return response


def _failed(request: Any, status: int) -> HttpResponse:
    detail = f"An unexpected error occurred. Tell support the request id {request.request_id}."
    return answer(request, status, detail)


def _in_the_language_of_the_path(request: Any, response: HttpResponse) -> HttpResponse:
    """The response, or a SCIM Error in place of an error page of Django's below /scim."""
    if response.status_code < 400 or not is_scim(request):
        return response
    if response.get("Content-Type", "").startswith((MEDIA_TYPE, "application/json")):  # OAuth's
        return response
    if response.status_code >= 500:
        return _failed(request, response.status_code)
    return answer(request, response.status_code, "The request could not be understood.")


def answer(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """An error as a SCIM Error below /scim, as plain text elsewhere."""
    if is_scim(request):
        body = json.dumps(error_body(status, detail))
        return HttpResponse(body, status=status, content_type=MEDIA_TYPE)
    return HttpResponse(f"{detail}\n", status=status, content_type="text/plain; charset=utf-8")


def is_scim(request: HttpRequest) -> bool:
    """Whether the path is `/scim` or below it, in any letter case."""
    path = request.path_info.lower()
    return path == "/scim" or path.startswith("/scim/")


def _log(request: Any, response: HttpResponse) -> None:
    tenant = getattr(request, "tenant", None)
    _requests.info(
        "request",
        extra={
            "request_id": request.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - request.started) * 1000, 1),
            "tenant": tenant.custom_domain if tenant else None,
            **getattr(request, "log_fields", {}),
        },
    )
