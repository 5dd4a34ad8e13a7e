"""gunicorn's worker and logger.

The worker answers what is no HTTP request as the API answers everything else.

gunicorn's own answer is a page that quotes what was sent, and its own log line quotes it too; a secret
token may stand there. Which path was meant is not known, so the answer is a SCIM Error for all.
"""

import json
import logging
import secrets
from http import HTTPStatus
from typing import Any, Final

from gunicorn import util
from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from config.logging import JsonFormatter
from scim.protocol.messages import MEDIA_TYPE, error_body

# The first kind that fits counts.
_REFUSALS: Final = (
    (
        errors.LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "The URL is too long. Send a long filter with POST to .search.",
    ),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are too large.",
    ),
    (
        errors.UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "This transfer coding is not supported.",
    ),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED, "This expectation is not met here."),
    (errors.ParseException, HTTPStatus.BAD_REQUEST, "This is no valid HTTP request."),
)
_requests: Final = logging.getLogger("mypolicies.requests")


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that gunicorn could not read, and log it."""
        for kind, status, detail in _REFUSALS:
            if isinstance(exc, kind):
                request_id = secrets.token_urlsafe(16)
                extra = {
                    "request_id": request_id,
                    "address": addr[0] if isinstance(addr, tuple) else None,  # of the peer
                    "status": status,
                    "error": type(exc).__name__,
                    "refused": "request.invalid",
                }
                _requests.info("request", extra=extra)
                util.write_nonblock(client, refusal(status, detail, request_id))
                return
        super().handle_error(req, client, addr, exc)


def refusal(status: HTTPStatus, detail: str, request_id: str) -> bytes:
    """The whole HTTP answer; the connection ends with it, as nobody knows where the next begins."""
    body = json.dumps(error_body(status, detail)).encode()
    head = (
        f"HTTP/1.1 {status} {status.phrase}",
        "Connection: close",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        f"Request-Id: {request_id}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own lines in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
