"""Threads of a serving process share their sessions: each transaction has the one that knows its schema."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from unittest.mock import patch

import pytest
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from config import gunicorn, starting
from scim.problems import ledger
from tenants import clock, deadlines
from tenants.backend import connecting, sessions
from tenants.backend.base import execute, execute_last, execute_late
from tenants.backend.sessions import Session, Sessions
from tenants.backend.statements import Hot, reading
from tenants.current import in_public, in_tenant, in_tenant_from_start
from tenants.models import Problem, Tenant
from tests.support import database
from tests.support.waiting import WITHIN, wait_until

WHERE = Hot("SELECT current_schema()::text, pg_backend_pid()")


@pytest.fixture
def threads(shared):
    """`threads(count, function)`: the results of as many threads that run it at the same time."""

    def run(count, function):
        meeting = threading.Barrier(count)

        def meet():
            meeting.wait(WITHIN)
            return function()

        with ThreadPoolExecutor(count) as pool:
            return [each.result(WITHIN) for each in [pool.submit(meet) for _ in range(count)]]

    return run


class Holder(threading.Thread):
    """A thread in a transaction of a tenant, until it is told to end it."""

    def __init__(self, tenant):
        super().__init__(daemon=True)
        self._tenant = tenant
        self._begun, self._told = threading.Event(), threading.Event()
        self.server = None

    def run(self):
        with in_tenant(self._tenant):
            [(_, self.server)] = execute(*WHERE)
            self._begun.set()
            self._told.wait(WITHIN)

    def __enter__(self):
        self.start()
        assert self._begun.wait(WITHIN)
        return self

    def __exit__(self, *_):
        self._told.set()
        self.join(WITHIN)


def refused(tenant):
    now = clock.now()
    return ledger.Refused(
        tenant.id, "User:nobody", "user.email-missing", "User", None, "modify", 400, "id", now, now
    )


def where(tenant):
    with in_tenant(tenant):
        [row] = execute(*WHERE)
        return row


def server(tenant):
    """The process id of the session that a transaction of the tenant has."""
    return where(tenant)[1]


def in_a_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(WITHIN)


@pytest.fixture
def homes(real_tenants, shared):
    """The process ids of two sessions, each of which knows the schema of one tenant."""
    initech, hooli = real_tenants
    with Holder(initech) as one, Holder(hooli) as other:
        pass
    return one.server, other.server


def test_a_transaction_has_the_session_that_has_been_in_its_schema(real_tenants, homes, shared):
    initech, hooli = real_tenants

    assert len(set(homes)) == 2
    for tenant, home in zip((initech, hooli) * 3, homes * 3, strict=True):
        assert server(tenant) == home
        assert in_a_thread(partial(server, tenant)) == home
    assert sorted(sorted(each.visited) for each in shared) == [["t_hooli"], ["t_initech"]]


def test_a_thread_has_no_session_between_two_transactions(real_tenants, shared):
    initech, hooli = real_tenants

    first = server(initech)
    assert connection.connection is None
    assert in_a_thread(partial(server, hooli)) == first  # there are no more than are needed at once
    assert len(shared) == 1


def test_a_request_begins_though_the_plans_of_all_idle_sessions_are_outdated(
    real_tenants, shared, monkeypatch
):
    """Each finds it out for itself, and another thread may take the one that has."""
    initech, _ = real_tenants
    first = Hot("SELECT word FROM changing")
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (word varchar(5))")
    with Holder(initech), Holder(initech), Holder(initech):
        pass
    monkeypatch.setattr(Sessions, "_knowing", lambda self, _: self._idle[0] if self._idle else None)

    def begun():
        with in_tenant_from_start(initech, first) as rows:
            return rows

    found = [begun() for _ in shared]
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changing ALTER word TYPE varchar(6)")

    assert [*found, begun()] == [[]] * 4
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("DROP TABLE changing")


def test_as_many_are_opened_as_threads_have_a_transaction_at_once(real_tenants, shared):
    initech, _ = real_tenants

    with Holder(initech) as one, Holder(initech) as other:
        assert len({one.server, other.server, server(initech)}) == 3

    assert {server(initech) for _ in range(9)} < {
        each.connection.info.backend_pid for each in shared
    }
    assert len(shared) == 3


def test_a_schema_that_no_session_knows_goes_to_the_one_that_knows_fewest(
    real_tenants, homes, shared
):
    initech, _ = real_tenants
    with in_public():
        operator = Tenant.objects.get(is_operator=True)
    with in_tenant(initech), in_tenant(operator):  # a transaction of two tenants
        assert execute(*WHERE)[0][1] == homes[0]
    for each in shared:
        each.visited.discard(operator.schema_name)
        if each.connection.info.backend_pid == homes[0]:
            each.visited.add("t_another")

    assert server(operator) == homes[1]


def test_schemas_are_spread_over_as_many_sessions_as_a_worker_has_threads(
    real_tenants, shared, monkeypatch
):
    """One request at a time would leave all of them to one session, which forgets them when it is full."""
    initech, hooli = real_tenants
    monkeypatch.setattr(sessions, "FEW_SCHEMAS", 1)

    assert server(initech) != server(hooli)
    assert gunicorn.threads == sessions.SPREAD

    monkeypatch.setattr(sessions, "SPREAD", 2)
    with in_public():
        operator = Tenant.objects.get(is_operator=True)
    assert server(operator) in (server(initech), server(hooli))


def test_the_session_that_knows_the_schema_is_waited_for(real_tenants, homes, monkeypatch):
    initech, _ = real_tenants
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", WITHIN)

    with ThreadPoolExecutor(1) as pool, Holder(initech) as holder:
        assert holder.server == homes[0]
        waiting = pool.submit(server, initech)
        with suppress(TimeoutError):
            waiting.result(0.2)
        assert not waiting.done()
        holder.__exit__()
        assert waiting.result(WITHIN) == homes[0]


def test_no_transaction_waits_longer_than_another_session_takes_to_know_the_schema(
    real_tenants, homes
):
    initech, _ = real_tenants

    with Holder(initech) as holder:
        assert holder.server == homes[0]
        assert server(initech) == homes[1]


def test_a_tenant_that_is_waited_for_often_gets_another_session(monkeypatch):
    """Else its requests would wait for each other's round trips to PostgreSQL for as long as they come."""
    now, found = [1000.0], Sessions()
    home, other = (Session(None, None, None, (), {name}) for name in ("t_initech", "t_hooli"))
    found.add(home)
    found.add(other)
    home.schema = "t_initech"

    def given_back_in_time(_seconds):
        now[0] += 0.009
        found.give_back(home)

    def kept(_seconds):
        now[0] += 0.009

    def take(wait):
        monkeypatch.setattr(found._changed, "wait", wait)
        return found.take("t_initech")

    monkeypatch.setattr(sessions, "monotonic", lambda: now[0])
    found.give_back(other)
    waited = [take(given_back_in_time), take(given_back_in_time), take(kept)]
    at_once = take(pytest.fail)
    now[0] += 60
    later = take(given_back_in_time)

    assert waited == [home, home, other]
    assert at_once is None  # a further one is to be opened
    assert later is home


