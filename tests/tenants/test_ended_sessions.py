"""A session that ends while it is idle is noticed by nobody: a transaction that has not begun begins on another."""

import select
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from tenants import resolution
from tenants.backend.base import execute, execute_last, execute_late
from tenants.backend.connecting import ConnectingWrapper
from tenants.backend.statements import Hot, reading
from tenants.current import in_public, in_tenant, in_tenant_from_start
from tenants.deadlines import Line
from tenants.models import Tenant
from tests.support import database
from tests.support.waiting import WITHIN
from tests.tenants.test_sessions import Holder, server

SCHEMA = Hot("SELECT current_schema()::text")
WRITE = "INSERT INTO written (id) VALUES (%s) RETURNING current_schema()::text"


@pytest.fixture(params=["of the process", "of the thread"])
def idle(request, real_tenants):
    """`idle()`: the session that the next transaction takes, which has served before and is idle now."""
    is_shared = request.param == "of the process"
    shared = request.getfixturevalue("shared") if is_shared else None
    with in_tenant(real_tenants[0]), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE written (id uuid PRIMARY KEY)")

    def find():
        if not is_shared:
            return connection.connection
        [session] = shared
        return session.connection

    return find


@pytest.fixture
def hidden(monkeypatch):
    """Nothing tells that a session has ended before something is sent, as if it ended just then."""
    monkeypatch.setattr(Line, "has_ended", False)


def terminate(session):
    """Have PostgreSQL end the session, and return when it has said so."""
    with database.beside() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
    assert select.select([session.fileno()], [], [], WITHIN)[0]


def by_cursor(tenant, made):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(WRITE, [made])
        return cursor.fetchone()[0]


def by_savepoint(tenant, made):
    with in_tenant(tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITE, [made])
        return cursor.fetchone()[0]


def by_hot_statement(tenant, made):
    with in_tenant(tenant):
        return execute(WRITE, [made])[0][0]


def with_commit(tenant, made):
    """A line of the log, say: all of its transaction goes in one message."""
    with in_tenant(tenant):
        late = execute_late(WRITE, [made])
    return late.rows()[0][0]


def late_before_another(tenant, made):
    with in_tenant(tenant):
        execute_late(WRITE, [made])
        return execute(*SCHEMA)[0][0]


def from_start(tenant, made):
    with in_tenant_from_start(tenant, SCHEMA, ends_with_last=True) as rows:
        assert execute_last(WRITE, [made]) == rows
        return rows[0][0]


def once_more(tenant, made):
    """A request that only reads has ended its transaction, and reads on in another one."""
    with in_tenant(tenant):
        execute(WRITE, [made])
    with in_tenant_from_start(tenant, SCHEMA, only_reads=True, foreseen=reading(SCHEMA)):
        return execute(*SCHEMA)[0][0]


def in_chunks(tenant, made):
    with in_tenant(tenant):
        names = [each.custom_domain for each in Tenant.objects.iterator(chunk_size=1)]
        assert tenant.custom_domain in names
        return execute(WRITE, [made])[0][0]


KINDS = (
    by_cursor,
    by_savepoint,
    by_hot_statement,
    with_commit,
    late_before_another,
    from_start,
    once_more,
    in_chunks,
)
# What is sent first is the beginning, and nothing that must not be sent twice.
BEGINNINGS = (by_cursor, by_savepoint, from_start, in_chunks)


