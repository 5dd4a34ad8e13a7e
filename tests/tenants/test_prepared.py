"""Hot statements are planned once, whatever tenant is entered, and not at all behind a pooler."""

import uuid
from contextlib import suppress
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from functools import partial
from types import SimpleNamespace

import psycopg
import pytest
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError
from psycopg.pq import ConnStatus, ExecStatus

from config.database import LIMITS
from tenants import outages
from tenants.backend import statements
from tenants.backend.base import (
    OutsideTransactionError,
    ask,
    execute,
    execute_late,
    violated_constraint,
)
from tenants.backend.statements import Hot, reading
from tenants.current import in_tenant, in_tenant_from_start
from tests.support import database

SCHEMA = "SELECT current_schema(), count(*) FROM accounts_account WHERE email <> %s"


@pytest.fixture
def own_connection(db):
    """A connection that has executed nothing yet."""
    own = connections.create_connection("default")
    own.settings_dict = deepcopy(connection.settings_dict)
    yield own
    own.close()


def prepared(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall() if text in statement]


def test_a_statement_is_prepared_by_the_message_that_first_executes_it(acme):
    text = f"SELECT %s::text AS n{uuid.uuid4().hex}"
    found = []
    with in_tenant(acme):
        execute("SELECT 1")
        for number in "12":
            assert (
                database.round_trips(lambda each=number: found.extend(execute(text, [each]))) == 1
            )
            assert len(prepared(text[-30:])) == 1

    assert found == [("1",), ("2",)]


def test_a_prepared_statement_is_planned_once_for_all_values(acme):
    text = (
        f"SELECT no FROM generate_series(1, 9) AS n{uuid.uuid4().hex}(no) WHERE no = ANY(%s::int[])"
    )
    with in_tenant(acme):
        for number in range(1, 13):
            wanted = list(range(number))
            assert execute(text, [wanted]) == [(each,) for each in wanted if 0 < each < 10]

        [plans] = execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE position(%s IN statement) > 0",
            [text[:60]],
        )

    assert plans == (12, 0)


def test_a_prepared_statement_reads_the_tenant_that_is_entered(acme, globex):
    for tenant in (acme, globex) * 2:
        with in_tenant(tenant):
            [(schema, _)] = execute(SCHEMA, ["nobody"])
            assert schema == tenant.schema_name


def test_each_tenant_has_plans_of_its_own(acme, globex):
    """PostgreSQL plans anew what another tenant has executed in between."""
    text = f"SELECT count(*) AS n{uuid.uuid4().hex} FROM accounts_account"
    for tenant in (acme, globex) * 8:
        with in_tenant(tenant):
            execute(text)

    with in_tenant(acme):
        plans = execute(
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement = %s"
            " ORDER BY prepare_time",
            [text],
        )
    assert plans == [(8,), (8,)]


def test_it_reads_a_schema_that_was_made_anew_under_the_same_name(real_tenants):
    found = []
    for times in (8, 1):
        umbrella = database.present_or_created("umbrella", "Umbrella")
        with in_tenant(umbrella):
            found += [execute(SCHEMA, ["nobody"])[0] for _ in range(times)]
        database.drop(umbrella)

    assert set(found) == {("t_umbrella", 0)}


def test_a_statement_stays_prepared_after_a_rollback(real_tenants):
    """A refused request is rolled back; the next ones need not plan anew."""
    tenant, text = real_tenants[0], f"SELECT %s::text AS n{uuid.uuid4().hex}"
    with in_tenant(tenant):
        execute(text, ["x"])
    with pytest.raises(ZeroDivisionError), in_tenant(tenant):
        1 / execute(f"SELECT 0 AS n{uuid.uuid4().hex}")[0][0]

    assert len(prepared(text[-30:])) == 1
    with in_tenant(tenant):
        assert execute(text, ["y"]) == [("y",)]
    assert len(prepared(text[-30:])) == 1


def test_a_statement_of_the_beginning_is_prepared_for_each_tenant(real_tenants):
    mark = f"n{uuid.uuid4().hex}"
    first = Hot(
        f"SELECT current_schema(), %s::text, count(*) AS {mark} FROM accounts_account", ["'$1"]
    )
    found = []
    for number, tenant in enumerate(real_tenants, 1):
        for _ in range(2):
            with in_tenant_from_start(tenant, first) as rows:
                found.append((rows, tenant.schema_name))
            assert len(prepared(mark)) == number

    assert all(rows == [(schema, "'$1", 0)] for rows, schema in found)


