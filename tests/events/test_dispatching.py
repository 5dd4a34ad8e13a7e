"""Streams and tenants are served side by side: nobody waits for another's receiver."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError

from scim.events import delivery
from scim.events.dispatching import Dispatcher
from scim.events.models import Delivery, DeliveryMethod
from scim.protocol.definitions import USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from tenants import schemas
from tenants.current import in_tenant
from tests.events.streams import NOTICES, created
from tests.support import citus, receiver
from tests.support.payloads import user


@pytest.fixture
def receivers():
    """Receivers, made as they are asked for."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(receiver.running())


def pushing(tenant, started):
    return created(tenant, DeliveryMethod.PUSH, endpoint=started.url, event_uris=NOTICES).stream


def provision(tenant, *names):
    requester = Requester(tenant.tenant_url, "r-1", Origin("POST", "/scim/Users"))
    with in_tenant(tenant):
        for name in names:
            resources.create(USER, user(name), requester)


def looking(dispatcher, *, most=200):
    """The dispatcher after a look for work, its rounds started."""
    dispatcher.know(schemas.sending())
    dispatcher.look(most)
    dispatcher.start()
    return dispatcher


def drain(dispatcher, is_done):
    """Rounds, one after another, until it is done."""
    for _ in range(100):
        if is_done():
            return
        dispatcher.settle()
        looking(dispatcher)
    pytest.fail("It is never done.")


def statuses(tenant):
    with in_tenant(tenant):
        return sorted(Delivery.objects.values_list("status", flat=True))


@pytest.mark.parametrize("is_other_tenant", [True, False])
def test_a_receiver_that_does_not_answer_delays_no_other_stream_and_no_other_tenant(
    is_other_tenant, acme, globex, receivers
):
    silent, quick = receivers(), receivers()
    other = globex if is_other_tenant else acme
    pushing(acme, silent)
    pushing(other, quick)
    silent.is_open.clear()
    provision(acme, "a")
    if is_other_tenant:
        provision(globex, *(f"u{n}" for n in range(20)))
    dispatcher = looking(Dispatcher())
    silent.wait_for(1)

    expected = 20 if is_other_tenant else 1
    drain(dispatcher, lambda: len(quick.received) == expected)

    assert len(silent.received) == 1
    assert dispatcher.is_sending
    silent.is_open.set()
    dispatcher.finish()
    assert set(statuses(acme) + statuses(globex)) == {"delivered"}


def test_a_stream_has_one_round_at_a_time(acme, receivers):
    silent = receivers()
    pushing(acme, silent)
    silent.is_open.clear()
    provision(acme, *(f"u{n}" for n in range(20)))

    dispatcher = looking(Dispatcher())
    silent.wait_for(delivery.BATCH)
    looking(dispatcher)

    assert statuses(acme) == ["pending"] * 20
    assert len(silent.received) == delivery.BATCH
    silent.is_open.set()
    drain(dispatcher, lambda: len(silent.received) == 20)
    dispatcher.finish()


def test_no_more_than_so_many_rounds_are_sent_at_a_time_and_streams_take_turns(acme, receivers):
    started = [receivers() for _ in range(3)]
    for each in started:
        pushing(acme, each)
        each.is_open.clear()
    provision(acme, *(f"u{n}" for n in range(10)))

    dispatcher = looking(Dispatcher(most_rounds=2))
    for each in started[:2]:
        each.wait_for(delivery.BATCH)
    assert started[2].received == []

    started[0].is_open.set()
    dispatcher.settle()
    dispatcher.start()  # the third, though the first has more

    started[2].wait_for(delivery.BATCH)
    assert len(started[0].received) == delivery.BATCH
    for each in started:
        each.is_open.set()
    drain(dispatcher, lambda: [len(each.received) for each in started] == [10, 10, 10])
    dispatcher.finish()


def test_receivers_that_were_slow_leave_rounds_to_the_others(acme, receivers, monkeypatch):
    monkeypatch.setattr("scim.events.dispatching.SLOW", -1.0)  # whoever answers was slow
    slow = [receivers() for _ in range(2)]
    for each in slow:
        pushing(acme, each)
    provision(acme, "a")
    dispatcher = looking(Dispatcher(most_rounds=2))
    drain(dispatcher, lambda: statuses(acme) == ["delivered"] * 2)
    for each in slow:
        each.is_open.clear()
    quick = receivers()
    pushing(acme, quick)
    provision(acme, "b")

    looking(dispatcher)

    quick.wait_for(1)
    assert min(len(each.received) for each in slow) == 1
    for each in slow:
        each.is_open.set()
    drain(dispatcher, lambda: statuses(acme) == ["delivered"] * 5)
    dispatcher.finish()


def test_a_delivery_is_recorded_when_the_database_answers_again(acme, receivers, monkeypatch):
    started = receivers()
    pushing(acme, started)
    provision(acme, "a")
    dispatcher = looking(Dispatcher())
    started.wait_for(1)

    def is_away(*_):
        raise OperationalError

    with monkeypatch.context() as outage:
        outage.setattr("scim.events.delivery.in_tenant", is_away)
        with pytest.raises(OperationalError):
            dispatcher.settle()
    assert statuses(acme) == ["pending"]

    dispatcher.settle()

    assert (statuses(acme), len(started.received)) == (["delivered"], 1)


def test_each_tenant_is_asked_in_its_turn_however_many_there_are(acme, globex, receivers):
    started = [receivers(), receivers()]
    for tenant, each in zip((acme, globex), started, strict=True):
        pushing(tenant, each)
        provision(tenant, "a")
    dispatcher = Dispatcher()

    for _ in range(2):
        looking(dispatcher, most=1)
        dispatcher.settle()

    assert [len(each.received) for each in started] == [1, 1]


@pytest.mark.one_node
def test_a_tenant_whose_node_of_the_database_is_down_holds_up_no_other(acme, globex, receivers):
    for tenant in (acme, globex):
        pushing(tenant, receivers())
        provision(tenant, "bjensen")
    citus.install_catalog()
    citus.lose(acme, "scim_delivery")

    drain(Dispatcher(), lambda: statuses(globex) == ["delivered"])


@pytest.mark.one_node
def test_a_tenant_whose_node_goes_down_between_look_and_round_rests(acme, globex, receivers):
    for tenant in (acme, globex):
        pushing(tenant, receivers())
        provision(tenant, "bjensen")
    dispatcher = Dispatcher()
    dispatcher.know(schemas.sending())
    dispatcher.look()
    citus.install_catalog()
    citus.lose(acme, "scim_delivery")

    dispatcher.start()

    drain(dispatcher, lambda: statuses(globex) == ["delivered"])


def test_after_the_end_nothing_more_is_sent(acme, receivers):
    started = receivers()
    pushing(acme, started)
    provision(acme, *(f"u{n}" for n in range(20)))
    dispatcher = looking(Dispatcher())

    dispatcher.finish()

    assert not dispatcher.is_sending
    assert (len(started.received), statuses(acme).count("delivered")) == (8, 8)


def test_a_receiver_counts_no_request_whose_sender_died_before_it_had_sent_all_of_it(receivers):
    started = receivers()
    host, port = urlsplit(started.url).netloc.split(":")
    head = b"POST /events HTTP/1.0\r\nContent-Length: 2\r\n\r\n"

    for sent in (head, head + b"{", head + b"{}"):
        with socket.create_connection((host, int(port))) as sender:
            sender.sendall(sent)
            sender.shutdown(socket.SHUT_WR)
            sender.recv(1)  # it was answered, or the receiver has ended the connection

    assert started.bodies == ["{}"]
