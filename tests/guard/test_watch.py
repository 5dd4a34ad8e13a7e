"""The guard's look: after the commit, once a second, and without an effect on the answer."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection, transaction

from config.flushing import Flusher
from scim.guard import undoing, watch
from tenants import resolution, traffic
from tenants.current import in_public
from tenants.models import Alarm, Guard
from tests.support import bulk, clients, people
from tests.support.payloads import replace, user
from tests.support.waiting import wait_until

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
PEOPLE = 12


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def at_initech(real_tenants, clock):
    """The provisioning service of a tenant whose transactions are really committed."""
    initech, _ = real_tenants
    watch.forget()
    resolution.forget()
    with transaction.atomic():
        token = clients.mint(initech)
        undoing.change_guard(people.COMMAND, initech, Guard(share_percent=30, least=3, holds=True))
    yield clients.ScimClient(initech, token)
    watch.forget()
    traffic.forget()


@pytest.fixture
def paths(at_initech):
    made = [bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(PEOPLE)]
    return [f"/Users/{bulk.id_of(each)}" for each in bulk.send(at_initech, *made)]


def leave(client, path):
    return client.patch(path, replace("active", "False")).status


def alarms(tenant):
    with in_public():
        return [(alarm.users, alarm.refused) for alarm in Alarm.objects.filter(tenant=tenant)]


class Failing:
    """A database that fails in the guard's statements as long as it is told to."""

    def __init__(self):
        self.is_failing = True
        self.failures = 0

    def __call__(self, execute, sql, params, many, context):
        if self.is_failing and str(sql).startswith('SELECT "tenants_alarm"'):
            self.failures += 1
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)


def test_a_database_that_fails_in_a_look_changes_no_answer_and_the_look_is_repeated(
    at_initech, paths, clock, caplog
):
    tenant, failing = at_initech.tenant, Failing()
    with connection.execute_wrapper(failing):
        statuses = [leave(at_initech, path) for path in paths[:4]]
        failing.is_failing = False

        watch.look_at_pending()

    assert statuses == [200] * 4
    assert failing.failures
    assert alarms(tenant) == [(4, 0)]
    assert "The guard could not look at the departures" in caplog.text


def test_a_look_is_made_once_a_second(at_initech, paths, clock, statements):
    tenant = at_initech.tenant
    statuses = [leave(at_initech, path) for path in paths[:4]]
    with statements() as executed:
        held = [leave(at_initech, path) for path in paths[4:7]]

    looks = [each for each in executed if "GROUP BY user_id" in each]
    assert (statuses, held, looks) == ([200] * 4, [429] * 3, [])
    assert alarms(tenant) == [(4, 3)]


def test_departures_while_an_alarm_is_open_are_counted_a_second_later(at_initech, paths, clock):
    tenant = at_initech.tenant
    with transaction.atomic():
        undoing.change_guard(people.COMMAND, tenant, Guard(share_percent=30, least=3, holds=False))
    statuses = [leave(at_initech, path) for path in paths[:6]]
    at_once = alarms(tenant)
    watch.look_at_pending(only_due=True)
    too_early = alarms(tenant)
    clock.shift(timedelta(seconds=2))
    watch.look_at_pending(only_due=True)

    assert statuses == [200] * 6
    assert (at_once, too_early, alarms(tenant)) == ([(4, 0)], [(4, 0)], [(6, 0)])


def test_a_clock_that_is_set_back_does_not_keep_the_guard_from_looking(at_initech, paths, clock):
    leave(at_initech, paths[0])
    clock.shift(-3600)
    statuses = [leave(at_initech, path) for path in paths[1:6]]

    assert 429 in statuses


def test_the_thread_of_a_worker_makes_the_looks_that_no_request_makes(at_initech, paths, clock):
    tenant, failing = at_initech.tenant, Failing()
    with connection.execute_wrapper(failing):
        for path in paths[:4]:
            leave(at_initech, path)
    clock.shift(10)
    flusher = Flusher(watch.LOOKS)
    flusher.start()
    try:
        wait_until(lambda: alarms(tenant) == [(4, 0)], "the look is made")
    finally:
        flusher.stop()


def test_a_worker_that_ends_looks_before(at_initech, paths, clock):
    tenant, failing = at_initech.tenant, Failing()
    with connection.execute_wrapper(failing):
        for path in paths[:4]:
            leave(at_initech, path)
    flusher = Flusher(watch.LOOKS)
    flusher.start()

    flusher.stop()

    assert alarms(tenant) == [(4, 0)]
