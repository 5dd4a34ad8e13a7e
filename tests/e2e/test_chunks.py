"""Bodies in chunks, and doubtful framing, over real sockets against gunicorn (RFC 9112 §6, §7.1)."""

import json
import socket
from contextlib import closing, suppress
from http.client import HTTPResponse

import pytest

from tests.support.clients import MEDIA_TYPE
from tests.support.payloads import error, user
from tests.support.server import BASE_DOMAIN, DEMO
from tests.support.waiting import WITHIN

pytestmark = pytest.mark.e2e

END = b"0\r\n\r\n"


def in_chunks(body: bytes, *sizes: int) -> bytes:
    """The body in chunks of the sizes, the last one of what is left."""
    pieces, rest = [], body
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*pieces, rest) if each)


class Connection:
    """A socket to the server, on which requests are written byte by byte."""

    def __init__(self, server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN)
        self.server = server

    def head(self, method: str, path: str, *headers: str) -> bytes:
        lines = (
            f"{method} {path} HTTP/1.1",
            f"Host: {DEMO}.{BASE_DOMAIN}:{self.server.port}",
            f"Authorization: Bearer {self.server.token}",
            f"Content-Type: {MEDIA_TYPE}",
            *headers,
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def answer(self):
        """Status and body of the next answer; the body is None where there is none."""
        response = HTTPResponse(self.socket)
        response.begin()
        body = response.read()
        return response.status, json.loads(body) if body else None

    def has_ended(self) -> bool:
        """True if the server has closed the connection and answered nothing more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:  # it left unread what came after
            return True


@pytest.fixture
def connection(server):
    made = Connection(server)
    with closing(made.socket):
        yield made


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.quirk("E31")
@pytest.mark.parametrize("sizes", [(), (1,), (7, 20, 1)])
def test_a_user_is_created_and_changed_by_bodies_in_chunks_on_one_connection(sizes, connection):
    created = json.dumps(user(f"chunks-{len(sizes)}")).encode()
    patch = json.dumps({"Operations": [{"op": "replace", "value": {"title": "Guide"}}]}).encode()

    connection.socket.sendall(
        connection.head("POST", "/scim//Users", CHUNKED) + in_chunks(created, *sizes) + END
    )
    status, made = connection.answer()
    path = f"/scim/Users/{made['id']}"
    connection.socket.sendall(
        connection.head("PATCH", path, CHUNKED)
        + in_chunks(patch, *sizes)
        + b"0;x=y\r\nX-T: 1\r\n\r\n"
    )
    changed = connection.answer()
    connection.socket.sendall(connection.head("DELETE", path))

    assert (status, changed[0], changed[1]["title"]) == (201, 200, "Guide")
    assert connection.answer() == (204, None)


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(connection):
    body = json.dumps({"count": 0}).encode()

    connection.socket.sendall(
        connection.head("POST", "/scim/.search", CHUNKED, "Expect: 100-continue")
    )
    told = connection.socket.recv(64)
    connection.socket.sendall(in_chunks(body) + END)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.answer()[0] == 200


@pytest.mark.parametrize(
    "rest",
    [
        b"xyz\r\n{}\r\n" + END,
        b"-1\r\n{}\r\n" + END,
        b"5\r\n{}\r\n" + END,
        b"2\r\n{}",
        b"2\r\n{}\r\n",
    ],
)
def test_malformed_chunks_are_refused_and_nothing_after_them_is_a_request(rest, connection):
    smuggled = connection.head("DELETE", "/scim/Users/1")

    connection.socket.sendall(connection.head("POST", "/scim/.search", CHUNKED) + rest)
    if rest.endswith(END):
        connection.socket.sendall(smuggled)
    connection.socket.shutdown(socket.SHUT_WR)

    detail = "The body could not be read."
    assert connection.answer() == (400, error(400, detail, "invalidSyntax"))
    assert connection.has_ended()


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", CHUNKED),
        (CHUNKED, "Content-Length: 100"),
        (CHUNKED, CHUNKED),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: gzip",),
        ("Content-Length: 2", "Content-Length: 5"),
    ],
)
def test_doubtful_framing_is_refused_before_the_application(headers, connection):
    """A proxy may see another end of such a request than we do: nothing behind it is believed."""
    body = in_chunks(b"{}") + END + connection.head("GET", "/scim/Users")

    connection.socket.sendall(connection.head("POST", "/scim/.search", *headers) + body)

    assert connection.answer() == (400, error(400, "This is no valid HTTP request."))
    assert connection.has_ended()


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate,chunked"])
def test_compressed_chunks_are_refused_and_not_read_as_if_they_were_plain(coding, connection):
    head = connection.head("POST", "/scim/Users", f"Transfer-Encoding: {coding}")

    connection.socket.sendall(head + in_chunks(json.dumps(user("compressed")).encode()) + END)

    detail = "Send the body in chunks that are not compressed."
    assert connection.answer() == (415, error(415, detail))


@pytest.mark.parametrize("scheme", ["http", "HTTPS", "ftp"])
def test_a_request_for_another_hosts_absolute_url_is_not_this_tenants(scheme, connection):
    """RFC 9112 §3.2.2: the target names the host, and the Host header counts for nothing."""
    connection.socket.sendall(connection.head("GET", f"{scheme}://nobody.example/scim/Users"))

    status, body = connection.answer()
    assert (status, "nobody.example" in body["detail"]) == (404, True)


def test_a_body_in_chunks_is_counted_while_it_is_read(connection):
    piece = b" " * 65_536

    connection.socket.sendall(connection.head("POST", "/scim/Users", CHUNKED))
    with suppress(ConnectionError):  # it may have heard enough before the last one has gone out
        for _ in range(17):
            connection.socket.sendall(in_chunks(piece))

    assert connection.answer() == (413, error(413, "The body is larger than 1048576 bytes."))


def test_a_request_without_length_and_chunks_has_no_body(connection):
    connection.socket.sendall(connection.head("POST", "/scim/Users"))

    detail = "The request has no body; it must be a JSON object."
    assert connection.answer() == (400, error(400, detail, "invalidSyntax"))
