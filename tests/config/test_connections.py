"""The threads of a worker take requests by themselves, and a connection that ends holds none of them."""

import logging
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import TConn

from config import connections as connections_module
from config.connections import ClientSocket, Connections
from config.lanes import host_in

SECONDS = 20  # that a test waits for what it expects


class Worker:
    """A worker without gunicorn: each request is a head, and its path tells how it is answered."""

    def __init__(self):
        self.cfg = SimpleNamespace(threads=4, keepalive=60, is_ssl=False)
        self.wsgi = SimpleNamespace(lane_of=host_in)
        self.log = logging.getLogger("gunicorn.error")
        self.alive = True
        self.nr_conns = 0
        self.worker_connections = 1000
        self.woken = 0  # times
        self.gate = threading.Event()  # held requests end
        self.held = threading.Semaphore(0)  # released by each that is held
        self.connections = Connections(self)

    def handle(self, conn):
        head = b""
        try:
            while not (head.endswith(b"\r\n\r\n") or b"held" in head):
                head += conn.sock.recv(4096)
        except ConnectionResetError:  # gunicorn says nothing to whoever is gone
            return False
        _, path, rest = head.split(b" ", 2)
        if path == b"/fails":
            raise SystemExit
        if path == b"/breaks":
            raise ConnectionResetError
        if path == b"/held" or rest.startswith(b"held"):
            self.held.release()
            assert self.gate.wait(SECONDS)
        conn.sock.sendall(path)
        return path != b"/last"

    def handle_exit(self, _signal, _frame):
        self.alive = False

    def wake(self):
        self.woken += 1


class Client:
    """One end of a connection; the worker has the other."""

    def __init__(self, worker, pair):
        self._worker = worker
        self.socket, theirs = pair
        self.socket.settimeout(SECONDS)
        conn = TConn(worker.cfg, theirs, ("127.0.0.1", 1), None)
        conn.parser = SimpleNamespace(unreader=SimpleNamespace(buf=SimpleNamespace(getvalue=bytes)))
        self.conn = conn
        worker.nr_conns += 1
        worker.connections.add(conn)

    def send(self, path, host="acme"):
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def answer(self):
        return self.socket.recv(4096).decode()

    def has_answer(self, seconds=0.05):
        self.socket.settimeout(seconds)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(SECONDS)


@pytest.fixture
def worker():
    made = Worker()
    threads = ThreadPoolExecutor(5)
    made.running = [threads.submit(made.connections.serve) for _ in range(5)]
    yield made
    made.gate.set()
    made.connections.end()
    threads.shutdown()
    made.connections.close_late(idle=True)


@pytest.fixture
def connect(worker):
    made = []

    def connect():
        made.append(Client(worker, socket.socketpair()))
        return made[-1]

    yield connect
    for each in made:
        each.socket.close()
        each.conn.close()


