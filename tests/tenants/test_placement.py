"""Tenants on the nodes of a cluster; tests/citus tries the same on a real one."""

import pytest
from django.db import OperationalError, connection

from tenants import lifecycle, placement, schemas
from tenants.current import in_public, in_tenant
from tenants.errors import TenantRefused
from tests.support import citus, database
from tests.tenants.test_schemas import migrate


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


@pytest.mark.owner  # schemas are made and moved
def test_a_new_tenant_is_distributed_with_all_its_tables(cluster, acme):
    """Citus takes no table for a shard that is made inside a block, so it comes last."""
    lifecycle.create_tenant("initrode", "Initrode")

    assert distributed() == {"t_initrode": number_of_tables("t_initrode")}
    assert number_of_tables("t_initrode") == number_of_tables("t_acme") > 20


@pytest.mark.owner  # schemas are made and moved
def test_the_tables_of_staff_stay_on_the_coordinator(cluster):
    with placement.new_schema("support_2"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE support_2.log (id int)")
    with connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA support RENAME TO support_1")

    schemas.create("support")

    assert distributed() == {"support_2": 1}


@pytest.mark.owner  # schemas are made and moved
def test_a_new_schema_is_made_plain_whatever_the_database_is_set_to(cluster):
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL citus.enable_schema_based_sharding TO on")

        lifecycle.create_tenant("initrode", "Initrode")

        cursor.execute("SHOW citus.enable_schema_based_sharding")
        assert cursor.fetchone() == ("off",)


def test_the_login_that_serves_creates_no_tenant_on_citus(cluster, settings):
    """Citus lets nobody write to shards that another role has made in the same transaction."""
    settings.OWNER_DATABASE = {"USER": "owner"}
    settings.SERVING_LOGIN = connection.settings_dict["USER"]

    with pytest.raises(TenantRefused, match=r"command line: `manage\.py tenant create`\.$"):
        lifecycle.create_tenant("initrode", "Initrode")


@pytest.mark.owner  # schemas are made and moved
def test_nothing_is_placed_without_citus(acme, statements):
    with statements() as executed:
        lifecycle.create_tenant("initrode", "Initrode")

    assert not placement.is_sharded()
    assert not any("citus_schema_distribute(%" in statement for statement in executed)


@pytest.mark.owner  # schemas are made and moved
def test_a_distributed_schema_is_migrated_by_one_statement_at_a_time(
    cluster, acme, globex, statements
):
    """A table that is made inside a block would stay on the coordinator."""
    before = database.structure(globex)
    for tenant in (acme, globex):
        migrate("scim", "0016_fewer_indexes", schema=tenant.schema_name, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT citus_schema_distribute(%s)", [tenant.schema_name])

    schemas.migrate("t_acme", schemas.lacking(["t_acme"])["t_acme"])
    with statements() as executed:
        schemas.migrate("t_globex", schemas.lacking(["t_globex"])["t_globex"])

    assert not any("DO " in statement and "CREATE" in statement for statement in executed)
    assert any(statement.startswith("CREATE TABLE") for statement in executed)
    assert sorted(database.structure(globex)) == sorted(before)


@pytest.mark.owner  # schemas are made and moved
def test_a_tenant_is_moved_to_another_worker(cluster, acme):
    citus.place(acme)
    present = placement.places()["t_acme"]
    other = next(node for node in placement.nodes() if node != present)

    assert placement.route("t_acme", other) == present
    placement.move("t_acme", other)

    assert placement.places() == {"t_acme": other}


@pytest.mark.owner  # schemas are made and moved
def test_a_tenant_that_stayed_on_the_coordinator_is_distributed_by_a_move(cluster, acme):
    assert placement.route("t_acme", "two:5432") == "coordinator"

    placement.move("t_acme", "two:5432")

    assert placement.places() == {"t_acme": "two:5432"}


def test_a_move_that_cannot_be_is_refused_with_what_there_is(cluster, acme):
    citus.place(acme)

    with pytest.raises(TenantRefused, match=r"no worker three:1; there are one:5432, two:5432\."):
        placement.route("t_acme", "three:1")
    with pytest.raises(TenantRefused, match="The staff tenant stays on the coordinator"):
        placement.route("support", "one:5432")
    citus.stop_node("one")
    with pytest.raises(TenantRefused, match="The node one:5432 does not answer"):
        placement.route("t_acme", "one:5432")


def test_one_server_has_nothing_to_move(acme):
    with pytest.raises(TenantRefused, match="one server: nothing can be moved"):
        placement.route("t_acme", "one:5432")


def test_tenants_of_a_node_that_is_down_are_passed_over_and_named(cluster, acme, globex):
    citus.lose(acme, "scim_eventstream")
    column = ("scim_eventstream", "id")

    answer = schemas.where(
        "SELECT count(*) FROM {schema}.scim_eventstream",
        column,
        (),
        [acme, globex],
    )

    assert answer == schemas.Answer((globex,), (acme,))
    assert schemas.answering(["t_acme", "t_globex"]) == ["t_globex"]
    assert schemas.behind() == []


def test_an_outage_of_the_whole_database_is_no_silent_node(cluster, acme, globex):
    name = citus.lose(acme, "scim_eventstream")
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("UPDATE pg_dist_node SET answers = true WHERE nodename = %s", [name])

    with pytest.raises(OperationalError, match="connection refused"):
        schemas.where(
            "SELECT 1 FROM {schema}.scim_eventstream",
            ("scim_eventstream", "id"),
            (),
            [acme, globex],
        )


@pytest.mark.owner  # asks for the owner's rights
def test_shards_that_can_be_changed_are_found_on_their_workers(cluster, acme):
    with in_tenant(acme), database.owned(), connection.cursor() as cursor:
        for table in ("accounts_auditentry", "scim_resource", "scim_attributechange"):
            cursor.execute(f"CREATE TABLE {table}_102011 (id int)")
        cursor.execute(
            "REVOKE UPDATE, DELETE, TRUNCATE ON scim_attributechange_102011 FROM CURRENT_USER"
        )

    found = placement.changeable(["accounts_auditentry", "scim_attributechange"])

    assert found == {"t_acme": ["accounts_auditentry"]}


def test_without_citus_there_are_no_nodes(acme):
    assert (placement.nodes(), placement.places()) == ({}, {})
    assert placement.silent(["t_acme"]) == frozenset()
    assert placement.changeable(["accounts_auditentry"]) == {}
