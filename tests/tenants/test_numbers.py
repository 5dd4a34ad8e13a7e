"""The numbers of rows after the sequences came back older than the rows, as on a restored coordinator."""

import pytest
from django.db import connection

from tenants import numbers
from tenants.current import in_tenant
from tests.support import database
from tests.support.payloads import user


def set_back(tenant, table="scim_attributechange"):
    """As if the rows of the table had not been there when its sequence was backed up; their highest number."""
    name = f"{tenant.schema_name}.{table}"
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [name])
        cursor.execute(f"SELECT max(id) FROM {table}")
        return cursor.fetchone()[0]


def test_nothing_is_behind_where_rows_and_sequences_are_of_one_moment(scim, acme):
    scim(acme).post("/Users", user("bjensen"))

    assert numbers.behind(acme.schema_name) == []
    assert numbers.catch_up(acme.schema_name) == []


@pytest.mark.owner  # numbers are changed
def test_a_sequence_that_is_behind_goes_on_behind_the_rows(scim, acme, globex):
    for tenant in (acme, globex):
        scim(tenant).post("/Users", user("bjensen"))
    lag = [numbers.Behind("scim_attributechange", "id", set_back(acme))]
    others = [numbers.Behind("scim_attributechange", "id", set_back(globex))]
    assert numbers.behind(acme.schema_name) == lag

    assert numbers.catch_up(acme.schema_name) == lag

    assert numbers.behind(acme.schema_name) == []
    assert scim(acme).post("/Users", user("jsmith")).status == 201
    assert numbers.behind(globex.schema_name) == others


@pytest.mark.owner  # numbers are changed
def test_a_table_without_rows_begins_at_one(acme):
    table = f"{acme.schema_name}.scim_attributechange"

    numbers.go_on(table, "id", None)

    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        assert cursor.fetchone() == (1,)
