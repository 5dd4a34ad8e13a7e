"""Answers on the wire: the bytes that gunicorn's own response writes, in one message where it can be."""

import time
from types import SimpleNamespace

import pytest
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName

from config.answering import PLAIN, Response
from tests.config.test_handler import OF_VIEWS

GUNICORNS = Response.__base__  # config.worker puts ours in its place
BODY = b'{"id": "2819c223"}'
HEADERS = [
    ("Content-Type", "application/scim+json"),
    ("ETag", 'W/"1"'),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Content-Length", str(len(BODY))),
]


class Peer:
    """The client's end of a connection that notes each message."""

    def __init__(self):
        self.messages = []

    def sendall(self, data):
        self.messages.append(bytes(data))

    @property
    def received(self):
        return b"".join(self.messages)


def answered(kind, headers, parts, *, method="GET", status="200 OK", version=(1, 1)):
    """The client's end after an answer by that class of responses."""
    peer = Peer()
    request = SimpleNamespace(method=method, version=version, should_close=lambda: version < (1, 1))
    response = kind(request, peer, SimpleNamespace(protocol="http", is_ssl=False))
    response.start_response(status, list(headers))
    for part in parts:
        response.write(part)
    response.close()
    return peer


@pytest.fixture(autouse=True)
def _one_second(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_790_000_000.5)


def test_head_and_body_are_one_message_with_gunicorns_own_bytes():
    ours = answered(Response, HEADERS, [BODY])

    assert ours.messages == [answered(GUNICORNS, HEADERS, [BODY]).received]
    assert len(answered(GUNICORNS, HEADERS, [BODY]).messages) == 2


@pytest.mark.parametrize(
    ("headers", "parts", "asked"),
    [
        (HEADERS, [BODY[:5], BODY[5:]], {}),
        (HEADERS[:3], [BODY], {}),  # chunked
        (HEADERS, [BODY], {"method": "HEAD"}),
        (HEADERS, [BODY], {"version": (1, 0)}),
        ([*HEADERS[:3], ("Content-Length", "0")], [b""], {"status": "412 Precondition Failed"}),
        (HEADERS[:3], [], {"status": "204 No Content"}),
        ([*HEADERS, ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")], [BODY], {}),
        ([*HEADERS, ("Connection", "upgrade"), ("Upgrade", "websocket")], [BODY], {}),
        ([*HEADERS, ("Transfer-Encoding", "chunked")], [BODY], {}),
        ([("Location", "  https://acme.example/scim \t"), *HEADERS], [BODY], {}),
        ([("Retry-After", ""), *HEADERS], [BODY], {}),
        ([*HEADERS[:3], ("Content-Length", "70000")], [b"x" * 70_000], {}),
    ],
)
def test_whatever_is_unusual_is_sent_as_gunicorn_sends_it(headers, parts, asked):
    assert answered(Response, headers, parts, **asked).received == (
        answered(GUNICORNS, headers, parts, **asked).received
    )


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "\u0161"])
def test_a_value_that_would_end_the_line_is_refused(value):
    with pytest.raises(InvalidResponseHeader):
        answered(Response, [("Location", value), *HEADERS], [BODY])


def test_a_name_that_is_none_is_refused():
    with pytest.raises(InvalidResponseHeaderName):
        answered(Response, [("X Frame", "DENY"), *HEADERS], [BODY])


def test_the_headers_of_answers_with_resources_are_checked_at_once():
    """A header that is added to answers belongs into the list, or each answer goes the slow way."""
    assert {*OF_VIEWS, "ETag", "Location"} <= PLAIN