@pytest.mark.parametrize(("many", "turns"), [(1, 9), (3, 1)])
def test_behind_other_tenants_each_waits_once_all_sessions_know_many(many, turns, monkeypatch):
    """Of a thousand tenants each would soon be known by all sessions, which forget what they know when full."""
    monkeypatch.setattr(sessions, "MANY_SCHEMAS", many)
    now, found = [1000.0], Sessions()
    home, other = (Session(None, None, None, (), {name}) for name in ("t_initech", "t_hooli"))
    home.visited.add("t_hooli")
    found.add(home)
    found.give_back(home)
    found.add(other)
    found.give_back(other)

    def given_back_in_time(_seconds):
        now[0] += 0.049
        found.give_back(home)

    def kept(_seconds):
        now[0] += 0.049

    def take_behind_another(wait):
        home.schema = "t_hooli"
        found._idle[:] = [other]
        monkeypatch.setattr(found._changed, "wait", wait)
        return found.take("t_initech")

    monkeypatch.setattr(sessions, "monotonic", lambda: now[0])

    assert [take_behind_another(given_back_in_time) for _ in range(turns)] == [home] * turns
    assert take_behind_another(kept if turns > 1 else pytest.fail) is other


def test_threads_of_two_tenants_never_meet_in_a_transaction(real_tenants, threads):
    initech, hooli = real_tenants
    mine = threading.local()

    def work():
        for number in range(60):
            tenant = (initech, hooli)[number % 2]
            with in_tenant(tenant):
                [(schema, process)] = execute(*WHERE)
                mine.process = process
                assert schema == tenant.schema_name
                with connection.cursor() as cursor:
                    cursor.execute("SELECT current_schema(), pg_backend_pid()")
                    assert cursor.fetchone() == (tenant.schema_name, mine.process)
        return True

    assert threads(4, work) == [True] * 4


def test_prepared_statements_come_with_their_session(real_tenants, shared):
    initech, _ = real_tenants

    for _ in range(10):
        in_a_thread(partial(server, initech))

    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [WHERE.statement]
        )
        assert cursor.fetchone() == (1,)


