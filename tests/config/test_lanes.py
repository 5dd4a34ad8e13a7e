"""Each lane has its turn at the threads of a worker, and none gets them all."""

import socket

import pytest

from config.lanes import PROBES, Lanes, beginning, host_in, is_probe, received

LONG = 0.2  # seconds that a request lasts for long


@pytest.fixture
def lanes():
    return Lanes(threads=4)


def taken(lanes, now=0.0):
    """All that get a thread now."""
    found = []
    while turn := lanes.take(now):
        found.append(turn)
    return found


def connections(turns):
    return [turn.connection for turn in turns]


def test_a_request_gets_a_free_thread(lanes):
    lanes.add("acme", "a1")

    assert (lanes.take(5.0), lanes.take(5.0)) == (("acme", "a1", 5.0), None)


def test_a_lane_gets_half_of_the_threads_at_once(lanes):
    for number in range(8):
        lanes.add("acme", f"a{number}")
    assert connections(taken(lanes)) == ["a0", "a1"]

    lanes.add("globex", "g0")

    assert connections(taken(lanes)) == ["g0"]


def test_a_lane_whose_requests_last_for_long_gets_all_threads_but_one(lanes):
    for number in range(8):
        lanes.add("acme", f"a{number}")
    taken(lanes)

    assert connections(taken(lanes, LONG)) == ["a2"]
    assert taken(lanes, 2 * LONG) == []

    lanes.add("globex", "g0")
    assert connections(taken(lanes, 2 * LONG)) == ["g0"]


def test_the_time_until_a_lane_gets_another_thread_is_known(lanes):
    assert lanes.patience(0.0) is None  # nothing waits
    for number in range(4):
        lanes.add("acme", f"a{number}")
    assert lanes.patience(0.0) == 0.0
    lanes.take(1.0)
    lanes.take(1.04)

    assert lanes.patience(1.05) == pytest.approx(0.05)

    lanes.take(1.05 + 0.05)
    assert lanes.patience(1.2) is None  # it has all but one


def test_no_time_is_known_while_there_is_no_thread(lanes):
    for number in range(2):
        lanes.add("acme", f"a{number}")
        lanes.add("globex", f"g{number}")
    assert len(taken(lanes)) == 4

    lanes.add("acme", "a2")

    assert lanes.patience(LONG) is None


def test_lanes_take_turns_however_much_waits_in_one(lanes):
    for number in range(100):
        lanes.add("acme", f"a{number}")
    first, second = taken(lanes)
    for number in range(3):
        lanes.add("globex", f"g{number}")
        lanes.add("initech", f"i{number}")

    order = taken(lanes)
    for turn in (first, *order, second):
        lanes.done(turn)
        order = [*order, *taken(lanes)]

    assert connections(order) == ["g0", "i0", "a2", "g1", "i1", "a3"]


def test_a_thread_that_is_given_back_serves_the_lane_again(lanes):
    for number in range(4):
        lanes.add("acme", f"a{number}")
    [first, _] = taken(lanes)

    lanes.done(first)

    assert connections(taken(lanes)) == ["a2"]


def test_a_probe_has_a_thread_of_its_own_when_no_other_is_left(lanes):
    for number in range(3):
        lanes.add("acme", f"a{number}")
        lanes.add("globex", f"g{number}")
    assert connections(taken(lanes)) == ["a0", "g0", "a1", "g1"]
    lanes.add(PROBES, "p0")
    lanes.add(PROBES, "p1")

    [probe] = taken(lanes)

    assert probe.connection == "p0"
    assert lanes.patience(LONG) is None
    lanes.done(probe)
    assert connections(taken(lanes)) == ["p1"]


def test_probes_take_turns_with_all_others_at_the_other_threads(lanes):
    for number in range(5):
        lanes.add(PROBES, f"p{number}")
    first = taken(lanes)

    assert connections(first) == ["p0", "p1"]
    assert connections(taken(lanes, LONG)) == ["p2"]
    for number in range(3):
        lanes.add("acme", f"a{number}")
    assert connections(taken(lanes, LONG)) == ["a0", "a1"]
    lanes.done(first[0])
    assert connections(taken(lanes, 2 * LONG)) == ["p3"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_worker_of_few_threads_serves_everybody(threads):
    lanes = Lanes(threads)
    lanes.add("acme", "a0")
    lanes.add("acme", "a1")

    [turn] = taken(lanes)
    lanes.done(turn)

    assert connections([turn, *taken(lanes)]) == ["a0", "a1"]


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
        (b"GET /livez HTTP/1.1\r\nHost: acme\r\n\r\n", True),
        (b"HEAD /readyz HTTP/1.1\r\n\r\n", True),
        (b"GET /readyz?full=1 HTTP/1.1\r\n\r\n", True),
        (b"GET /livezz HTTP/1.1\r\n\r\n", False),
        (b"POST /livez HTTP/1.1\r\n\r\n", False),
        (b"GET /scim/Users HTTP/1.1\r\nX: GET /livez \r\n\r\n", False),
        (b"GET /livez HTTP/1.1\r\nHost: acme\r\n", False),  # its client may take its time
    ],
)
def test_a_probe_is_told_by_its_first_line_once_its_head_has_come(head, expected):
    assert is_probe(head) is expected


def test_the_beginning_stays_for_whoever_reads_the_request():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert beginning(ours) is None
        theirs.sendall(b"GET / HTTP/1.1\r\n")

        assert beginning(ours) == b"GET / HTTP/1.1\r\n"
        assert received(ours) == b"GET / HTTP/1.1\r\n"
        assert received(ours) is None
        theirs.close()
        assert (beginning(ours), received(ours)) == (b"", b"")


def test_a_connection_that_is_gone_has_ended():
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()

    assert (beginning(ours), received(ours)) == (b"", b"")
