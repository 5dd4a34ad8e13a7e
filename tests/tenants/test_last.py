"""The last statement of a request's transaction, which goes in one message with COMMIT."""

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from tenants.backend.base import execute, execute_last, execute_late, may_end
from tenants.current import in_tenant, in_tenant_from_start
from tests.support import database, meeting
from tests.support.waiting import WITHIN

ADD = "INSERT INTO last VALUES (%s) RETURNING current_schema(), length(word)"
PUT = ADD.replace("%s", "$1")  # as it is sent


@pytest.fixture
def table(real_tenants):
    """A table in each of two tenants."""
    connection.close()  # nothing is prepared
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE last (word text UNIQUE)")
    yield real_tenants
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("DROP TABLE last")


def in_request(tenant):
    """The transaction of a request that may end early."""
    return in_tenant_from_start(tenant, ends_with_last=True)


def add(tenant, *words):
    """Add words in a request, the last of them at its end."""
    with in_request(tenant):
        for word in words[:-1]:
            execute_late(ADD, [word])
        return execute_last(ADD, [words[-1]])


def add_and_break(tenant):
    """Add a word in a request whose last statement ends its connection."""
    with in_request(tenant):
        execute_late(ADD, ["a"])
        execute_last("SELECT pg_terminate_backend(pg_backend_pid())")


def words(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT word FROM last ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


def test_it_goes_in_one_message_with_commit(table):
    initech, hooli = table

    assert database.round_trips(lambda: add(initech, "a")) == 2
    assert database.sent(lambda: add(hooli, "b"))[1:] == [f"{PUT}; COMMIT"]
    assert (words(initech), words(hooli)) == (["a"], ["b"])
    assert connection.get_autocommit()


def test_its_rows_are_those_of_the_tenant(table):
    assert [add(tenant, "abc") for tenant in table] == [[("t_initech", 3)], [("t_hooli", 3)]]


def test_it_is_prepared(table):
    prepared = database.prepared(lambda: [add(table[0], str(number)) for number in range(3)])

    assert (prepared.count(PUT), prepared.count("COMMIT")) == (3, 3)
    assert words(table[0]) == list("012")


def test_late_statements_go_before_it_in_its_message(table):
    initech, hooli = table
    found = []

    def work():
        with in_request(initech):
            late = execute_late(ADD, ["early"])
            found.append(execute_last("SELECT word FROM last"))
            found.append(late.rows())

    assert database.round_trips(work) == 2
    assert found == [[("early",)], [("t_initech", 5)]]
    assert (words(initech), words(hooli)) == (["early"], [])


def test_a_late_statement_of_another_tenant_stays_there(table):
    initech, hooli = table
    with in_request(initech):
        connection.set_tenant(hooli)
        execute_late(ADD, ["theirs"])
        connection.set_tenant(initech)
        execute_last(ADD, ["ours"])

    assert (words(initech), words(hooli)) == (["ours"], ["theirs"])


def test_its_error_leaves_nothing_of_the_transaction(table):
    add(table[0], "a")
    for repeated in (["a"], ["b", "a"], ["a", "b"]):
        with pytest.raises(IntegrityError, match="last_word_key"):
            add(table[0], *repeated)

    assert words(table[0]) == ["a"]
    add(table[0], "b")
    assert words(table[0]) == ["a", "b"]


def test_after_its_error_the_transaction_is_only_rolled_back(table):
    add(table[0], "a")
    with in_request(table[0]):
        with pytest.raises(IntegrityError):
            execute_last(ADD, ["a"])
        with pytest.raises(DatabaseError, match="aborted"):
            execute("SELECT 1")
        transaction.set_rollback(True)

    assert words(table[0]) == ["a"]


def test_a_refused_commit_is_its_error(table):
    with in_tenant(table[0]), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE last DROP CONSTRAINT last_word_key")
        cursor.execute("ALTER TABLE last ADD UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    add(table[0], "a")

    with pytest.raises(IntegrityError, match="last_word_key"):
        add(table[0], "a")

    assert words(table[0]) == ["a"]


def test_a_further_statement_begins_another_transaction_in_the_same_tenant(table):
    with in_request(table[0]):
        execute_last(ADD, ["a"])
        assert execute("SELECT current_schema(), word FROM last") == [("t_initech", "a")]
        execute(ADD, ["b"])
        transaction.set_rollback(True)

    assert words(table[0]) == ["a"]


def test_only_the_transaction_of_such_a_request_may_end(table):
    with in_request(table[0]):
        assert may_end()
        with transaction.atomic(savepoint=False):
            assert may_end()
        with transaction.atomic():
            assert not may_end()
    with in_tenant_from_start(table[0]):
        assert not may_end()
    with in_tenant(table[0]), in_request(table[0]):
        assert not may_end()


def test_a_large_value_is_sent_whole(table):
    assert add(table[0], "a" * 2000, "b" * 2000) == [("t_initech", 2000)]
    with in_request(table[0]):
        assert execute_last("SELECT length(%s::text)", ["x" * 20_000_000]) == [(20_000_000,)]


def test_a_connection_that_breaks_meanwhile_is_replaced_in_the_next_request(table):
    with pytest.raises(OperationalError):
        add_and_break(table[0])

    assert words(table[0]) == []
    add(table[0], "b")
    assert words(table[0]) == ["b"]


def test_other_threads_work_while_it_is_waited_for(table):
    with meeting.starting() as start:
        with in_tenant(table[0]):
            execute(ADD, ["a"])
            waiting = start(add, table[0], "a")
            meeting.until_waiting(1)
            transaction.set_rollback(True)

        assert waiting.result(WITHIN) == [("t_initech", 1)]

    assert words(table[0]) == ["a"]