def test_a_statement_that_its_message_prepares_stays_so_though_it_fails(real_tenants):
    text = f"SELECT 1 / (%s - 5) AS n{uuid.uuid4().hex}"
    connection.close()
    for number in (5, 5, 6):
        with suppress(DataError), in_tenant(real_tenants[0]):
            execute(text, [number])

    assert len(prepared(text[-30:])) == 1


def test_a_statement_that_its_message_cannot_prepare_is_its_error_and_prepared_later(real_tenants):
    initech = real_tenants[0]
    text = f"SELECT count(*) AS n{uuid.uuid4().hex} FROM prepared"
    connection.close()

    def count():
        with in_tenant(initech):
            return execute(text)

    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE prepared (word text)")
    assert count() == [(0,)]
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE prepared RENAME TO elsewhere")
    for _ in range(2):
        with pytest.raises(ProgrammingError, match='"prepared" does not exist'):
            count()
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO prepared")

    assert [count(), count()] == [[(0,)], [(0,)]]
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("DROP TABLE prepared")


def test_a_connection_that_is_ended_in_a_message_says_why(real_tenants):
    with (
        pytest.raises(OperationalError, match="terminating connection due to administrator"),
        in_tenant(real_tenants[0]),
    ):
        execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with in_tenant(real_tenants[0]):
        assert execute("SELECT 1") == [(1,)]


def test_a_read_goes_ahead_at_the_first_coming_of_a_tenant_too(real_tenants):
    mark = f"n{uuid.uuid4().hex}"
    first, read = (Hot(f"SELECT '{each}' AS {mark}") for each in ("token", "resource"))

    def ask(tenant):
        begun = in_tenant_from_start(tenant, first, only_reads=True, foreseen=reading(read))
        with begun as rows:
            assert (rows, execute(*read)) == ([("token",)], [("resource",)])

    connection.close()
    connection.ensure_connection()
    for tenant in real_tenants * 2:
        assert database.round_trips(partial(ask, tenant)) == 1

    texts = [first.statement, read.statement]
    assert sorted(prepared(mark)) == sorted(texts * 2)


def test_a_statement_of_the_beginning_that_fails_begins_no_transaction(real_tenants):
    with (
        pytest.raises(ProgrammingError),
        in_tenant_from_start(real_tenants[0], Hot("SELECT nought")),
    ):
        pytest.fail("A transaction has begun.")

    assert connection.get_autocommit()
    assert prepared("SELECT nought") == []


def test_a_plan_whose_columns_have_changed_is_made_anew(real_tenants):
    """As after a migration: one execution fails, in its transaction, and the next one plans."""
    tenant, text = real_tenants[0], "SELECT changing.* FROM changing WHERE one <> %s"
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (one text)")
        execute(text, ["x"])
        cursor.execute("ALTER TABLE changing ADD COLUMN other text")
        with pytest.raises(NotSupportedError), transaction.atomic():
            execute(text, ["x"])
        cursor.execute("INSERT INTO changing VALUES ('a', 'b')")

        assert execute(text, ["x"]) == [("a", "b")]
        cursor.execute("DROP TABLE changing")


def test_plans_that_are_outdated_do_not_stay_on_the_connection(real_tenants):
    """Each would take the memory of a plan, for as long as the connection is open."""
    mark = f"n{uuid.uuid4().hex}"
    texts = [f"SELECT changing.*, {number} AS {mark} FROM changing" for number in range(3)]
    found = []
    with in_tenant(real_tenants[0]), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (one text)")
        for column in ("two", "three"):
            for text in texts:
                execute(text)
            found.append(sorted(set(prepared(mark))) == texts)
            cursor.execute(f"ALTER TABLE changing ADD COLUMN {column} text")
            with pytest.raises(NotSupportedError), transaction.atomic():
                execute(texts[0])
        for text in texts:
            execute(text)
        found.append(sorted(prepared(mark)) == texts)
        cursor.execute("DROP TABLE changing")

    assert found == [True, True, True]