def written(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM written")
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", [database.cut, terminate])
def test_no_transaction_notices_that_its_session_ended_while_it_was_idle(
    kind, end, idle, real_tenants
):
    initech, _ = real_tenants
    made = uuid4()
    ended = idle()
    end(ended)

    assert kind(initech, made) == "t_initech"

    assert ended.closed
    assert written(initech) == [made]


@pytest.mark.parametrize("kind", BEGINNINGS)
@pytest.mark.usefixtures("hidden")
def test_a_beginning_is_sent_again_where_nobody_could_tell(kind, idle, real_tenants):
    initech, _ = real_tenants
    made = uuid4()
    terminate(idle())

    assert kind(initech, made) == "t_initech"

    assert written(initech) == [made]


@pytest.mark.parametrize("kind", [by_hot_statement, with_commit])
@pytest.mark.usefixtures("hidden")
def test_nothing_beyond_the_beginning_is_sent_twice(kind, idle, real_tenants):
    """It may have been done: for the driver a session that ends before is like one that ends after."""
    initech, _ = real_tenants
    terminate(idle())

    with pytest.raises(OperationalError):
        kind(initech, uuid4())

    connection.close_if_unusable_or_obsolete()
    assert written(initech) == []


def look_for_a_host():
    with in_public():
        return Tenant.objects.get(custom_domain="initech").custom_domain


def resolve():
    resolution.forget()
    return resolution.find_tenant(f"initech.{settings.BASE_DOMAIN}").custom_domain


@pytest.mark.parametrize("look", [look_for_a_host, resolve])
def test_the_registry_is_read_whatever_became_of_the_session(look, idle):
    terminate(idle())

    assert look() == "initech"


@pytest.mark.usefixtures("hidden")
def test_a_host_is_looked_for_again_where_nobody_could_tell(idle):
    terminate(idle())

    assert resolve() == "initech"


def test_a_restart_that_ends_all_of_them_is_noticed_by_nobody(real_tenants, shared):
    initech, hooli = real_tenants
    with Holder(initech), Holder(hooli):
        pass
    for each in shared:
        database.cut(each.connection)

    assert look_for_a_host() == "initech"

    assert {server(initech), server(hooli)} == {each.connection.info.backend_pid for each in shared}
    assert len(shared) == 1


def test_one_that_ended_alone_takes_no_other_with_it(real_tenants, shared):
    initech, hooli = real_tenants
    with Holder(initech) as one, Holder(hooli) as other:
        pass
    for each in list(shared):
        if each.connection.info.backend_pid == other.server:
            terminate(each.connection)

    assert server(hooli) == server(initech) == one.server

    assert [each.connection.info.backend_pid for each in shared] == [one.server]


def test_a_cursor_that_was_opened_before_goes_on_with_the_session_that_there_is(idle, real_tenants):
    initech, _ = real_tenants

    with in_tenant(initech), connection.cursor() as cursor:
        terminate(idle() if connection.connection is None else connection.connection)
        cursor.execute(*SCHEMA)
        assert cursor.fetchall() == [("t_initech",)]
        cursor.execute(*SCHEMA)
        assert cursor.fetchall() == [("t_initech",)]


@pytest.mark.usefixtures("hidden", "idle")
def test_a_session_that_has_never_served_is_not_tried_again(real_tenants, monkeypatch):
    """It is new: the trouble is not that it was idle, and nothing says that another one fares better."""
    initech, _ = real_tenants
    connection.close()
    if sessions := connection.settings_dict.get("SESSIONS"):
        sessions.close_idle()
    opened = []

    def ending(self, parameters):
        opened.append(True)
        session = get_new_connection(self, parameters)
        terminate(session)
        return session

    get_new_connection = ConnectingWrapper.get_new_connection
    with monkeypatch.context() as patched:
        patched.setattr(ConnectingWrapper, "get_new_connection", ending)
        with pytest.raises(OperationalError):
            by_cursor(initech, uuid4())

    assert opened == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_passes_for_done_where_no_other_session_is_to_be_had(
    kind, idle, real_tenants, monkeypatch
):
    initech, _ = real_tenants
    database.cut(idle())

    def refused(*_):
        raise psycopg.OperationalError("PostgreSQL has no room.")

    with monkeypatch.context() as patched:
        patched.setattr(ConnectingWrapper, "get_new_connection", refused)
        with pytest.raises(OperationalError, match="has no room"):
            kind(initech, uuid4())
        with pytest.raises(OperationalError):
            swallowed(initech)

    assert written(initech) == []


def swallowed(tenant):
    with in_tenant(tenant):
        with suppress(OperationalError):
            execute(WRITE, [uuid4()])
        execute_late(WRITE, [uuid4()])


def test_the_session_that_takes_the_place_of_one_that_ended_knows_the_schema(real_tenants, shared):
    """Or the tenant's next transaction would look for another one."""
    initech, hooli = real_tenants
    server(initech)
    [ended] = shared
    terminate(ended.connection)
    server(initech)
    [successor] = shared

    assert successor is not ended
    assert successor.visited == {"t_initech"}
    server(hooli)
    assert successor.visited == {"t_initech", "t_hooli"}
