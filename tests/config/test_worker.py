"""Bytes that are no HTTP request: answered in the API's form, and quoted nowhere."""

import json
import logging
import socket
from types import SimpleNamespace

import pytest
from gunicorn.http import errors

from config.worker import Worker

SECRET = "Authorization: Bearer mypscim_secret"


@pytest.fixture
def worker(monkeypatch):
    """A worker that has no master; only its answers are asked for."""
    made = object.__new__(Worker)
    made.log = logging.getLogger("gunicorn.error")
    made.cfg = SimpleNamespace()
    return made


def answer_to(worker, error):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("127.0.0.1", 1), error)
        ours.shutdown(socket.SHUT_WR)
        head, _, body = theirs.makefile("rb").read().partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body.decode()


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (
            errors.LimitRequestLine(9000, 8190),
            "414 Request-URI Too Long",
            "The URL is too long. Send a long filter with POST to .search.",
        ),
        (
            errors.LimitRequestHeaders(SECRET),
            "431 Request Header Fields Too Large",
            "The headers are too large.",
        ),
        (
            errors.UnsupportedTransferCoding(SECRET),
            "501 Not Implemented",
            "This transfer coding is not supported.",
        ),
        (
            errors.ExpectationFailed(SECRET),
            "417 Expectation Failed",
            "This expectation is not met here.",
        ),
        (errors.InvalidHeader(SECRET), "400 Bad Request", "This is no valid HTTP request."),
        (errors.InvalidRequestLine(SECRET), "400 Bad Request", "This is no valid HTTP request."),
    ],
)
def test_an_unreadable_request_gets_a_scim_error(worker, error, status, detail, caplog):
    caplog.set_level(logging.INFO)

    head, body = answer_to(worker, error)

    [record] = caplog.records
    assert head == [
        f"HTTP/1.1 {status}",
        "Connection: close",
        "Content-Type: application/scim+json",
        f"Content-Length: {len(body)}",
        f"Request-Id: {record.request_id}",
    ]
    assert json.loads(body) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status[:3],
        "detail": detail,
    }
    assert (record.status, record.error) == (int(status[:3]), type(error).__name__)
    assert record.address == "127.0.0.1"
    assert "secret" not in str(vars(record))


def test_a_client_that_is_gone_needs_no_answer(worker):
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()

        worker.handle_error(None, ours, ("127.0.0.1", 1), errors.InvalidRequestLine(SECRET))
