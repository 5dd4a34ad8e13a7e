"""`make neighbors`: what one tenant's load costs another tenant, behind the shipped nginx.

Look-ups of one tenant, one after another, alternately with nothing beside them and with a load of another
tenant. A load's p95 is given in milliseconds and as a multiple of the calm before and after it. The loads
come from a process of their own with less right to the processor; `ARGS="--help"` says what else.
"""

import argparse
import json
import multiprocessing
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from secrets import token_hex
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import quote, urlencode

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from tests.support import nginx  # noqa: E402  # after Django is set up
from tests.support.deployment import BASE_DOMAIN, new_deployment  # noqa: E402
from tests.support.payloads import user  # noqa: E402

QUIET: Final = "globex"
LOUD: Final = "acme"
_NICE: Final = 10
_BULK: Final = 1_000  # operations
_PAUSE: Final = 0.05  # seconds, of a client that is refused: it shares our processors
_SETTLE: Final = 3.0  # seconds that a load has before it is measured


@dataclass(frozen=True, slots=True)
class Site:
    """A port of this machine, and the secret token of each tenant."""

    port: int
    tokens: dict[str, str]

    def head(self, tenant: str) -> dict[str, str]:
        """The headers of a SCIM request to the tenant."""
        return {
            "Host": f"{tenant}.{BASE_DOMAIN}",
            "Authorization": f"Bearer {self.tokens[tenant]}",
            "Content-Type": "application/scim+json",
        }


Load = Callable[[Site, int], None]  # for the connection of that number; goes on until it is killed


def _flood(site: Site, _number: int) -> None:
    """Read without a pause."""
    while True:
        _repeat(site, "GET", "/scim/Users?count=20", "")


def _bulk(site: Site, number: int) -> None:
    """Send bulk requests of the maximum, with users who are not there: a conflict is cheaper."""
    run = token_hex(4)
    for turn in range(1_000_000):
        names = (f"u{run}.{number}.{turn}.{at}@acme.example" for at in range(_BULK))
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{at}", "data": user(name)}
            for at, name in enumerate(names)
        ]
        schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
        body = json.dumps({"schemas": [schema], "Operations": operations})
        _repeat(site, "POST", "/scim/Bulk", body, times=1)


