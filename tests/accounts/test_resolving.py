"""Names are looked up within a time limit, whatever the name servers do."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from accounts import posting
from accounts.posting import Message, NotSent
from tests.support.waiting import WITHIN, wait_until

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]


@pytest.fixture
def name_server(monkeypatch):
    """A stand-in for the name servers: it answers once it is `open`, and keeps the questions."""
    server = SimpleNamespace(asked=[], open=threading.Event(), answered=threading.Semaphore(0))

    def getaddrinfo(host, port, **_):
        server.asked.append((host, port))
        server.open.wait(WITHIN)
        server.answered.release()
        return FOUND

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield server
    server.open.set()
    for _ in server.asked:
        server.answered.acquire(timeout=WITHIN)


def test_a_name_server_that_does_not_answer_is_waited_for_no_longer_than_the_time_out(name_server):
    message = Message("https://hr.example/", b"{}", {})

    with pytest.raises(NotSent) as refused:
        posting.post(message, private_allowed=False, timeout=0.2)

    assert str(refused.value) == "The name hr.example was not resolved within 0.2 s."


def test_all_who_ask_for_a_name_share_one_look_up(name_server, monkeypatch):
    look_up, waiting = posting._lookup, []

    def counted(place):
        waiting.append(look_up(place))
        return waiting[-1]

    monkeypatch.setattr(posting, "_lookup", counted)
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(posting.addresses, "hr.example", 443, WITHIN) for _ in range(8)]
        try:
            wait_until(lambda: len(waiting) == 8, "all of them have asked")
        finally:
            name_server.open.set()
        found = [each.result(WITHIN) for each in asking]

    assert found == [["93.184.215.14"]] * 8
    assert name_server.asked == [("hr.example", 443)]


def test_an_attempt_that_was_given_up_leaves_no_second_thread_behind(name_server):
    for _ in range(3):
        with pytest.raises(TimeoutError):
            posting.addresses("hr.example", 443, 0.01)

    wait_until(lambda: bool(name_server.asked), "its thread has asked")
    assert name_server.asked == [("hr.example", 443)]


def test_no_more_than_so_many_names_are_looked_up_at_a_time(name_server, monkeypatch):
    monkeypatch.setattr(posting, "MOST_LOOKUPS", 2)
    for name in ("one.example", "two.example"):
        with pytest.raises(TimeoutError):
            posting.addresses(name, 443, 0)

    with pytest.raises(NotSent, match=r"three\.example was not resolved: too many"):
        posting.post(Message("https://three.example/", b"", {}), private_allowed=False)

    wait_until(lambda: len(name_server.asked) == 2, "both threads have asked")
    assert {name for name, _ in name_server.asked} == {"one.example", "two.example"}


def test_a_name_is_looked_up_anew_each_time(name_server):
    name_server.open.set()

    for _ in range(2):
        assert posting.addresses("hr.example", 443, WITHIN) == ["93.184.215.14"]

    assert len(name_server.asked) == 2