def test_only_the_latest_statements_stay_prepared(acme, monkeypatch):
    monkeypatch.setattr(statements, "_MOST", 300)
    mark = uuid.uuid4().hex[:12]
    with in_tenant(acme):
        for number in range(401):
            assert execute(f"SELECT %s::text AS n{mark}_{number}_", ["x"]) == [("x",)]
            execute(f"SELECT %s::text AS n{mark}_0_", ["x"])

        left = prepared(mark)
        assert 200 < len(left) <= 300
        assert {f"SELECT $1::text AS n{mark}_{each}_" for each in (0, 400)} < set(left)
        assert f"SELECT $1::text AS n{mark}_1_" not in left
        assert execute(f"SELECT %s::text AS n{mark}_1_", ["y"]) == [("y",)]


def test_a_statement_that_comes_often_in_one_message_is_prepared_once(real_tenants):
    """As the log's rows of a bulk request whose operations are refused."""
    text = f"SELECT current_schema()::text, %s::int AS n{uuid.uuid4().hex}"
    found = []

    def work(tenant):
        with in_tenant(tenant):
            late = [execute_late(text, [number]) for number in range(20)]
        found.append([row for each in late for row in each.rows()])

    assert database.round_trips(lambda: [work(tenant) for tenant in real_tenants]) == 2
    assert found == [[(each.schema_name, n) for n in range(20)] for each in real_tenants]
    assert len(prepared(text[-30:])) == 2  # each tenant's


def test_statements_that_cannot_be_removed_now_are_later(real_tenants, monkeypatch):
    """In a transaction that has failed PostgreSQL removes none, and each takes the memory of a plan."""
    mark = f"n{uuid.uuid4().hex}"
    connection.close()
    with in_tenant(real_tenants[0]):
        for number in range(5):
            execute(f"SELECT {number} AS {mark}")
    monkeypatch.setattr(statements, "_ROOM", 5)
    monkeypatch.setattr(statements, "_MOST", 5)

    with suppress(ProgrammingError, InternalError), in_tenant(real_tenants[0]):
        with suppress(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("SELECT nothing")
        execute("SELECT 1")

    with in_tenant(real_tenants[0]):
        assert execute(f"SELECT 6 AS {mark}") == [(6,)]
        execute("SELECT 7")
    known = connection.statements._names
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        assert {name.encode() for (name,) in cursor.fetchall()} == set(known.values())


def test_a_question_outside_of_a_transaction_is_asked_again_if_its_plan_is_outdated(real_tenants):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.changing (word varchar(5))")
        try:
            found = [ask("SELECT word FROM public.changing")]
            cursor.execute("ALTER TABLE public.changing ALTER word TYPE varchar(6)")
            found.append(ask("SELECT word FROM public.changing"))
        finally:
            cursor.execute("DROP TABLE public.changing")

    assert found == [[], []]


def test_parameters_stand_by_name_or_in_order(acme):
    with in_tenant(acme):
        assert execute(
            "SELECT %(b)s::int - %(a)s::int, %(b)s::int %% 2", {"a": 1, "b": 3, "c": 0}
        ) == [(2, 1)]
        assert execute("SELECT %s::text, %s::int, '%%'", ["a", 2]) == [("a", 2, "%")]
        with pytest.raises(TypeError, match="has 1 parameters, not 2"):
            execute("SELECT %s::text", ["a", "b"])


def test_moments_come_back_in_utc(acme):
    moment = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with in_tenant(acme):
        [(found,)] = execute("SELECT %s::timestamptz", [moment])

    assert (found, found.utcoffset()) == (moment, timedelta(0))


def test_it_needs_a_transaction_and_raises_what_django_raises(acme):
    with pytest.raises(ProgrammingError), in_tenant(acme):
        execute("SELECT nothing")
    with pytest.raises(IntegrityError), in_tenant(acme):
        execute("INSERT INTO accounts_account (email) VALUES (%s)", ["x@acme.example"])


def test_a_broken_transaction_is_not_asked(acme):
    with in_tenant(acme):
        connection.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            execute("SELECT 1")
        connection.set_rollback(False)


def test_outside_a_transaction_it_is_refused(real_tenants):
    connection.set_tenant(real_tenants[0])
    try:
        with pytest.raises(OutsideTransactionError):
            execute("SELECT 1")
    finally:
        connection.set_schema_to_public()


def test_a_connection_prepares_as_the_setting_says(own_connection):
    own_connection.ensure_connection()
    assert own_connection.statements.prepares
    own_connection.close()

    del own_connection.settings_dict["OPTIONS"]["prepare_threshold"]
    own_connection.ensure_connection()
    assert not own_connection.statements.prepares


@pytest.fixture
def pooled(own_connection, monkeypatch):
    """A connection for which PgBouncer made up a process id; it limits its time."""
    connection.ensure_connection()
    seen = SimpleNamespace(backend_pid=0, parameter_status=lambda _: "UTC")
    monkeypatch.setattr(type(connection.connection), "info", seen)
    own_connection.settings_dict["LIMITS"] = LIMITS
    own_connection.ensure_connection()
    return own_connection


def limits(of):
    with of.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(LIMITS)])
        return {name: int(milliseconds) for name, milliseconds in cursor.fetchall()}


