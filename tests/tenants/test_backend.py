"""The search path: set per transaction, re-issued after whatever reverts it, never left behind."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django_tenants.utils import tenant_context

from accounts.models import Account
from tenants.backend import base, connecting
from tenants.backend.base import AbortedTransactionError, OutsideTransactionError
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support import database


@pytest.fixture
def sent():
    """`sent(function)`: what the function had the driver send to PostgreSQL."""

    return database.sent


def schema():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def add(email):
    return Account.objects.create(email=email, role="admin")


def fail_after(work):
    work()
    raise ZeroDivisionError


def emails():
    return [account.email for account in Account.objects.order_by("email")]


def test_a_transaction_costs_begin_with_one_set_local_and_commit(real_tenants, sent):
    initech, _ = real_tenants

    def work():
        with in_tenant(initech):
            schema()
            schema()

    assert sent(work) == [
        'BEGIN; SET LOCAL search_path = "t_initech", "public"',
        "SELECT current_schema()",
        "SELECT current_schema()",
        "COMMIT",
    ]


def test_a_connection_that_has_visited_the_most_schemas_is_replaced(real_tenants, monkeypatch):
    """Its PostgreSQL process remembers the tables of each schema, and forgets none."""
    initech, hooli = real_tenants
    connection.close()
    monkeypatch.setattr(connecting, "MOST_SCHEMAS", 2)

    def server(tenant):
        with in_tenant(tenant):
            schema()
            return connection.connection.info.backend_pid

    first = server(initech)

    assert server(initech) == first
    assert server(hooli) == first  # which is its last
    second = server(hooli)
    assert second != first
    assert server(hooli) == second


def test_reading_the_registry_needs_no_transaction_and_sets_nothing(real_tenants, sent):
    assert sent(schema) == ["SELECT current_schema()"]


def test_opening_a_transaction_without_a_statement_sends_nothing(real_tenants, sent):
    initech, _ = real_tenants

    def work():
        with in_tenant(initech):
            pass

    assert sent(work) == []


def test_entering_another_tenant_inside_sets_the_path_and_coming_back_sets_it_again(
    real_tenants, sent
):
    initech, hooli = real_tenants
    seen = []

    def work():
        with in_tenant(initech):
            seen.append(schema())
            with in_tenant(hooli):
                seen.append(schema())
            seen.append(schema())

    paths = [statement for statement in sent(work) if "SET LOCAL" in statement]

    assert seen == ["t_initech", "t_hooli", "t_initech"]
    assert paths == [
        'BEGIN; SET LOCAL search_path = "t_initech", "public"',
        'SET LOCAL search_path = "t_hooli", "public"',
        'SET LOCAL search_path = "t_initech", "public"',
    ]


def test_a_statement_on_a_tenant_outside_a_transaction_is_refused_and_not_sent(real_tenants, sent):
    initech, _ = real_tenants

    def work():
        connection.set_tenant(initech)
        try:
            with pytest.raises(OutsideTransactionError) as refused:
                Account.objects.count()
        finally:
            connection.set_schema_to_public()
        assert str(refused.value) == (
            "A statement on the schema 't_initech' needs a transaction: "
            "use tenants.current.in_tenant() or transaction.atomic()."
        )

    assert sent(work) == []


def test_nothing_is_left_on_the_session_for_who_gets_it_next(real_tenants):
    """A pooler in transaction mode hands the session to another client after each transaction."""
    initech, _ = real_tenants
    before = schema()

    with in_tenant(initech):
        assert schema() == "t_initech"
    with pytest.raises(ZeroDivisionError), in_tenant(initech):
        fail_after(schema)

    assert (before, schema()) == ("public", "public")


def test_a_path_that_was_set_inside_a_savepoint_is_not_believed_after_its_rollback(acme, globex):
    """django-tenants 3.14 read another tenant's rows here (its issue 1262)."""

    def go_to_globex_and_fail():
        connection.set_tenant(globex)
        fail_after(schema)

    with in_tenant(acme):
        assert schema() == "t_acme"
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            go_to_globex_and_fail()
        assert schema() == "t_globex"


def test_the_path_holds_after_a_rollback_to_a_savepoint(acme, globex):
    with in_tenant(acme):
        add("tara@acme.example")
        with pytest.raises(ZeroDivisionError), in_tenant(globex):
            fail_after(lambda: add("tom@globex.example"))
        assert emails() == ["tara@acme.example"]
        with in_tenant(globex):
            assert emails() == []


