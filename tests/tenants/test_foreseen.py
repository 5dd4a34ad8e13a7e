"""The statement of a read that is known before: it goes in the message that begins the transaction."""

from unittest.mock import patch

import pytest
from django.db import connection

from tenants.backend.base import execute
from tenants.backend.statements import Hot, reading
from tenants.current import TenantChangedError, in_public, in_tenant, in_tenant_from_start
from tenants.models import Tenant
from tests.support import database

FIRST = Hot("SELECT 'token'::text")
READ = Hot("SELECT current_schema()::text, %s::int", [7])
COUNT = Hot("SELECT count(*) FROM foreseen")


@pytest.fixture(autouse=True)
def table(real_tenants):
    """A table in each of two tenants."""
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE foreseen (word text)")
    yield
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute("DROP TABLE foreseen")


def ask(tenant, foreseen, *asked, only_reads=True):
    """The rows of the statements that are asked, by default of the one that is foreseen."""
    ahead = reading(foreseen) if foreseen else None
    begun = in_tenant_from_start(tenant, FIRST, only_reads=only_reads, foreseen=ahead)
    with begun as first:
        assert first == [("token",)]
        return [execute(*each) for each in asked or [foreseen]]


def test_it_goes_in_one_message_with_the_beginning_and_the_end(real_tenants):
    messages = database.sent(lambda: ask(real_tenants[0], READ))

    assert len(messages) == 1
    assert messages[0].startswith("BEGIN; SELECT xmin")
    assert messages[0].endswith("; COMMIT")
    assert ask(real_tenants[0], READ) == [[("t_initech", 7)]]


def test_another_statement_is_executed_as_ever(real_tenants):
    other = Hot(READ.statement, [8])

    assert ask(real_tenants[0], READ, other) == [[("t_initech", 8)]]


def test_its_rows_are_given_once_and_asked_for_anew_afterwards(real_tenants):
    assert ask(real_tenants[0], COUNT, COUNT, COUNT) == [[(0,)], [(0,)]]
    messages = database.sent(lambda: ask(real_tenants[0], COUNT, COUNT, COUNT))
    assert [message.endswith("; COMMIT") for message in messages] == [True, True]


def test_no_other_tenant_gets_its_rows(real_tenants):
    initech, hooli = real_tenants

    with (
        in_tenant_from_start(initech, FIRST, only_reads=True, foreseen=reading(READ)),
        in_tenant(hooli),
    ):
        assert execute(*READ) == [("t_hooli", 7)]
    for tenant, schema in ((initech, "t_initech"), (hooli, "t_hooli")) * 2:
        assert ask(tenant, READ) == [[(schema, 7)]]


def test_rows_that_nobody_asked_for_are_forgotten_with_the_transaction(real_tenants):
    initech = real_tenants[0]
    with in_tenant_from_start(initech, FIRST, only_reads=True, foreseen=reading(COUNT)):
        pass
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("INSERT INTO foreseen VALUES ('a')")

    with in_tenant(initech):
        assert execute(*COUNT) == [(1,)]


def test_rows_of_a_tenant_that_was_found_changed_are_forgotten(real_tenants):
    """The request may end there, as it does if the tenant was suspended."""
    initech = real_tenants[0]
    with in_public():
        changed = Tenant.objects.get(pk=initech.pk)
    changed.revision = "0"
    with pytest.raises(TenantChangedError):
        ask(changed, COUNT)
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("INSERT INTO foreseen VALUES ('a')")

    assert ask(initech, None, COUNT) == [[(1,)]]


def test_nothing_goes_ahead_in_a_transaction_that_may_write(real_tenants):
    messages = database.sent(lambda: ask(real_tenants[0], READ, only_reads=False))

    assert not messages[0].endswith("; COMMIT")
    assert messages[-1] == "COMMIT"


def test_behind_a_pooler_it_goes_ahead_without_being_prepared(real_tenants):
    connection.close()
    with patch.dict(connection.settings_dict, POOLER="transaction"):
        connection.ensure_connection()
        found = []
        messages = [
            database.sent(lambda each=tenant: found.append(ask(each, READ)))
            for tenant in real_tenants * 2
        ]
    connection.close()

    assert [len(each) for each in messages] == [1] * 4
    assert found == [[[("t_initech", 7)]], [[("t_hooli", 7)]]] * 2


def test_a_plan_that_is_outdated_is_made_anew(real_tenants):
    star = Hot("SELECT * FROM foreseen")
    ask(real_tenants[0], star)
    with in_tenant(real_tenants[0]), connection.cursor() as cursor:
        cursor.execute("INSERT INTO foreseen VALUES ('a')")
        cursor.execute("ALTER TABLE foreseen ADD COLUMN more int DEFAULT 1")

    assert ask(real_tenants[0], star) == [[("a", 1)]]