IN_FORCE = {
    "statement_timeout": 8_000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 15_000,
}


def test_a_connection_of_its_own_has_its_limits_for_good(own_connection):
    own_connection.settings_dict["LIMITS"] = LIMITS

    assert limits(own_connection) == IN_FORCE


def test_behind_a_pooler_nothing_is_prepared(pooled):
    assert pooled.is_pooled
    assert not pooled.statements.prepares


def test_behind_a_pooler_the_limits_go_with_each_transaction(pooled):
    """A session there is everybody's: what one client sets for it another would meet."""
    assert set(limits(pooled).values()) == {0}

    pooled.set_autocommit(False)
    assert limits(pooled) == IN_FORCE
    pooled.rollback()
    assert limits(pooled) == IN_FORCE
    pooled.rollback()
    pooled.set_autocommit(True)
    assert set(limits(pooled).values()) == {0}


def test_behind_a_pooler_a_transaction_begins_with_the_rows_that_are_asked_for(
    pooled, acme, globex
):
    """The statements that limit the time come before them in the same message."""
    begun = []
    for tenant in (acme, globex):
        pooled.set_tenant(tenant)
        pooled.set_autocommit(False)
        question, first = Hot("SELECT %s::int", [7]), Hot("SELECT current_schema()::text")
        begun += [pooled.begin(question, first), limits(pooled)]
        pooled.rollback()
        pooled.set_autocommit(True)

    assert begun == [
        ([(7,)], [("t_acme",)]),
        IN_FORCE,
        ([(7,)], [("t_globex",)]),
        IN_FORCE,
    ]


def test_behind_a_pooler_a_cursor_of_the_server_ends_with_its_transaction(pooled):
    with pooled.chunked_cursor() as cursor:
        assert not isinstance(cursor.cursor, psycopg.ServerCursor)

    pooled.set_autocommit(False)
    with pooled.chunked_cursor() as cursor:
        assert isinstance(cursor.cursor, psycopg.ServerCursor)
    pooled.set_autocommit(True)


def test_a_pooler_that_gives_true_process_ids_is_a_setting(own_connection):
    own_connection.settings_dict["POOLER"] = "transaction"
    own_connection.ensure_connection()

    assert own_connection.is_pooled
    assert not own_connection.statements.prepares


def test_an_error_that_no_server_has_sent_is_an_outage_and_ends_the_connection(
    own_connection,
):
    """libpq calls a connection open that failed while it sent: PostgreSQL said that it ends, and ended."""
    own_connection.ensure_connection()
    session = own_connection.connection.pgconn
    result = session.make_empty_result(ExecStatus.FATAL_ERROR)

    with pytest.raises(psycopg.OperationalError) as raised:
        own_connection.statements._checked(result)

    assert outages.is_disconnection(raised.value)
    assert session.status == ConnStatus.BAD


def test_a_violated_constraint_is_named(acme):
    with pytest.raises(IntegrityError) as refused, in_tenant(acme):
        execute("INSERT INTO accounts_account (email) VALUES (%s)", ["x@acme.example"])

    assert violated_constraint(refused.value) is None  # no constraint, but a column without a value


@pytest.mark.parametrize("name", ["scim_resource_unique_key", "scim_resource_unique_key_102132"])
def test_a_constraint_of_a_shard_is_named_without_its_number(name):
    """Citus has the name in the message alone, in an error of another class at times."""
    error = InternalError()
    error.__cause__ = psycopg.errors.InternalError_(
        f'duplicate key value violates unique constraint "{name}"\nDETAIL: ...'
    )

    assert violated_constraint(error) == "scim_resource_unique_key"


def test_an_error_without_a_cause_names_no_constraint():
    assert violated_constraint(IntegrityError()) is None
