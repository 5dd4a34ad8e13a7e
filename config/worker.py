"""gunicorn's worker and logger.

The worker answers what is no HTTP request as the API answers everything else.

gunicorn's own answer is a page that quotes what was sent, and its own log line quotes it too; a secret
token may stand there. Which path was meant is not known, so the answer is a SCIM Error for all.
"""

import json
import logging
import secrets
import time
from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from gunicorn import util
from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from config import answering
from config.balance import OpenConnections
from config.connections import Connections
from config.logging import JsonFormatter
from scim.protocol.messages import MEDIA_TYPE, error_body
from tenants import deadlines

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
_LEFT: Final = 0.02  # seconds that a new connection is left to workers which have fewer
_LOOK: Final = 0.001  # seconds between looks whether one of them has taken it
_open: Final = OpenConnections()  # of the workers of this server
_requests: Final = logging.getLogger("mypolicies.requests")
answering.use()


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Has its threads take requests by themselves, each lane in its turn, once they have begun to come.

    gunicorn gives a thread to each connection at once, first come, first served, so that four connections
    on which nothing comes hold up all others for seconds. And it takes each new connection that it can get;
    here one is left for a moment to a worker that has fewer.
    """

    connections: Connections

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.counter = _open.counter()
        self._leaves_until = 0.0  # monotonic; 0 while no connection is left to others
        super().__init__(*arguments, **named)
        self.counter.withdraw()  # until it listens
        # As attributes: gunicorn asks for some thirty of them a request, each in two calls.
        self.cfg.__dict__.update({name: each.get() for name, each in self.cfg.settings.items()})

    @property
    def nr_conns(self) -> int:
        """The number of open connections, of which the other workers are told."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._connections = count
        if self.alive:  # one that ends has nothing left to it
            self.counter.put(count)

    @property
    def keepalived_conns(self) -> Sized:
        """The connections that wait for a request, which gunicorn counts."""
        return self.connections.idle if self.alive else ()

    @keepalived_conns.setter
    def keepalived_conns(self, _conns: object) -> None:
        """They are `connections` here."""

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """The threads, and what they take requests from; made in the worker's own process."""
        self.connections = Connections(self)
        threads: int = self.cfg.threads + 1
        return ThreadPoolExecutor(threads, "requests")

    def run(self) -> None:
        """Take connections until the worker shall end, and answer what has come by then."""
        try:
            for _ in range(self.cfg.threads + 1):
                self.tpool.submit(self.connections.serve)
            super().run()
        finally:
            self.connections.end()

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  # the signature is gunicorn's
        """Take connections or not; a worker that ends takes first those that wait already.

        The kernel resets what waits at a socket when the last process that has it closes it.
        """
        if self._leaves_until and self.alive:
            return  # wait_for_and_dispatch_events ends that
        super().set_accept_enabled(enabled)
        if enabled:
            self.counter.put(self.nr_conns)
        elif not self.alive:
            self._leaves_until = 0.0
            for listener in self.sockets:
                self._accept_all(listener)
                listener.close()
            self.counter.withdraw()

    def accept(self, listener: Any) -> None:
        """Take a new connection, or leave it to workers that have fewer."""
        if self.counter.is_above_least(self.nr_conns):
            super().set_accept_enabled(False)
            self._leaves_until = time.monotonic() + _LEFT
        else:
            with self.connections.lock:
                super().accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Do what has come; and listen again when the others have as many connections, or had their time."""
        if not self.alive:  # a connection whose time ends sooner is not waited for
            timeout = min(timeout, self.connections.seconds())
        super().wait_for_and_dispatch_events(_LOOK if self._leaves_until else timeout)
        if not self._leaves_until:
            return
        is_over = time.monotonic() >= self._leaves_until
        if is_over or not self.counter.is_above_least(self.nr_conns):
            self._leaves_until = 0.0  # gunicorn's loop enables it
        if is_over:
            for listener in self.sockets:
                self._accept_all(listener)

    def _accept_all(self, listener: Any) -> None:
        """Take what waits, as many as a worker may have; one that ends takes every one."""
        before = -1
        while before != self.nr_conns and not (
            self.alive and self.nr_conns >= self.worker_connections
        ):
            before = self.nr_conns
            with self.connections.lock:
                super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Wait for a request on a new connection."""
        self.connections.add(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request in the time that it has, from when it has come."""
        with deadlines.watched(conn.asked_at):
            return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  # gunicorn's
        """Close the connections whose time is over, or all that wait for a request."""
        self.connections.close_late(idle=force)

    def _cap_keepalive(self, deadline: float) -> None:
        """Have a worker that ends wait no longer for requests on open connections."""
        self.connections.shorten(deadline)

    def wake(self) -> None:
        """Have the main thread look whether there is something to do."""
        self.method_queue.defer(lambda: None)

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
                with suppress(OSError):  # the client is gone
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
