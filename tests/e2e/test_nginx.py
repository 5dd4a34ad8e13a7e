"""The shipped configuration of nginx: what it keeps from the server, and from its log."""

import gzip
import json
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import pytest

from tests.support import nginx
from tests.support.deployment import BASE_DOMAIN, new_deployment
from tests.support.payloads import user
from tests.support.server import send

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(nginx.PROGRAM is None, reason="nginx is not installed"),
]
FLOOD = 400  # requests


@pytest.fixture(scope="module")
def deployment():
    """With the tenants acme and globex, and a limit that any machine can exceed."""
    with new_deployment() as made:
        made.environment |= {
            "WEB_CONCURRENCY": "2",
            "TENANT_RATE": "1",
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        made.manage("migrate")
        for name in ("acme", "globex"):
            made.manage(f"tenant create {name} --name {name} --admin tara@{name}.example")
        made.start()
        yield made


@pytest.fixture(scope="module")
def tokens(deployment):
    return {
        name: deployment.manage(f"token mint {name} --label Entra --days 30").strip()
        for name in ("acme", "globex")
    }


@pytest.fixture(scope="module")
def proxy(deployment):
    with nginx.running(deployment.port) as made:
        yield made


@pytest.fixture(scope="module")
def ask(proxy, tokens):
    """`ask(tenant, method, path, body, **headers)`: the answer of nginx."""

    def answer(tenant, method, path, body=None, **headers):
        sent = {
            "Host": f"{tenant}.{BASE_DOMAIN}",
            "Authorization": f"Bearer {tokens[tenant]}",
            "Content-Type": "application/scim+json",
        }
        return send(proxy.port, method, path, body, sent | headers)

    return answer


def test_requests_pass_to_the_tenant_that_the_host_names(ask):
    created = ask("acme", "POST", "/scim/Users", json.dumps(user("bjensen")))
    found = [
        ask(tenant, "GET", "/scim/Users").json["totalResults"] for tenant in ("acme", "globex")
    ]

    assert (created.status, found) == (201, [1, 0])
    assert created.json["meta"]["location"].startswith(f"https://acme.{BASE_DOMAIN}/scim/Users/")


@contextmanager
def hanging(port, number, first_bytes):
    """So many connections on which no more comes than the first bytes of a request."""
    with ExitStack() as stack:
        for _ in range(number):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(first_bytes)
        yield


def test_one_tenant_floods_and_idles_and_another_one_is_served(proxy, ask):
    host = f"Host: acme.{BASE_DOMAIN}\r\n".encode()
    slow_body = b"POST /scim/Users HTTP/1.1\r\n" + host + b"Content-Length: 9999\r\n\r\n{"
    with (
        hanging(proxy.port, 300, b""),
        hanging(proxy.port, 40, b"GET /scim/Users HTTP/1.1\r\n"),
        hanging(proxy.port, 40, slow_body),
        ThreadPoolExecutor(16) as pool,
    ):
        flood = [pool.submit(ask, "acme", "GET", "/scim/Users") for _ in range(FLOOD)]
        others = [ask("globex", "GET", "/scim/Users").status for _ in range(20)]
        answers = [each.result() for each in flood]

    met = Counter(answer.status for answer in answers)
    assert others == [200] * 20
    assert met.keys() == {200, 429}
    assert met[200] >= 200 - 2  # the burst, of which the test above may have had two
    assert {
        (answer.json["status"], answer.headers["Retry-After"].isdecimal())
        for answer in answers
        if answer.status == 429
    } == {("429", True)}


def test_one_address_opens_the_pages_of_sign_in_so_often_and_others_go_on(ask):
    with ThreadPoolExecutor(16) as pool:
        opened = list(pool.map(lambda _: ask("acme", "GET", "/admin/login/"), range(FLOOD)))
    elsewhere = [
        ask("globex", "GET", "/admin/login/").status,
        ask("acme", "GET", "/static/screens/screens.css").status,
        ask("globex", "GET", "/scim/Users").status,
    ]

    met = Counter(answer.status for answer in opened)
    assert met.keys() == {200, 429}
    assert met[200] >= 60  # the burst
    assert {each.headers["Retry-After"] for each in opened if each.status == 429} == {"1"}
    assert elsewhere == [200, 200, 200]


def test_a_request_for_an_absolute_url_has_the_limits_and_the_tenant_of_the_host_in_it(ask):
    """Else each made-up host in the URL would be another client to nginx, and the same one to us."""
    hosts = [f"nobody-{number}.{BASE_DOMAIN}" for number in range(3)]

    opened = [ask("acme", "GET", f"http://{host}/admin/login/").status for host in hosts]
    foreign = ask("acme", "GET", f"http://globex.{BASE_DOMAIN}/scim/Users").status

    assert (opened, foreign) == ([404, 404, 404], 401)


@pytest.mark.parametrize("path", ["/scim/Schemas", "/static/screens/screens.css"])
def test_lists_and_styles_are_compressed(proxy, tokens, path):
    connection = HTTPConnection("127.0.0.1", proxy.port)
    headers = {"Host": f"globex.{BASE_DOMAIN}", "Accept-Encoding": "gzip"}
    connection.request("GET", path, None, headers | {"Authorization": f"Bearer {tokens['globex']}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()

    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert len(gzip.decompress(body)) > 2 * len(body)


def test_its_own_answers_are_scim_errors_too(ask):
    large = ask("globex", "POST", "/scim/Users", " " * 2_200_000)

    assert (large.status, large.json["detail"]) == (413, "The body is too large.")
    assert "nginx" not in large.headers["Server"].removeprefix("nginx")  # no version


def test_a_long_filter_gets_the_answer_of_the_server(ask):
    answer = ask("globex", "GET", f"/scim/Users?filter={'x' * 9000}")

    assert answer.status == 414
    assert answer.json["detail"].endswith("Send a long filter with POST to .search.")


def test_nothing_secret_and_nobodys_name_is_in_its_log(ask, proxy, tokens):
    paths = (
        "/admin/invitation/c2VjcmV0/",
        f"/scim/Users?filter={tokens['globex']}",
        f"/{tokens['globex']}",
        "/scim/Users/tara@globex.example",
        "/SCIM/v2/users/tara@globex.example",
    )

    answers = [ask("globex", "GET", path) for path in paths]

    lines = proxy.lines([answer.headers["Request-Id"] for answer in answers])
    assert [line["path"] for line in lines] == [
        "/admin/invitation/…",
        "/scim/Users",
        "…",
        "/scim/Users/…",
        "/SCIM/v2/users/…",
    ]
    assert not re.search(f"c2VjcmV0|tara|{tokens['globex']}", proxy.log)


def test_without_a_server_the_answer_is_503_and_says_when_to_come_again(proxy):
    with nginx.running(upstream=1) as alone:
        host = {"Host": f"acme.{BASE_DOMAIN}"}
        scim = send(alone.port, "GET", "/scim/Users", None, host)
        page = send(alone.port, "GET", "/admin/", None, host)

    assert (scim.status, scim.headers["Retry-After"], scim.json["status"]) == (503, "30", "503")
    assert scim.headers["Content-Type"] == "application/scim+json"
    assert (page.status, page.text) == (
        503,
        "myPolicies cannot be reached. Try again in a minute.\n",
    )


def test_the_whole_file_is_valid_with_certificates(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    nginx.make_certificate(key, certificate)
    text = nginx.SHIPPED.read_text().replace("/var/log/nginx", str(tmp_path))
    text = text.replace("/etc/ssl/private/mypolicies.example.key", str(key))
    text = text.replace("/etc/ssl/mypolicies.example.pem", str(certificate))

    is_valid, said = nginx.is_valid(text, tmp_path)

    assert is_valid, said
