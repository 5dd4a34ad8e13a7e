"""Tenants on the nodes of a cluster; tests/citus tries the same on a real one."""

import pytest
from django.db import connection

from tenants import lifecycle, placement, schemas
from tenants.current import in_public
from tests.support import citus, database
from tests.tenants.test_schemas import forget_migrations


@pytest.fixture
def cluster(db):
    citus.install_catalog()


def distributed():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaid::regnamespace::text, count(logicalrelid) FROM pg_dist_schema"
            " LEFT JOIN pg_dist_partition USING (colocationid) GROUP BY 1"
        )
        return dict(cursor.fetchall())


def number_of_tables(schema_name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [schema_name])
        return cursor.fetchone()[0]


def test_a_new_tenant_is_distributed_with_all_its_tables(cluster, acme):
    """Citus takes no table for a shard that is made inside a block, so it comes last."""
    lifecycle.create_tenant("initrode", "Initrode")

    assert distributed() == {"t_initrode": number_of_tables("t_initrode")}
    assert number_of_tables("t_initrode") == number_of_tables("t_acme") > 20


def test_the_tables_of_staff_stay_on_the_coordinator(cluster):
    with placement.new_schema("support_2"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE support_2.log (id int)")
    with connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA support RENAME TO support_1")

    schemas.create("support")

    assert distributed() == {"support_2": 1}


def test_a_new_schema_is_made_plain_whatever_the_database_is_set_to(db):
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL citus.enable_schema_based_sharding TO on")

        lifecycle.create_tenant("initrode", "Initrode")

        cursor.execute("SHOW citus.enable_schema_based_sharding")
        assert cursor.fetchone() == ("off",)


def test_nothing_is_placed_without_citus(acme, statements):
    with statements() as executed:
        lifecycle.create_tenant("initrode", "Initrode")

    assert not placement.is_sharded()
    assert not any("citus_schema_distribute(%" in statement for statement in executed)


def test_a_distributed_schema_is_migrated_by_one_statement_at_a_time(
    cluster, acme, globex, statements
):
    """A table that is made inside a block would stay on the coordinator."""
    before = database.structure(globex)
    for tenant in (acme, globex):
        forget_migrations(tenant)
        with connection.cursor() as cursor:
            cursor.execute("SELECT citus_schema_distribute(%s)", [tenant.schema_name])

    schemas.migrate("t_acme", schemas.lacking(["t_acme"])["t_acme"])
    with statements() as executed:
        schemas.migrate("t_globex", schemas.lacking(["t_globex"])["t_globex"])

    assert not any("DO " in statement for statement in executed)
    assert any(statement.startswith("CREATE TABLE") for statement in executed)
    assert sorted(database.structure(globex)) == sorted(before)
