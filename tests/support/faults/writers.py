"""The clients of a run: each creates users, changes them and puts them into a group, without repeating.

Every request comes on a connection of its own. Nothing is sent twice, so that each answer counts.
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Final

from tests.support.clients import Answer
from tests.support.faults.ledger import Ledger, State, Write
from tests.support.payloads import patch, replace, user

Send = Callable[[str, str, str | None], Answer]  # method, path below /scim, body

CREATED: Final = "created"
MEMBER: Final = "member"
FAMILY: Final = "name.familyName"
ACTIVE: Final = "active"
_PAUSE: Final = 0.02  # seconds after a refused connection
_GROUP: Final = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "displayName": "Everybody",
}


class Writers:
    """Writers that write until they are stopped."""

    def __init__(self, ledger: Ledger, send: Send, number: int) -> None:
        self.ledger = ledger
        self._send = send
        self._stopping = threading.Event()
        self._group = send("POST", "/Groups", json.dumps(_GROUP)).json["id"]
        names = [f"w{each}" for each in range(number)]
        self._threads = [threading.Thread(target=self._work, args=(name,)) for name in names]

    @contextmanager
    def writing(self) -> Any:
        """They write meanwhile."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    def _work(self, writer: str) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._live(f"{writer}-{number}")

    def _live(self, name: str) -> None:
        """One user, as far as writing goes well."""
        body = user(name)
        created = self._write(body["userName"], CREATED, body, "POST", "/Users", body)
        if created.state is not State.ACKNOWLEDGED:
            return
        path, name = f"/Users/{created.id}", body["userName"]
        self._write(name, FAMILY, name, "PATCH", path, replace(FAMILY, name))
        self._write(name, ACTIVE, False, "PATCH", path, replace(ACTIVE, False))
        member = patch({"op": "Add", "path": "members", "value": [{"value": created.id}]})
        self._write(name, MEMBER, True, "PATCH", f"/Groups/{self._group}", member)

    def _write(
        self, name: str, attribute: str, value: Any, method: str, path: str, body: Any
    ) -> Write:
        write = self.ledger.send(name, attribute, value, time.monotonic())
        try:
            settle(write, self._send(method, path, json.dumps(body)))
        except (OSError, HTTPException):  # no answer, or half of one
            write.state = State.UNKNOWN
            self._stopping.wait(_PAUSE)
        write.seconds = time.monotonic() - write.at
        self.ledger.settle(write)
        return write


def settle(write: Write, answer: Answer) -> None:
    """Read the answer to a write."""
    write.status, write.request_id = answer.status, answer.headers["Request-Id"] or ""
    if answer.status < 400:
        write.state = State.ACKNOWLEDGED
        write.id = answer.json["id"] if answer.status == 201 else ""
        return
    write.state = State.REFUSED if answer.status < 500 else State.UNKNOWN
    if not answer.headers["Content-Type"].startswith("application/scim+json"):
        write.problem = f"{answer.status} with {answer.headers['Content-Type']}"
    elif answer.status == 503 and not (answer.headers["Retry-After"] or "").isdecimal():
        write.problem = "503 without Retry-After"
    elif answer.status != 503:
        write.problem = f"{answer.status}: {answer.json['detail']}"