def until(condition):
    """Wait for it."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "It has not come about."
        time.sleep(0.002)


def hold(worker, connect, number, host, path="/held"):
    """So many requests of a tenant that have a thread, and do not end."""
    clients = []
    for _ in range(number):
        clients.append(connect())
        clients[-1].send(path, host)
        assert worker.held.acquire(timeout=SECONDS)
    return clients


def test_a_kept_connection_is_answered_each_time(connect):
    client = connect()
    for path in ("/first", "/second", "/third"):
        client.send(path)

        assert client.answer() == path


def test_a_tenant_gets_half_of_the_threads_at_once(worker, connect, monkeypatch):
    monkeypatch.setattr("config.lanes._LONG", SECONDS)
    hold(worker, connect, 2, "acme")
    third, other = connect(), connect()

    third.send("/third", "acme")
    other.send("/other", "globex")

    assert other.answer() == "/other"
    assert not third.has_answer()
    worker.gate.set()
    assert third.answer() == "/third"


def test_a_tenant_whose_requests_last_for_long_gets_one_more_thread(worker, connect):
    hold(worker, connect, 3, "acme")
    fourth, other = connect(), connect()

    fourth.send("/fourth", "acme")
    other.send("/other", "globex")

    assert other.answer() == "/other"
    assert not fourth.has_answer(0.3)


def test_a_request_behind_long_ones_is_waited_for_when_the_thread_that_did_answers_another(
    worker, connect
):
    hold(worker, connect, 2, "acme")
    third = connect()
    third.send("/third", "acme")
    hold(worker, connect, 1, "globex")  # taken by the thread that has gone to wait last

    assert third.has_answer(SECONDS / 4)


def test_a_probe_is_answered_while_no_thread_is_free(worker, connect):
    hold(worker, connect, 3, "acme")
    hold(worker, connect, 1, "globex")
    probe, other = connect(), connect()

    other.send("/other", "initech")
    probe.send("/livez")

    assert probe.answer() == "/livez"
    assert not other.has_answer()


def test_probes_never_take_all_threads(worker, connect):
    """Five that wait for PostgreSQL would hold up everybody."""
    hold(worker, connect, 3, "acme", "/livez held")
    probe, other = connect(), connect()

    probe.send("/livez")
    other.send("/other", "globex")

    assert other.answer() == "/other"
    assert not probe.has_answer()
    worker.gate.set()
    assert probe.answer() == "/livez"


def test_half_a_probe_holds_up_no_other(worker, connect):
    half, probe = connect(), connect()

    half.socket.sendall(b"GET /livez held HTTP/1.1\r\n")
    assert worker.held.acquire(timeout=SECONDS)
    probe.send("/livez")

    assert probe.has_answer(SECONDS / 4)


def test_clients_that_do_not_hang_up_hold_no_thread(connect):
    for _ in range(8):
        client = connect()
        client.send("/last", "acme")
        assert client.answer() == "/last"
        assert client.answer() == ""  # nothing more will come

    client = connect()
    client.send("/first", "acme")

    assert client.answer() == "/first"


def test_a_connection_that_parts_is_closed_when_its_client_hangs_up(worker, connect):
    client = connect()
    client.send("/last")
    client.answer()
    client.socket.sendall(b"more, which is passed over")
    assert worker.nr_conns == 1

    client.socket.close()

    until(lambda: worker.nr_conns == 0)
    assert client.conn.sock.fileno() == -1


def test_a_client_that_goes_on_sending_is_not_listened_to_for_ever(worker, connect):
    client = connect()
    client.send("/last")
    client.answer()

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.socket.sendall(b"x" * 4_000_000)

    assert worker.nr_conns == 0


def test_a_client_that_hangs_up_between_requests_gets_no_turn(worker, connect):
    client = connect()
    hold(worker, connect, 3, "")

    client.socket.close()

    until(lambda: worker.nr_conns == 3)


def test_a_full_worker_takes_connections_again_once_one_is_closed(worker, connect):
    first, second = connect(), connect()
    worker.worker_connections = 2

    first.socket.close()
    until(lambda: worker.woken)
    second.socket.close()

    until(lambda: worker.nr_conns == 0)
    assert worker.woken == 1


def test_connections_are_closed_when_their_time_is_over(worker, connect, monkeypatch):
    monkeypatch.setattr(worker.cfg, "keepalive", 0)
    monkeypatch.setattr(connections_module, "_PARTING", 0)
    idle, parting = connect(), connect()
    parting.send("/last")
    parting.answer()
    [held] = hold(worker, connect, 1, "acme")
    monkeypatch.setattr(worker.cfg, "keepalive", 60)
    kept = connect()

    until(lambda: worker.connections.close_late() or worker.nr_conns == 2)

    assert (idle.answer(), parting.answer()) == ("", "")
    worker.gate.set()
    assert held.answer() == "/held"
    kept.send("/first")
    assert kept.answer() == "/first"


def test_a_request_that_no_thread_has_seen_yet_keeps_its_connection_open(worker, connect):
    """A worker that ends while all its threads are busy would reset it."""
    client = connect()
    hold(worker, connect, 3, "acme")
    hold(worker, connect, 1, "globex")
    hold(worker, connect, 1, "acme", "/livez held")
    client.send("/first")
    worker.connections.shorten(time.monotonic())

    worker.connections.close_late()

    assert worker.connections.seconds() > 1
    worker.gate.set()
    assert client.answer() == "/first"


def test_a_worker_that_ends_waits_for_its_connections_no_longer_than_it_may(worker, connect):
    connect()
    assert 50 < worker.connections.seconds() <= 60

    worker.connections.shorten(time.monotonic() + 2)

    assert 1 < worker.connections.seconds() <= 2
    worker.connections.close_late(idle=True)
    assert (worker.connections.seconds(), worker.nr_conns) == (float("inf"), 0)


def test_a_connection_waits_no_longer_when_its_worker_ends_at_that_moment(worker, connect):
    """A stop would take all the time that it may."""

    class Settings(SimpleNamespace):
        @property
        def keepalive(self):
            worker.alive = False
            worker.connections.shorten(time.monotonic() + 2)
            return 60

    worker.cfg = Settings(threads=4, is_ssl=False)

    connect()

    assert worker.connections.seconds() <= 2


def test_news_of_a_descriptor_that_another_connection_has_by_now_harm_nothing(worker, connect):
    client = connect()
    news = worker.connections._come

    assert news(client.conn.sock.fileno()) is None
    assert news(client.conn.sock.fileno() + 1000) is None

    client.send("/first")
    assert client.answer() == "/first"


def test_an_error_on_a_connection_ends_that_connection_alone(worker, connect, caplog):
    """As gunicorn has it: a worker that ends takes no connections while others are answered."""
    broken, other = connect(), connect()

    broken.send("/breaks")

    assert broken.answer() == ""
    broken.socket.close()
    until(lambda: worker.nr_conns == 1)
    other.send("/first")
    assert other.answer() == "/first"
    assert worker.alive
    [record] = caplog.records
    assert record.getMessage() == "A connection has failed."


def test_a_thread_that_fails_ends_the_worker_and_says_so(worker, connect, caplog):
    connect().send("/fails")

    until(lambda: not worker.alive)

    [record] = caplog.records
    assert record.getMessage() == "A thread of a worker has failed; the worker ends."


def test_threads_end_when_their_worker_ends(worker, connect):
    [client] = hold(worker, connect, 1, "acme")

    worker.connections.end()

    until(lambda: [each.done() for each in worker.running].count(True) == 4)
    worker.gate.set()
    until(lambda: all(each.done() for each in worker.running))
    assert client.answer() == "/held"


@pytest.mark.parametrize("ends", ["is silent", "goes on byte by byte"])
def test_a_client_that_sends_half_a_request_holds_a_thread_no_longer_than_it_may(
    worker, connect, monkeypatch, ends
):
    monkeypatch.setattr(connections_module, "_READING", 0.2)
    slow = [connect() for _ in range(3)]
    for each in slow:
        each.socket.sendall(b"GET /first HTTP/1.1\r\nHost: acme\r\nX: ")
    other = connect()
    other.send("/other", "acme")

    while ends == "goes on byte by byte" and not other.has_answer(0.01):
        for each in slow:
            with suppress(BrokenPipeError):
                each.socket.sendall(b"x")

    assert other.answer() == "/other"
    assert [each.answer() for each in slow] == [""] * 3


def test_a_request_that_is_answered_for_long_may_be_followed_by_another(
    worker, connect, monkeypatch
):
    monkeypatch.setattr(connections_module, "_READING", 0.1)
    [client] = hold(worker, connect, 1, "acme")
    time.sleep(0.2)

    worker.gate.set()

    assert client.answer() == "/held"
    client.send("/second")
    assert client.answer() == "/second"


def test_a_body_that_has_come_in_time_may_be_read_later():
    ours, theirs = socket.socketpair()
    with theirs, ClientSocket(ours.detach()) as client:
        client.until = time.monotonic() - 1
        theirs.sendall(b"a body")

        assert client.recv(100) == b"a body"
        with pytest.raises(ConnectionResetError, match="did not come in time"):
            client.recv(100)


def test_a_client_that_takes_nothing_any_more_holds_a_thread_no_longer_than_it_may(monkeypatch):
    monkeypatch.setattr(connections_module, "_TAKING", struct.pack("@ll", 0, 100_000))
    ours, theirs = socket.socketpair()

    with (
        theirs,
        ClientSocket(ours.detach()) as client,
        pytest.raises(ConnectionResetError, match="takes nothing"),
    ):
        client.sendall(bytes(4_000_000))


def test_a_client_that_takes_an_answer_slowly_gets_all_of_it(monkeypatch):
    monkeypatch.setattr(connections_module, "_TAKING", struct.pack("@ll", 1, 0))
    ours, theirs = socket.socketpair()
    begun = time.monotonic()
    with theirs, ClientSocket(ours.detach()) as client, ThreadPoolExecutor(1) as threads:
        sending = threads.submit(client.sendall, bytes(3_000_000))

        taken = 0
        while taken < 3_000_000:
            time.sleep(0.05)
            taken += len(theirs.recv(100_000))

        sending.result(SECONDS)
    assert time.monotonic() - begun > 1
