"""Receivers of events: an HTTP server on this machine, and what verifies tokens and webhooks."""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Lock, Thread
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.support.waiting import WITHIN


def _opened() -> Event:
    event = Event()
    event.set()
    return event


@dataclass(frozen=True, slots=True)
class Received:
    """A request that came in."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: str


@dataclass(slots=True)
class Receiver:
    """Answers what it is told to: `answers` one by one, then 202."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    is_open: Event = field(default_factory=_opened)  # answers wait while it is not
    is_dead: bool = False  # what waits for an answer when the receiver ends gets none
    lock: Any = field(default_factory=Lock)
    more: Any = None  # the condition that something came in

    def __post_init__(self) -> None:
        self.more = Condition(self.lock)

    def wait_for(self, number: int) -> None:
        """Return when so many requests have come in."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.received) >= number, WITHIN)

    @property
    def bodies(self) -> list[str]:
        return [each.body for each in self.received]


@contextmanager
def running(port: int = 0) -> Iterator[Receiver]:
    """A receiver on 127.0.0.1 that is gone at the end."""
    state = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # its sender was killed before it had sent all of it
                return
            fields = {name.lower(): value for name, value in self.headers.items()}
            with state.lock:
                state.received.append(Received(self.path, fields, body.decode()))
                status, text = state.answers.pop(0) if state.answers else (202, "")
                state.more.notify_all()
            state.is_open.wait(WITHIN)
            if state.is_dead:
                return
            self.send_response(status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        allow_reuse_address = True

        def handle_error(self, *_: Any) -> None:
            """Nothing: who asked may have been killed meanwhile."""

    with Server(("127.0.0.1", port), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/events"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.is_dead = not state.is_open.is_set()
            state.is_open.set()
            server.shutdown()
            thread.join()


def verified(token: str, key_set: Any) -> dict[str, Any]:
    """The claims of a Security Event Token, its signature and header checked."""
    header = jws.extract_compact(token.encode()).headers()
    kids = [key["kid"] for key in key_set["keys"]]
    assert header == {"typ": "secevent+jwt", "alg": "ES256", "kid": header["kid"]}
    assert header["kid"] in kids
    return jwt.decode(token, KeySet.import_key_set(key_set), algorithms=["ES256"]).claims


def verified_webhook(received: Received, secret: str) -> Any:
    """The JSON of a webhook, its signature checked as Standard Webhooks has it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identifier, timestamp = (received.headers[f"webhook-{name}"] for name in ("id", "timestamp"))
    content = f"{identifier}.{timestamp}.{received.body}".encode()
    expected = base64.b64encode(hmac.new(key, content, sha256).digest()).decode()
    assert received.headers["webhook-signature"] == f"v1,{expected}"
    return json.loads(received.body)