def test_the_registry_is_read_on_any_session_which_is_given_back_for_a_transaction(
    real_tenants, homes
):
    _, hooli = real_tenants
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] in homes

    assert server(hooli) == homes[1]
    assert connection.connection is None


def test_a_read_that_went_ahead_leaves_its_session_to_others_at_once(real_tenants, shared):
    initech, hooli = real_tenants
    first, read = Hot("SELECT 1"), Hot("SELECT current_schema()::text")

    def begun():
        return in_tenant_from_start(initech, first, only_reads=True, foreseen=reading(read))

    with begun() as rows:
        assert rows == [(1,)]
        assert connection.connection is None
        with Holder(hooli):
            assert execute(*read) == [("t_initech",)]
        assert execute(*WHERE)[0][0] == "t_initech"  # in a transaction of its own
        assert connection.connection is None
    assert len(shared) == 1


def test_a_write_that_ended_its_transaction_leaves_its_session_to_others(real_tenants, shared):
    initech, hooli = real_tenants
    heard = []

    with in_tenant_from_start(initech, ends_with_last=True):
        transaction.on_commit(lambda: heard.append(server(hooli)))
        late = execute_late("SELECT 2")
        assert execute_last("SELECT 3") == [(3,)]
        assert (late.rows(), connection.connection) == ([(2,)], None)

    assert len(heard) == 1
    assert len(shared) == 1


def test_a_transaction_that_was_rolled_back_leaves_its_session_to_others(real_tenants, shared):
    initech, hooli = real_tenants

    with pytest.raises(DatabaseError), in_tenant(initech):
        execute("SELECT 1 / 0")

    assert connection.connection is None
    assert where(hooli)[0] == "t_hooli"
    assert len(shared) == 1


def test_a_session_that_broke_in_a_transaction_is_gone_with_those_that_were_idle(
    real_tenants, homes, shared
):
    """A restart of PostgreSQL, which ended one, has ended all."""
    initech, hooli = real_tenants

    def break_all():
        execute(*WHERE)
        for each in shared:
            database.cut(each.connection)
        execute(*WHERE)

    with pytest.raises(OperationalError), in_tenant(initech):
        break_all()

    assert len(shared) == 0
    assert (where(initech)[0], where(hooli)[0]) == ("t_initech", "t_hooli")


def test_a_thread_begins_anew_after_a_transaction_in_which_its_session_was_closed(
    real_tenants, shared
):
    initech, hooli = real_tenants

    for _ in range(2):
        with in_tenant(initech):
            execute(*WHERE)
            connection.close()
        with in_public(), connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            assert cursor.fetchone() == ("public",)
        with in_tenant(initech):
            execute(*WHERE)
            connection.close()
        assert where(hooli)[0] == "t_hooli"
    assert len(shared) == 1


def test_a_request_that_was_cut_off_takes_no_session_of_others(real_tenants, shared):
    """Its time is over, however soon another session would answer."""
    initech, hooli = real_tenants
    cuts, is_one_idle = [], threading.Event()
    stuck = server(initech)

    def late():
        with deadlines.watched(time.monotonic() - deadlines.MOST_SECONDS):
            with suppress(OperationalError), in_tenant(initech):
                execute("SELECT pg_sleep(60)")
            assert is_one_idle.wait(WITHIN)
            with pytest.raises(OperationalError, match="time of the request is over"):
                where(initech)
        return where(initech)[0]

    def cut():
        now = time.monotonic()
        cuts.extend(deadlines.look(now + after) for after in (0, deadlines.STUCK_SECONDS))
        return any(cuts)

    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(late)
        try:
            wait_until(cut, "the request is cut off")
            wait_until(lambda: not len(shared), "its session is closed")
            with in_tenant(hooli):
                execute("SELECT pg_terminate_backend(%s)", [stuck])
        finally:
            is_one_idle.set()

        assert request.result(WITHIN) == "t_initech"


def test_a_session_that_has_been_in_the_most_schemas_is_closed_after_its_commit_is_told(
    real_tenants, shared, monkeypatch
):
    initech, hooli = real_tenants
    monkeypatch.setattr(connecting, "MOST_SCHEMAS", 2)
    heard = []

    first = server(initech)
    with in_tenant(hooli):
        transaction.on_commit(lambda: heard.append(True))
        assert execute(*WHERE) == [("t_hooli", first)]

    assert heard == [True]
    assert len(shared) == 0
    assert server(hooli) != first