def test_the_path_holds_after_an_integrity_error_inside_a_savepoint(acme, globex):
    with in_tenant(globex):
        add("tom@globex.example")
    with in_tenant(acme):
        add("tara@acme.example")
        for _ in range(3):
            with pytest.raises(IntegrityError), transaction.atomic():
                add("tara@acme.example")
            assert schema() == "t_acme"
            with pytest.raises(IntegrityError), in_tenant(globex):
                add("tom@globex.example")
            assert emails() == ["tara@acme.example"]


def test_the_path_of_a_tenant_entered_inside_a_failed_savepoint_is_not_believed(acme, globex):
    """The tenant is left while the transaction cannot take a SET: it is set at the next chance."""
    tom = Account(email="tom@globex.example")

    with in_tenant(acme):
        with pytest.raises(IntegrityError), transaction.atomic(), tenant_context(globex):
            Account.objects.bulk_create([tom, Account(email=tom.email)])
        assert schema() == "t_acme"


def test_a_raw_rollback_does_not_leave_the_path_behind(real_tenants):
    """`connection.connection` is the driver's: what happens there, Django does not hear of."""
    initech, hooli = real_tenants
    with in_tenant(initech):
        assert schema() == "t_initech"
        connection.connection.rollback()
        assert schema() == "t_initech"
    with in_tenant(hooli):
        assert schema() == "t_hooli"


def test_a_cursor_that_is_kept_follows_the_tenant(acme, globex):
    with connection.cursor() as cursor:
        seen = []
        for tenant in (acme, globex, acme):
            with in_tenant(tenant):
                cursor.execute("SELECT current_schema()")
                seen.append(cursor.fetchone()[0])

    assert seen == ["t_acme", "t_globex", "t_acme"]


def test_a_server_side_cursor_reads_the_entered_tenant(acme, globex):
    with in_tenant(acme):
        add("tara@acme.example")
        assert [account.email for account in Account.objects.iterator()] == ["tara@acme.example"]
    with in_tenant(globex):
        assert list(Account.objects.iterator()) == []


def test_a_tenant_whose_schema_is_missing_is_an_error_and_never_the_registry(db):
    ghost = Tenant(custom_domain="ghost", name="Ghost", schema_name="t_ghost")

    with pytest.raises(DatabaseError, match=r"accounts_account.* does not exist"), in_tenant(ghost):
        Account.objects.exists()


@pytest.mark.parametrize("name", ["pg_temp", "information_schema", "T_acme", 't"x', "t_", "t" * 42])
def test_no_other_schema_can_be_entered(name, db):
    other = Tenant(schema_name=name)

    with pytest.raises(ValueError, match="cannot be the schema of a tenant"), in_tenant(other):
        schema()


def test_a_transaction_that_failed_is_not_committed_silently(real_tenants):
    """PostgreSQL answers such a COMMIT with a rollback and no error: a lost write, acknowledged."""
    initech, _ = real_tenants

    def swallow_an_error():
        add("ina@initech.example")
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    with pytest.raises(AbortedTransactionError), in_tenant(initech):
        swallow_an_error()

    with in_tenant(initech):
        assert emails() == []
        add("ina@initech.example")


def test_a_connection_that_breaks_in_a_transaction_is_replaced(real_tenants):
    initech, _ = real_tenants

    def be_cut_off():
        schema()
        database.cut(connection.connection)
        schema()

    with pytest.raises(DatabaseError), in_tenant(initech):
        be_cut_off()

    connection.close_if_unusable_or_obsolete()  # what Django does before each request
    with in_tenant(initech):
        assert schema() == "t_initech"


def test_a_new_thread_starts_at_the_registry(real_tenants):
    initech, _ = real_tenants
    seen = []

    def run():
        seen.append((connection.schema_name, schema()))
        connection.close()

    with in_tenant(initech):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert seen == [("public", "public")]


def test_the_registry_can_be_entered_from_a_tenant(acme):
    with in_tenant(acme):
        with in_public():
            assert schema() == "public"
        assert schema() == "t_acme"


def test_the_time_of_statements_is_added_up_however_they_are_sent(acme):
    """Django's cursors, hot statements, and those that go with the beginning of a transaction."""
    with in_tenant(acme), connection.cursor() as cursor:
        before = base.seconds()
        cursor.execute("SELECT pg_sleep(0.05)")
        by_cursor = base.seconds() - before
        base.execute("SELECT pg_sleep(%s)", [0.05])
        hot = base.seconds() - before - by_cursor
        connection.begin(base.Hot("SELECT pg_sleep(%s)", [0.05]))
        with_beginning = base.seconds() - before - by_cursor - hot

    assert all(0.05 <= each < 60 for each in (by_cursor, hot, with_beginning))


def test_the_time_of_a_statement_that_fails_counts_too(acme):
    with in_tenant(acme):
        before = base.seconds()
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / (0 * length(pg_sleep(0.05)::text))")

    assert base.seconds() - before >= 0.05
