"""Each lane has its turn at the threads of a worker, and none gets the last one."""

import socket

import pytest

from config.lanes import Lanes, beginning, host_in, is_probe


@pytest.fixture
def lanes():
    return Lanes(threads=4)


def taken(lanes):
    """All that get a thread now."""
    found = []
    while turn := lanes.take():
        found.append(turn[1])
    return found


def test_a_request_gets_a_free_thread(lanes):
    lanes.add("acme", "a1")

    assert (lanes.take(), lanes.take()) == (("acme", "a1"), None)


def test_a_lane_never_gets_the_last_thread(lanes):
    for number in range(8):
        lanes.add("acme", f"a{number}")
    assert taken(lanes) == ["a0", "a1", "a2"]

    lanes.add("globex", "g0")

    assert taken(lanes) == ["g0"]


def test_lanes_take_turns_however_much_waits_in_one(lanes):
    for number in range(100):
        lanes.add("acme", f"a{number}")
    taken(lanes)
    for number in range(2):
        lanes.add("globex", f"g{number}")
        lanes.add("initech", f"i{number}")

    order = taken(lanes)
    for _ in range(3):
        lanes.done("acme")
        order += taken(lanes)

    assert order == ["g0", "a3", "i0", "g1"]


def test_a_thread_that_is_given_back_serves_the_lane_again(lanes):
    for number in range(4):
        lanes.add("acme", f"a{number}")
    taken(lanes)

    lanes.done("acme")

    assert taken(lanes) == ["a3"]


def test_a_worker_of_one_thread_serves_everybody():
    lanes = Lanes(threads=1)
    lanes.add("acme", "a0")

    assert taken(lanes) == ["a0"]


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (
            b"GET /scim/Users HTTP/1.1\r\nHost: acme.example:80\r\nAccept: */*\r\n",
            "acme.example:80",
        ),
        (b"GET / HTTP/1.1\r\nA: b\r\nHOST:acme.example \r\n\r\n", "acme.example"),
        (b"GET /?x=host: HTTP/1.1\r\n", ""),
        (b"\x16\x03\x01", ""),
        (b"", ""),
        (
            b"GET HTTP://globex.mypolicies.example:8000/scim HTTP/1.1\r\nHost: acme\r\n",
            "globex.mypolicies.example:8000",
        ),
        (b"GET http://globex?x HTTP/1.1\r\nHost: acme\r\n", "globex"),
        (b"GET /?http://globex/ HTTP/1.1\r\nHost: acme\r\n", "acme"),
    ],
)
def test_the_host_is_read_from_the_beginning_of_a_request(head, host):
    assert host_in(head) == host


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /livez HTTP/1.1\r\n", True),
        (b"HEAD /readyz HTTP/1.1\r\n", True),
        (b"GET /readyz?full=1 HTTP/1.1\r\n", True),
        (b"GET /livezz HTTP/1.1\r\n", False),
        (b"POST /livez HTTP/1.1\r\n", False),
        (b"GET /scim/Users HTTP/1.1\r\nX: GET /livez \r\n", False),
    ],
)
def test_a_probe_is_told_by_its_first_line(head, expected):
    assert is_probe(head) is expected


def test_the_beginning_stays_for_whoever_reads_the_request():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert beginning(ours) == b""
        theirs.sendall(b"GET / HTTP/1.1\r\n")

        assert beginning(ours) == b"GET / HTTP/1.1\r\n"
        assert ours.recv(100) == b"GET / HTTP/1.1\r\n"
