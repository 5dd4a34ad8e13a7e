"""`make fuzz`: thousands of made-up requests to a real server, none of which may fail. `ARGS="--help"` says more.

Requests to the SCIM endpoints (tests.support.attacks), bulk requests, grants, forms and pages, with good, bad
and no credentials, one after another over sockets. An answer that is a failure of the server, or none, is printed
as it can be sent again. Each run makes up others; `--seed` repeats one.
"""

import argparse
import json
import random
import re
import socket
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.support.attacks import ODD, Attack, attacks
from tests.support.server import Server, new_server

REQUESTS: Final = 10_000
SECONDS: Final = 1_200.0
_TIMEOUT: Final = 30.0  # seconds for an answer
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
# RFC 7644 §3.11 answers 501 where /Me stands for nobody; gunicorn where it does not know a coding.
_FINE_ABOVE: Final = {501, 505}
_FORM: Final = ("Content-Type", "application/x-www-form-urlencoded")

_words: Final = st.sampled_from(
    ("", "x", "client_credentials", "tara@acme.example", "A" * 3000, "../..", "0", "on", *ODD[1:])
)
_names: Final = st.sampled_from(
    (
        *("grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"),
        *("scope", "username", "password", "email", "code", "next", "SAMLResponse", "RelayState"),
        *("state", "nonce", "csrfmiddlewaretoken", "%00"),
    )
)
_form: Final = st.lists(st.tuples(_names, _words), max_size=6).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
_pages: Final = st.sampled_from(
    (
        *("/admin/", "/admin/login/", "/admin/login/second/", "/admin/login/passkey/"),
        *("/admin/forgot/", "/admin/reset/x/"),
        *("/admin/invitation/x/", "/admin/confirm/", "/admin/sso/oidc/", "/admin/sso/saml/"),
        *("/admin/sso/saml/finish/", "/admin/sso/oidc/start/", "/admin/sso/saml/metadata/"),
        *(
            "/admin/scim/user/",
            "/admin/scim/provisioningevent/",
            "/admin/accounts/secrettoken/add/",
        ),
        *("/static/x.css", "/t/acme/admin/", "/", "/livez", "/readyz", "/admin/logout/"),
        "/.well-known/oauth-authorization-server",
    )
)
_of_pages: Final = st.builds(
    lambda method, page, query, body: Attack(method, f"{page}?{query.decode()}", (_FORM,), body),
    st.sampled_from(("GET", "POST", "HEAD", "PUT", "get")),
    _pages | st.sampled_from(ODD).map("/admin/{}".format),
    _form,
    _form | st.binary(max_size=60),
)
_grants: Final = st.builds(
    lambda body: Attack("POST", "/scim/oauth/token", (_FORM,), body), _form | st.binary(max_size=60)
)
_of_scim: Final = attacks.map(
    lambda it: Attack(it.method, f"/scim{it.target}", it.headers, it.body)
)


def _as_operation(attack: Attack) -> dict[str, object]:
    try:
        data = json.loads(attack.body)
    except (ValueError, RecursionError):
        data = None
    path = attack.target.partition("?")[0]
    return {"method": attack.method, "path": path, "bulkId": path[-5:], "data": data}


_bulks: Final = st.lists(attacks.map(_as_operation), max_size=6).map(
    lambda operations: Attack(
        "POST",
        "/scim/Bulk",
        (),
        json.dumps(
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": operations,
            }
        ).encode(),
    )
)
anything: Final = st.one_of(_of_scim, _of_scim, _of_scim, _bulks, _of_pages, _grants)


@dataclass(slots=True)
class Run:
    """The requests of a run, and their outcome."""

    server: Server
    present: str  # the id of a user that is there
    until: float
    statuses: Counter[int]
    failures: list[str]
    slowest: float = 0.0

    def send(self, attack: Attack, credentials: str) -> None:
        """Send one request and note the answer; nothing once the time is over."""
        if time.monotonic() > self.until:
            return
        target = attack.target.replace("{}", self.present)
        message = self._message(attack, target, credentials)
        since = time.monotonic()
        answer = self._answer(message)
        self.slowest = max(self.slowest, time.monotonic() - since)
        found = _STATUS.match(answer)
        status = int(found[1]) if found else 0
        self.statuses[status] += 1
        if not status or (status >= 500 and status not in _FINE_ABOVE):
            self.failures.append(f"{status or 'no answer'}: {message!r}")

    def _message(self, attack: Attack, target: str, credentials: str) -> bytes:
        headers = [
            ("Host", self.server.url("demo0-qa").split("/")[2]),
            ("Connection", "close"),
            ("Content-Length", str(len(attack.body))),
            *((("Authorization", credentials),) if credentials else ()),
            *attack.headers,
        ]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/scim+json"))
        lines = [f"{attack.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers), "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + attack.body

    def _answer(self, message: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.server.port), _TIMEOUT) as line:
            answer = b""
            try:
                line.sendall(message)
                while len(answer) < 64 and (part := line.recv(65_536)):
                    answer += part
            except OSError:
                pass  # what came of it is the answer
        return answer


def main() -> int:
    """Send the requests that were asked for; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after which it ends early")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    with new_server(embedded=True, TENANT_RATE="0") as server:
        server.start()
        run = _run(server, asked.requests, asked.seconds, asked.seed)
    total = sum(run.statuses.values())
    counts = ", ".join(f"{status}: {number:,}" for status, number in sorted(run.statuses.items()))
    lines = [
        f"{total:,} requests, seed {asked.seed}; the slowest answer took {run.slowest:.1f} s.",
        counts,
        f"{len(run.failures)} failures.",
        *run.failures[:20],
    ]
    print(*lines, sep="\n")  # noqa: T201  # for the person who runs it
    return 1 if run.failures or not total else 0


def _run(server: Server, requests: int, seconds: float, number: int) -> Run:
    body = json.dumps(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "fuzz@acme.example",
            "externalId": "fuzz",
            "emails": [{"type": "work", "value": "fuzz@acme.example"}],
        }
    )
    made = json.loads(server.scim("POST", "/Users", body).text)
    run = Run(server, made["id"], time.monotonic() + seconds, Counter(), [])
    good = f"Bearer {server.token}"
    credentials = st.sampled_from((*[good] * 6, "", "Bearer mypscim_x", f"{good[:-1]}\u00e9"))

    @seed(number)
    @settings(
        max_examples=requests,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(anything, credentials)
    def send(attack: Attack, value: str) -> None:
        run.send(attack, value)

    send()
    return run