def test_a_cursor_is_refused_once_its_session_was_given_back(real_tenants, shared):
    """Another tenant may be there by now."""
    initech, hooli = real_tenants
    with in_tenant(initech):
        cursor = connection.cursor()
        cursor.execute("SELECT 1")

    with Holder(hooli), in_tenant(initech):
        with pytest.raises(InterfaceError, match="Open a new cursor"):
            cursor.execute("SELECT 2")
        assert execute(*WHERE)[0][0] == "t_initech"


def test_a_cursor_of_the_server_sends_nothing_after_its_transaction(real_tenants, shared):
    """A loop that was left keeps it until it is collected, perhaps while another tenant is there."""
    initech, hooli = real_tenants
    with in_tenant(initech):
        rows = Tenant.objects.order_by("pk").iterator(chunk_size=1)
        next(rows)

    with in_tenant(hooli):
        execute(*WHERE)
        with pytest.raises(InterfaceError, match="closed"):
            next(rows)
        rows.close()
        assert execute(*WHERE)[0][0] == "t_hooli"  # its transaction has not failed


def test_a_connection_to_a_pooler_stays_with_its_thread(real_tenants, shared):
    initech, _ = real_tenants

    with patch.dict(connection.settings_dict, POOLER="transaction"):
        assert where(initech)[0] == "t_initech"

        assert connection.connection is not None
        assert len(shared) == 0
        connection.close()


def test_one_that_is_idle_is_taken_where_postgresql_has_no_room_for_another(
    real_tenants, homes, shared, monkeypatch
):
    monkeypatch.setattr(sessions, "FEW_SCHEMAS", 1)
    with in_public():
        operator = Tenant.objects.get(is_operator=True)

    monkeypatch.setattr(connecting, "ROOM_SECONDS", 0.1)
    with database.most_connections(2):
        schema, process = where(operator)
        assert (schema, process in homes) == (operator.schema_name, True)
        refused = pytest.raises(OperationalError, match="too many connections")
        with Holder(operator), Holder(operator), refused:
            where(operator)
    assert len(shared) == 2


def test_one_that_others_have_is_waited_for_where_postgresql_has_no_room_for_another(
    real_tenants, threads, shared, monkeypatch
):
    initech, hooli = real_tenants
    monkeypatch.setattr(connecting, "ROOM_SECONDS", WITHIN)
    taking = iter((initech, hooli) * 4)

    def work():
        tenant = next(taking)
        with in_tenant(tenant):
            [(schema, _)] = execute(*WHERE)
            time.sleep(0.01)  # the others come meanwhile
            return schema == tenant.schema_name

    server(initech)
    with database.most_connections(1):
        assert threads(8, work) == [True] * 8
    assert len(shared) == 1


def test_nobody_waits_for_sessions_that_have_ended(monkeypatch):
    """A restart, which ended the last one, has ended all."""
    found = Sessions()
    session = Session(None, None, None, ())
    found.add(session)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(found.take_any, "", WITHIN)
        wait_until(lambda: found._waiting == 1, "it waits")
        found.discard(session)
        assert waiting.result(WITHIN) is None


def test_a_session_that_is_taken_where_there_is_no_room_is_known_to_be_in_its_schema():
    """Others of the schema wait behind it no longer than behind any of their own."""
    found = Sessions()
    session = Session(None, None, None, ())
    found.add(session)
    found.give_back(session)

    assert found.take_any("t_acme", 0.0) is session
    assert session.schema == "t_acme"


def test_a_process_keeps_no_more_than_are_counted_for_it(real_tenants, shared):
    """Background threads may have one each at the same time as requests."""
    initech, hooli = real_tenants

    with ExitStack() as stack:
        for number in range(8):
            stack.enter_context(Holder((initech, hooli)[number % 2]))
        assert len(shared) == 8

    needed = starting.Serving(processes=1, threads=gunicorn.threads).connections
    assert len(shared) == needed - starting.OTHERS == 5
    assert (where(initech)[0], where(hooli)[0]) == ("t_initech", "t_hooli")


def test_problems_are_written_on_whatever_sessions_their_transactions_have(
    real_tenants, homes, shared, monkeypatch
):
    """Between two transactions of a thread another one may take the session of the first."""
    initech, hooli = real_tenants
    monkeypatch.setattr(Sessions, "_knowing", lambda self, _: self._idle[0] if self._idle else None)
    for tenant in (initech, hooli):
        ledger._ledger.refuse(refused(tenant))
        ledger._ledger.succeed(tenant.id, ["User:nobody"], clock.now())

    ledger.flush()

    with in_public():
        found = Problem.objects.filter(tenant__in=real_tenants).order_by("tenant__name")
        assert [(each.tenant.name, each.reason) for each in found] == [
            ("Hooli", "user.email-missing"),
            ("Initech", "user.email-missing"),
        ]
