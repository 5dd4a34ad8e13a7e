"""The queue where transactions meet: what commits late, what is locked, what is due in which tenant."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction

from scim.events import delivery, outbox
from scim.events.models import Delivery, DeliveryMethod, EventStream
from scim.events.outbox import Result
from scim.protocol.definitions import USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.repository.base import Loading
from tenants import clock, lifecycle, schemas
from tenants.current import in_tenant
from tests.events import streams
from tests.support.database import statements
from tests.support.payloads import replace, user
from tests.support.waiting import WITHIN


@pytest.fixture
def initech(real_tenants, django_db_blocker):
    """A tenant whose changes are committed, with a stream that is pushed to."""
    with django_db_blocker.unblock():
        tenant = real_tenants[0]
        made = streams.created(
            tenant, DeliveryMethod.PUSH, endpoint="http://127.0.0.1:9/", event_uris=streams.NOTICES
        )
        yield tenant, made.stream.pk


def requester(tenant):
    return Requester(tenant.tenant_url, "r-1", Origin("POST", "/scim/Users"))


def create(tenant, name):
    with in_tenant(tenant):
        return resources.create(USER, user(name), requester(tenant)).id


def change(tenant, identifier, title):
    with in_tenant(tenant):
        existing = Existing(USER, str(identifier), Loading(tenant.tenant_url))
        resources.modify(existing, replace("title", title), requester(tenant))


def with_work(now=None):
    """The tenants in which something is due."""
    return list(delivery.tenants_with_work(schemas.sending(), now or clock.now()).tenants)


def taken(tenant, stream, most=10):
    """The versions of the resources whose deliveries could be taken now, and done: none stays."""
    with in_tenant(tenant):
        queued = outbox.take(stream, clock.now(), most)
        outbox.record([Result(each.id, "delivered") for each in queued], clock.now())
    return [(each.happening.uri, each.happening.version) for each in queued]


@contextmanager
def elsewhere(work):
    """Run `work(reached, go_on)` in another process's place: a thread with its own connection.

    It sets `reached` and waits for `go_on` in the middle of its transaction.
    """
    reached, go_on = Event(), Event()

    def run():
        try:
            work(reached, go_on)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        assert reached.wait(WITHIN)
        try:
            yield
        finally:
            go_on.set()
        running.result(WITHIN)


def test_a_change_that_commits_after_a_later_one_was_delivered_is_delivered_too(initech):
    tenant, stream = initech
    found = {}

    def early(reached, go_on):
        with in_tenant(tenant):
            found["early"] = resources.create(USER, user("early"), requester(tenant)).id
            reached.set()
            go_on.wait(WITHIN)

    with elsewhere(early):
        late = create(tenant, "late")
        assert taken(tenant, stream) == [(f"/Users/{late}", 1)]

    assert taken(tenant, stream) == [(f"/Users/{found['early']}", 1)]


def test_while_one_worker_takes_a_change_no_other_takes_it_or_what_follows(initech):
    tenant, stream = initech
    one, other = create(tenant, "one"), create(tenant, "other")
    change(tenant, one, "Guide")

    def worker(reached, go_on):
        with in_tenant(tenant):
            assert len(outbox.take(stream, clock.now(), 1)) == 1
            reached.set()
            go_on.wait(WITHIN)

    with elsewhere(worker):
        assert taken(tenant, stream) == [(f"/Users/{other}", 1)]
        assert taken(tenant, stream) == []

    # The worker that died has written nothing down: its rows are there again.
    assert taken(tenant, stream) == [(f"/Users/{one}", 1)]
    assert taken(tenant, stream) == [(f"/Users/{one}", 2)]


def test_a_held_delivery_is_no_work_for_others_until_its_time_is_over(initech):
    tenant, stream = initech
    create(tenant, "one")
    with in_tenant(tenant):
        [held] = outbox.take(stream, clock.now(), 10)
        outbox.hold([held.id], clock.now() + timedelta(minutes=1))

    assert (with_work(), taken(tenant, stream)) == ([], [])

    later = clock.now() + timedelta(minutes=2)
    assert with_work(later) == [tenant]
    with in_tenant(tenant):
        assert [each.id for each in outbox.take(stream, later, 10)] == [held.id]


def test_the_registry_knows_which_tenants_send_whatever_a_copied_schema_brought(initech):
    tenant, stream = initech
    assert schemas.sending() == [tenant]
    with in_tenant(tenant):
        EventStream.objects.filter(pk=stream).update(deleted_at=clock.now())
    assert schemas.sending() == [tenant]

    delivery.register_senders()
    assert schemas.sending() == []

    with in_tenant(tenant):
        EventStream.objects.filter(pk=stream).update(deleted_at=None)
    delivery.register_senders()
    assert schemas.sending() == [tenant]


def test_a_change_that_is_rolled_back_tells_nobody(initech):
    tenant, stream = initech

    with in_tenant(tenant):
        resources.create(USER, user("x"), requester(tenant))
        transaction.set_rollback(True)

    assert taken(tenant, stream) == []


def test_tenants_with_work_are_found_without_entering_one(initech):
    tenant, stream = initech
    create(tenant, "one")

    with statements() as executed:
        assert with_work() == [tenant]

    # The tenants that send, which of them have the table, and where the condition holds.
    assert len(executed) == 3
    taken(tenant, stream)
    assert with_work() == []


def test_delayed_deliveries_and_suspended_tenants_are_no_work(initech):
    tenant, _ = initech
    create(tenant, "one")
    with in_tenant(tenant):
        Delivery.objects.update(retry_at=clock.now() + timedelta(minutes=1))

    assert with_work() == []
    later = clock.now() + timedelta(minutes=2)
    assert with_work(later) == [tenant]

    lifecycle.suspend(tenant)
    assert with_work(later) == []


@pytest.mark.parametrize(
    "change", ["RENAME TO scim_delivery_former", "RENAME COLUMN held_until TO held_former"]
)
def test_a_schema_that_has_not_been_migrated_yet_is_passed_over(change, initech, real_tenants):
    """One that is behind holds up no other tenant's events."""
    tenant, _ = initech
    hooli = real_tenants[1]
    streams.created(hooli, DeliveryMethod.PUSH, endpoint="http://127.0.0.1:9/")
    for each in (tenant, hooli):
        create(each, "one")
    with schemas.alone(tenant.schema_name), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE scim_delivery {change}")

    assert with_work() == [hooli]


@pytest.mark.parametrize("state", ["paused", "deleted"])
def test_a_stream_that_is_paused_or_deleted_while_others_are_served_gets_nothing_more(
    state, initech
):
    tenant, stream = initech
    create(tenant, "late")
    gone = {"deleted_at": clock.now()} if state == "deleted" else {"state": state}
    with in_tenant(tenant):
        EventStream.objects.filter(pk=stream).update(**gone)

    with in_tenant(tenant):
        assert outbox.take(stream, clock.now(), 10) == []
