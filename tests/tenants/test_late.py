"""Statements that go in one message with COMMIT: late ones, and the hot one of a transaction that only reads."""

import pytest
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from scim.api.authentication import TokenMiddleware
from tenants.backend.base import OutsideTransactionError, execute, execute_late
from tenants.backend.statements import Hot
from tenants.current import (
    current_tenant,
    in_public,
    in_tenant,
    in_tenant_from_start,
    within,
)
from tests.support import database

ADD = "INSERT INTO late VALUES (%s) RETURNING current_schema(), word"
PATH = 'SET LOCAL search_path = "t_initech", "public"'


@pytest.fixture(autouse=True)
def _nothing_is_prepared(real_tenants):
    """The message that first executes a statement prepares it, too."""
    connection.close()


@pytest.fixture
def table(real_tenants):
    """A table in each of two tenants."""
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE late (word text UNIQUE)")
    yield real_tenants
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("DROP TABLE late")


def add(word):
    return execute_late(ADD, [word])


def add_and_fail(word, failing="SELECT 1 / 0"):
    """A late statement, and one by which it, or itself, fails."""
    add(word)
    execute(failing)


def words(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT word FROM late ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


def test_it_goes_in_one_message_with_commit(table):
    initech, hooli = table
    added = []

    def work():
        with in_tenant(initech):
            assert execute("SELECT 1") == [(1,)]
            added.append(add("a"))
            assert execute("SELECT count(*) FROM late") == [(0,)]

    *_, last = database.sent(work)

    assert last.startswith("INSERT INTO late")
    assert last.endswith("; COMMIT")
    assert added[0].rows() == [("t_initech", "a")]
    assert (words(initech), words(hooli)) == (["a"], [])


def test_a_hot_statement_goes_with_what_begins_its_transaction(table):
    def work():
        with in_tenant(table[0]):
            assert execute("SELECT %s::text, current_schema()::text", ["é"]) == [("é", "t_initech")]
            add("a")

    first, last = database.sent(work)

    assert first == f"BEGIN; {PATH}; SELECT $1::text, current_schema()::text"
    assert last.endswith("; COMMIT")
    assert words(table[0]) == ["a"]


def test_one_that_fails_there_leaves_nothing_behind(table):
    with pytest.raises(DatabaseError, match="division by zero"), in_tenant(table[0]):
        execute("SELECT 1 / 0")

    with in_tenant(table[1]):
        assert execute("SELECT current_schema()::text") == [("t_hooli",)]


def test_alone_it_is_the_whole_transaction_in_one_message(table):
    def work():
        with in_tenant(table[0]):
            add("a")

    [message] = database.sent(work)

    assert message.startswith(f"BEGIN; {PATH}; INSERT INTO late")
    assert message.endswith("; COMMIT")
    assert words(table[0]) == ["a"]


def test_it_is_prepared_when_it_first_comes(table):
    def work(number):
        with in_tenant(table[0]):
            execute("SELECT 1")
            add(str(number))

    prepared = database.prepared(lambda: [work(number) for number in range(2)])

    assert prepared[-2:] == [ADD.replace("%s", "$1"), "COMMIT"]
    assert words(table[0]) == list("01")


def test_a_cursor_finds_it_done(table):
    with in_tenant(table[0]):
        late = add("a")
        with connection.cursor() as cursor:
            cursor.execute("SELECT word FROM late")
            assert cursor.fetchall() == [("a",)]

    assert late.rows() == [("t_initech", "a")]
    assert words(table[0]) == ["a"]


def test_asking_for_its_rows_sends_it(table):
    with in_tenant(table[0]):
        assert add("a").rows() == [("t_initech", "a")]

    assert words(table[0]) == ["a"]


def test_it_stays_in_its_tenant_when_another_schema_is_entered(table):
    initech, hooli = table
    with in_tenant(initech):
        add("a")
        with in_tenant(hooli):
            add("b")
            assert execute("SELECT current_schema()") == [("t_hooli",)]
        with in_public():
            assert execute("SELECT current_schema()") == [("public",)]
        add("c")

    assert (words(initech), words(hooli)) == (["a", "c"], ["b"])


def test_after_a_rollback_it_was_never_there(table):
    with in_tenant(table[0]):
        late = add("a")
        transaction.set_rollback(True)
    with in_tenant(table[0]):
        execute("SELECT 1")

    assert words(table[0]) == []
    with pytest.raises(RuntimeError, match="rolled back"):
        late.rows()


def test_a_rollback_to_a_savepoint_takes_it_back(table):
    with in_tenant(table[0]):
        add("a")
        with pytest.raises(DatabaseError), transaction.atomic():
            add_and_fail("b")
        with transaction.atomic():
            add("c")
            transaction.set_rollback(True)

    assert words(table[0]) == ["a"]


def test_its_error_is_that_of_the_commit_which_commits_nothing(table):
    with in_tenant(table[0]):
        add("a")
    with pytest.raises(IntegrityError), in_tenant(table[0]):
        add_and_fail("a", "INSERT INTO late VALUES ('b')")

    assert words(table[0]) == ["a"]
    assert connection.get_autocommit()


def test_it_is_not_sent_in_a_transaction_that_has_failed(table):
    with pytest.raises(DatabaseError), in_tenant(table[0]):
        add_and_fail("a", "SELECT nothing")

    assert words(table[0]) == []


def test_outside_a_transaction_it_is_refused(table):
    connection.set_tenant(table[0])
    try:
        with pytest.raises(OutsideTransactionError):
            add("a")
    finally:
        connection.set_schema_to_public()


def test_a_transaction_that_only_reads_ends_with_its_hot_statement(real_tenants):
    def work():
        with in_tenant_from_start(real_tenants[0], only_reads=True):
            assert execute("SELECT current_schema()") == [("t_initech",)]

    begun, read = database.sent(work)

    assert begun.startswith("BEGIN; SELECT xmin::text FROM public.tenants_tenant ")
    assert begun.endswith(f"; {PATH}")  # so that the question is planned once for all tenants
    assert read.endswith("; COMMIT")
    assert connection.get_autocommit()


def test_a_further_statement_of_it_begins_another_transaction_in_the_same_tenant(real_tenants):
    def work():
        with in_tenant_from_start(real_tenants[0], only_reads=True):
            execute("SELECT 1")
            assert execute("SELECT current_schema()") == [("t_initech",)]
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                assert cursor.fetchall() == [("t_initech",)]

    _, _, second, third, *rest = database.sent(work)

    assert second == f"BEGIN; {PATH}; SELECT current_schema(); COMMIT"
    assert third == f"BEGIN; {PATH}"
    assert rest == ["SELECT current_schema()", "COMMIT"]


def test_a_part_of_a_transaction_ends_nothing(table):
    with in_tenant_from_start(table[0], only_reads=True):
        with transaction.atomic():
            add("a")
            execute("SELECT 1")
        transaction.set_rollback(True)

    assert words(table[0]) == []


def test_a_request_after_one_that_only_reads_is_one_transaction_again(table):
    with in_tenant_from_start(table[0], only_reads=True):
        execute("SELECT 1")
    with in_tenant_from_start(table[0]):
        execute("INSERT INTO late VALUES ('a')")
        transaction.set_rollback(True)

    assert words(table[0]) == []


@pytest.mark.parametrize(
    ("method", "only_reads"),
    [("GET", True), ("HEAD", True), ("POST", False), ("PATCH", False), ("DELETE", False)],
)
def test_get_and_head_only_read(method, only_reads):
    request = RequestFactory().generic(method, "/scim/Users")

    assert TokenMiddleware(lambda _: HttpResponse()).only_reads(request) is only_reads


def _first_of_a_path():
    execute("SELECT %s::text", ["\0"])


def _late():
    execute_late("SELECT %s::text", ["\0"])
    connection.send_late()


def _first_that_cannot_be_read():
    execute("SELECT 'infinity'::timestamptz")


def _begins_that_cannot_be_read():
    with in_tenant_from_start(current_tenant(), Hot("SELECT 'infinity'::timestamptz")):
        pytest.fail("A request has begun.")


@pytest.mark.parametrize(
    "fails", [_first_of_a_path, _late, _first_that_cannot_be_read, _begins_that_cannot_be_read]
)
def test_a_value_that_cannot_be_sent_or_read_leaves_the_next_statement_in_its_own_tenant(
    fails, real_tenants
):
    initech, hooli = real_tenants
    with in_tenant(initech):
        execute("SELECT 1")
        with within(hooli):
            with pytest.raises(DataError):
                fails()

            assert execute("SELECT current_schema()::text") == [("t_hooli",)]
        assert execute("SELECT current_schema()::text") == [("t_initech",)]


def test_rows_that_cannot_be_read_leave_a_new_transaction_in_its_own_tenant(real_tenants):
    initech, hooli = real_tenants
    with in_tenant(hooli):
        execute("SELECT 1")
    with in_tenant(initech):
        with pytest.raises(DataError):
            _first_that_cannot_be_read()

        with within(hooli):
            assert execute("SELECT current_schema()::text") == [("t_hooli",)]
