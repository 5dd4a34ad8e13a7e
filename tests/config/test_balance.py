"""A new connection goes to the worker that has the fewest: none does the work of the others."""

import selectors
import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from config import worker as worker_module
from config.balance import OpenConnections
from config.worker import Worker


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.fixture
def workers(listener, monkeypatch):
    """Two workers of one server, which listen; none of them runs by itself."""
    monkeypatch.setattr(worker_module, "_open", OpenConnections())
    made = [new_worker(listener) for _ in range(2)]
    yield made
    for each in made:
        each.connections.close_late(idle=True)
        each.method_queue.close()
        each.poller.close()
        each.tmp.close()


def new_worker(listener):
    made = Worker(1, 1, [listener], SimpleNamespace(), 45, Config(), None)
    made.tpool = made.get_thread_pool()
    made.method_queue.init()
    made.poller = selectors.DefaultSelector()
    made.set_accept_enabled(True)
    return made


@pytest.fixture
def connect(listener):
    """Open connections, which wait at the socket."""
    opened = []

    def connect(number=1):
        opened.extend(socket.create_connection(listener.getsockname()) for _ in range(number))

    yield connect
    for each in opened:
        each.close()


def test_the_settings_are_attributes_of_a_worker(workers):
    """gunicorn would look each of them up in two calls, for each request."""
    cfg = workers[0].cfg

    assert {name: vars(cfg)[name] for name in cfg.settings} == {
        name: each.get() for name, each in Config().settings.items()
    }


def look(worker):
    """One round of gunicorn's loop, which waits for nothing."""
    if not worker._accepting:
        worker.set_accept_enabled(True)
    worker.wait_for_and_dispatch_events(0)


def counts(workers):
    return [each.nr_conns for each in workers]


def test_connections_are_taken_by_turns_whoever_is_the_quickest(workers, connect):
    first, second = workers

    for _ in range(6):
        connect()
        look(first)
        look(first)
        look(second)
        look(second)

    assert counts(workers) == [3, 3]


def test_a_connection_that_was_left_to_another_worker_is_not_taken_again(workers, connect):
    first, second = workers
    connect(2)
    look(first)
    look(first)  # it has one, and leaves the other

    look(second)
    look(first)

    assert counts(workers) == [1, 1]
    assert first._accepting is False  # until gunicorn's loop comes round


def test_a_connection_that_nobody_has_taken_in_time_is_taken_all_the_same(
    workers, connect, monkeypatch
):
    first, _ = workers
    now = [1000.0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    connect(4)
    look(first)
    look(first)
    assert counts(workers) == [1, 0]
    now[0] += 0.019
    look(first)
    assert counts(workers) == [1, 0]

    now[0] += 0.002
    look(first)

    assert counts(workers) == [4, 0]


def test_a_worker_that_listens_no_more_has_nothing_left_to_it(workers):
    first, second = workers
    first.nr_conns = 5
    assert first.counter.is_above_least(5)

    second.alive = False
    second.set_accept_enabled(False)

    assert not first.counter.is_above_least(5)


def test_a_worker_that_ends_has_nothing_left_to_it_while_its_connections_end(workers):
    first, second = workers
    first.nr_conns = second.nr_conns = 5
    second.alive = False
    second.set_accept_enabled(False)

    second.nr_conns -= 1

    assert (counts(workers), first.counter.is_above_least(5)) == ([5, 4], False)


def test_a_worker_takes_no_more_than_it_may_have_of_what_others_did_not_take(
    workers, connect, monkeypatch
):
    first, _ = workers
    now = [1000.0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    first.worker_connections = 3
    connect(5)
    look(first)
    look(first)
    now[0] += 0.021

    look(first)

    assert counts(workers) == [3, 0]

    first.alive = False
    first.set_accept_enabled(False)

    assert counts(workers) == [5, 0]


def test_a_worker_that_does_not_listen_yet_has_nothing_left_to_it(workers, listener, connect):
    third = Worker(1, 1, [listener], SimpleNamespace(), 45, Config(), None)
    third.tmp.close()
    for each in workers:
        each.nr_conns = 5
    connect()

    look(workers[0])

    assert counts(workers) == [6, 5]


def test_a_worker_that_has_ended_leaves_its_cell_to_the_next_one(monkeypatch):
    everybodys = OpenConnections()
    first, second = everybodys.counter(), everybodys.counter()
    first.put(3)
    second.put(1)
    assert first.is_above_least(3)

    second.release()
    third = everybodys.counter()

    assert not first.is_above_least(3)
    third.put(2)
    assert first.is_above_least(3)
    assert everybodys.least() == 2


def test_a_server_without_a_worker_that_listens_has_no_least():
    assert OpenConnections().least() == 0
