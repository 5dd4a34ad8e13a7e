"""`python3 -m tests.newcomer.load HOST`: clients that write to a tenant until standard input ends.

The first line of standard input is the secret token. Each client creates a user, changes, reads, finds and
deletes it, over nginx on this machine, a connection each. At the end the answers are printed by their status.
"""

import http.client
import json
import ssl
import sys
import threading
import time
from collections import Counter
from typing import Any, Final

_CLIENTS: Final = 6
_PATCH: Final = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


class Clients:
    """Clients of one tenant, and the answers they have met."""

    def __init__(self, host: str, token: str) -> None:
        self.answers: Counter[str] = Counter()
        self.longest = 0.0
        self._host = host
        self._headers = {
            "Host": host,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json",
        }
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def run_until_standard_input_ends(self) -> None:
        threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self._stopping.set()
        for thread in threads:
            thread.join()

    def _work(self, client: int) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._live(f"load-{client}-{number}-{time.monotonic_ns()}")

    def _live(self, name: str) -> None:
        """The life of one user, as far as it goes."""
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "externalId": name,
            "emails": [{"type": "work", "value": f"{name}@example.com", "primary": True}],
        }
        made = self._ask("POST", "/scim/Users", body)
        if made is None:
            return
        path = f"/scim/Users/{made['id']}"
        self._ask("PATCH", path, _PATCH)
        self._ask("GET", path)
        self._ask("GET", f"/scim/Users?filter=userName%20eq%20%22{name}%22")
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The content of an answer; None for an error or none."""
        began = time.monotonic()
        content = None
        try:
            status, content = self._sent(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            status = type(error).__name__
        with self._lock:
            self.answers[status] += 1
            self.longest = max(self.longest, time.monotonic() - began)
        return content

    def _sent(self, method: str, path: str, body: Any) -> tuple[str, Any]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # of this machine
        connection = http.client.HTTPSConnection("127.0.0.1", context=context, timeout=30)
        try:
            connection.request(method, path, body and json.dumps(body), self._headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_good = answer.status < 400
        return str(answer.status), json.loads(text or "{}") if is_good else None


if __name__ == "__main__":
    clients = Clients(sys.argv[1], sys.stdin.readline().strip())
    clients.run_until_standard_input_ends()
    print(json.dumps({"answers": clients.answers, "longest": clients.longest}))  # noqa: T201  # its result
