"""Messages to addresses that customers choose, and the addresses that get none."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from ipaddress import ip_address

import pytest

from accounts import posting
from accounts.posting import Message, NotSent, flaw, is_public, post
from tests.support import receiver
from tests.support.waiting import WITHIN


def message(url, **headers):
    return Message(url, b"{}", {"Content-Type": "application/json", **headers})


@contextmanager
def answering(*chunks, pause=0.0):
    """The URL of a server that answers any request with the chunks, and then says no more."""
    slowly = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            try:
                line, _ = listener.accept()
            except OSError:  # on a busy machine the time was over before anybody called
                return
            with line, suppress(OSError):  # the other side has had enough
                while (read := line.recv(65_536)) and not read.endswith(b"{}"):
                    pass
                for chunk in chunks:
                    line.sendall(chunk)
                    slowly.wait(pause)
                line.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes who still waits for a call
            thread.join()


def test_the_answer_is_the_status_and_the_text():
    with receiver.running() as started:
        started.answers = [(409, "taken \N{SNOWMAN}")]

        answer = post(message(started.url + "?a=b", Authorization="Bearer x"), private_allowed=True)

    assert answer == posting.Answer(409, "taken \N{SNOWMAN}")
    [request] = started.received
    assert (request.path, request.body) == ("/events?a=b", "{}")
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["user-agent"] == "myPolicies-SCIM-events"


def test_a_redirect_is_an_answer_and_not_followed():
    with receiver.running() as started:
        started.answers = [(307, "")]
        started.headers = {"Location": started.url}

        assert post(message(started.url), private_allowed=True).status == 307

    assert len(started.received) == 1


def test_of_a_long_answer_only_the_beginning_is_read():
    with receiver.running() as started:
        started.answers = [(200, "x" * 1_000_000)]

        answer = post(message(started.url), private_allowed=True)

    assert len(answer.text) == posting.MAX_ANSWER


def test_a_silent_receiver_is_waited_for_until_the_time_out():
    with answering() as url, pytest.raises(NotSent, match=r"No .*answer within 1 s"):
        post(message(url), private_allowed=True, timeout=1)


@pytest.mark.parametrize(
    "chunks",  # all of them would take a thousand seconds
    [
        [b"H"] + [b"x"] * 10_000,
        [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 10_000,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"] + [b"x"] * 10_000,
    ],
    ids=["status", "headers", "body"],
)
def test_an_answer_byte_by_byte_is_cut_off(chunks):
    started = time.monotonic()

    with answering(*chunks, pause=0.1) as url, pytest.raises(NotSent, match=r"within 0\.5 s"):
        post(message(url), private_allowed=True, timeout=0.5)

    assert time.monotonic() - started < 60


def test_an_answer_that_is_not_http_becomes_a_sentence_that_quotes_nothing():
    with answering(b"SSH-2.0-secret\r\n") as url, pytest.raises(NotSent) as refused:
        post(message(url), private_allowed=True, timeout=WITHIN)

    assert str(refused.value) == "The connection failed: BadStatusLine."


def test_a_server_without_tls_is_said_in_a_sentence():
    with receiver.running() as started, pytest.raises(NotSent, match="The connection failed: "):
        post(message(started.url.replace("http:", "https:")), private_allowed=True)

    assert started.received == []


def test_a_name_without_an_address_is_said_in_a_sentence():
    with pytest.raises(NotSent, match=r"The name nobody\.invalid has no address\."):
        post(message("https://nobody.invalid/"), private_allowed=False)


PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0",  # noqa: S104  # that is the point
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
    "[fec0::1]",
    "[::127.0.0.1]",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_nothing_is_sent_to_what_is_not_on_the_public_internet(host):
    with pytest.raises(NotSent, match=r"is not a public address|has no address"):
        post(message(f"https://{host}/"), private_allowed=False)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "64:ff9b::808:808"]
)
def test_an_address_on_the_public_internet_is_allowed(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hr.example/events",
        "http://hr.example/",
        "ftp://hr.example/",
        "file:///etc/passwd",
        "https://",
        "https:///events",
        "https://user:password@hr.example/",
        "https://hr.example@evil.example/",
        "https://hr.example/#x",
        "https://hr.example:0/",
        "https://hr.example:99999/",
        "https://hr.example:x/",
        "https://[::1/",
        "https://hr.example/\r\nX: y",
        "https://hr.example/a b",
        "https://hr.example\\@evil.example/",
        "https://hr.exämple/",
        "https://hr.example/" + "x" * 500,
        "https://10.0.0.1/",
        "https://[::1]:8443/",
    ],
)
def test_a_url_that_is_none_for_events_is_refused_before_anything_is_asked(url):
    assert flaw(url, private_allowed=False) is not None


@pytest.mark.parametrize(
    "url", ["https://hr.example/events", "HTTPS://hr.example:8443/a?b=c%20d", "https://8.8.8.8/"]
)
def test_a_public_https_url_is_good(url):
    assert flaw(url, private_allowed=False) is None


def test_plain_http_and_this_machine_are_good_in_development_only():
    assert flaw("http://127.0.0.1:9000/", private_allowed=True) is None
    assert flaw("http://127.0.0.1:9000/", private_allowed=False) is not None


def test_a_message_does_not_show_its_headers():
    assert "r3ceiver" not in repr(message("https://hr.example/", Authorization="Bearer r3ceiver"))