def _guess(site: Site, _number: int) -> None:
    """Sign in with a wrong password, again and again."""
    host = {"Host": f"{LOUD}.{BASE_DOMAIN}"}
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request("GET", "/admin/login/", headers=host)
    page = connection.getresponse()
    cookie = (page.headers["Set-Cookie"] or "").split(";")[0]
    [field] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    form = {"username": "tara@acme.example", "password": "wrong", "csrfmiddlewaretoken": field}
    headers = host | {
        "Cookie": cookie,
        "Origin": f"https://{LOUD}.{BASE_DOMAIN}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    while True:
        _repeat(site, "POST", "/admin/login/", urlencode(form), headers=headers)


def _stall(site: Site, number: int) -> None:
    """Hold a connection: idle, with a head that does not end, or with a body that does not."""
    connection = socket.create_connection(("127.0.0.1", site.port))
    if number % 2:
        start = f"POST /scim/Users HTTP/1.1\r\nHost: {LOUD}.{BASE_DOMAIN}\r\n"
        connection.sendall(start.encode())
        if number % 4 == 1:
            rest = f"Authorization: Bearer {site.tokens[LOUD]}\r\nContent-Length: 9999\r\n\r\n"
            connection.sendall(rest.encode())
    while True:
        time.sleep(2)
        if number % 2:
            connection.sendall(b"x")


def _idle(site: Site, _number: int) -> None:
    with socket.create_connection(("127.0.0.1", site.port)):
        time.sleep(3600)


LOADS: Final[dict[str, tuple[Load, int]]] = {
    "16 clients that read without a pause": (_flood, 16),
    "300 idle connections": (_idle, 300),
    "40 slow connections": (_stall, 40),
    "16 failing sign-ins": (_guess, 16),
    "1 client with bulks of the maximum": (_bulk, 1),
    "2 clients with bulks of the maximum": (_bulk, 2),
}


def _repeat(
    site: Site,
    method: str,
    path: str,
    body: str,
    headers: dict[str, str] | None = None,
    times: int = 100,
) -> None:
    """Requests over one connection; what is refused or cut off is sent again."""
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    try:
        for _ in range(times):
            connection.request(method, path, body or None, headers or site.head(LOUD))
            answer = connection.getresponse()
            answer.read()
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                time.sleep(_PAUSE)
    except (OSError, HTTPException):
        time.sleep(0.05)
    finally:
        connection.close()


def _loaded(load: Load, site: Site, count: int) -> None:
    """The process of a load: a thread for each connection."""
    os.nice(_NICE)

    def forever(number: int) -> None:
        while True:
            try:
                load(site, number)
            except (OSError, HTTPException, ValueError):
                time.sleep(0.05)

    threads = [threading.Thread(target=forever, args=(at,), daemon=True) for at in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@contextmanager
def beside(name: str, site: Site) -> Iterator[None]:
    """The load meanwhile."""
    load, count = LOADS[name]
    process = multiprocessing.get_context("spawn").Process(target=_loaded, args=(load, site, count))
    process.start()
    try:
        time.sleep(_SETTLE + 2)  # the process imports what this one has
        yield
    finally:
        process.kill()
        process.join()
        time.sleep(_SETTLE)


def look_ups(site: Site, count: int) -> list[float]:
    """The milliseconds of so many look-ups of the quiet tenant, one after another."""
    path = "/scim/Users?filter=" + quote('userName eq "bjensen@globex.example"')
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        connection.request("GET", path, headers=site.head(QUIET))
        answer = connection.getresponse()
        answer.read()
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status != 200:
            raise SystemExit(f"A look-up of the quiet tenant was answered {answer.status}.")
        time.sleep(0.01)
    return taken


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def measure(site: Site, names: list[str], rounds: int, count: int) -> None:
    """Print a line for each load: p50 and p95, and p95 as a multiple of the calm around it."""
    ratios: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            before = p95(look_ups(site, count))
            with beside(name, site):
                taken = look_ups(site, count)
            calm = (before + p95(look_ups(site, count))) / 2
            ratios[name].append(p95(taken) / calm)
            said = f"{name:<40} p50 {median(taken):7.1f}  p95 {p95(taken):7.1f} ms"
            _say(f"{said}  calm p95 {calm:6.1f} ms  {p95(taken) / calm:5.1f}")
    for name, found in ratios.items():
        each = ", ".join(f"{ratio:.1f}" for ratio in found)
        _say(f"{name:<40} times calm, median {median(found):.1f} ({each})")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # for the person at the terminal


@contextmanager
def installed() -> Iterator[Site]:
    """Two workers behind nginx, with two tenants."""
    with new_deployment() as made:
        made.environment |= {"WEB_CONCURRENCY": "2", "TRUSTED_PROXIES": "127.0.0.1"}
        made.manage("migrate")
        tokens: dict[str, Any] = {}
        for name in (QUIET, LOUD):
            made.manage(f"tenant create {name} --name {name} --admin tara@{name}.example")
            tokens[name] = made.manage(f"token mint {name} --label Entra --days 30").strip()
        made.start()
        try:
            with nginx.running(made.port) as proxy:
                site = Site(proxy.port, tokens)
                body = json.dumps(user("bjensen@globex.example"))
                connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
                connection.request("POST", "/scim/Users", body, site.head(QUIET))
                if connection.getresponse().status != 201:
                    raise SystemExit("The user of the quiet tenant could not be created.")
                yield site
        finally:
            made.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make neighbors", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--look-ups", type=int, default=100)
    parser.add_argument("--only", default="", help="part of the name of a load")
    asked = parser.parse_args()
    names = [name for name in LOADS if asked.only in name]
    with installed() as site:
        measure(site, names, asked.rounds, asked.look_ups)


if __name__ == "__main__":
    main()
