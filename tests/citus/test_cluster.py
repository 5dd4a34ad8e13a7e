"""Tenants on a real cluster of a coordinator and at least two workers (docs/scaling.md)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection

from accounts.actions import backups
from config.doctor import LOGS
from tenants import numbers, placement, recordings, schemas
from tenants.current import in_public
from tests.support import clients, database
from tests.support.entra import Person, ProvisioningService
from tests.support.payloads import user
from tests.support.people import COMMAND
from tests.tenants.test_numbers import set_back
from tests.tenants.test_schemas import forget_migrations

PEOPLE = [
    Person(
        f"58342554-38d6-4ec8-948c-50044d0a33f{number}", f"p{number}@contoso.com", "p@contoso.com"
    )
    for number in range(5)
]


@pytest.fixture
def initech(real_tenants, django_db_blocker):
    with django_db_blocker.unblock():
        yield real_tenants[0]


@pytest.fixture
def at_initech(initech):
    return clients.ScimClient(initech, clients.mint(initech))


def ask(statement, *parameters):
    with in_public(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def another_node(tenant):
    present = placement.places()[tenant.schema_name]
    return next(node for node in placement.nodes() if node != present)


def test_every_table_of_a_tenant_is_on_one_worker(initech):
    shards = ask(
        "SELECT count(*), count(DISTINCT nodeport) FROM citus_shards WHERE table_name::text LIKE %s",
        f"{initech.schema_name}.%",
    )
    tables = ask("SELECT count(*) FROM pg_tables WHERE schemaname = %s", initech.schema_name)

    assert shards == [(tables[0][0], 1)]
    assert initech.schema_name in placement.places()


def test_statements_that_are_prepared_are_planned_for_their_values(initech, at_initech):
    """Citus refuses the change of a resource with a plan for all values."""
    created = [at_initech.post("/Users", user(f"p{number}")).status for number in range(12)]

    assert created == [201] * 12
    assert ask("SHOW plan_cache_mode") == [("auto",)]


def test_the_tables_of_staff_are_on_the_coordinator(initech):
    assert "support" not in placement.places()


def test_the_logs_of_new_tenants_cannot_be_changed_on_their_workers(initech):
    assert placement.changeable(LOGS) == {}


def test_a_move_keeps_every_row_and_the_logs_append_only(initech, at_initech):
    created = at_initech.post("/Users", user("bjensen"))
    before = database.contents(initech)

    placement.move(initech.schema_name, another_node(initech))

    assert created.status == 201
    assert database.contents(initech) == before
    assert placement.changeable(LOGS) == {}
    found = at_initech.get(f"/Users/{created.json['id']}")
    assert found.json == created.json


def test_cycles_go_on_while_their_tenant_is_moved(real_tenants, django_db_blocker):
    """No request of it or of its neighbor fails, and everything is there as Entra believes."""
    moved, neighbor = (
        ProvisioningService(clients.ScimClient(tenant, clients.mint(tenant)))
        for tenant in real_tenants
    )

    def move():
        schema_name = moved.client.tenant.schema_name
        placement.move(schema_name, another_node(moved.client.tenant))
        connection.close()
        return schema_name

    with django_db_blocker.unblock(), ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move)
        cycles = 0
        while cycles < 2 or not moving.done():
            cycles += 1
            for service in (moved, neighbor):
                service.run_cycle(replace(each, surname=f"S{cycles}") for each in PEOPLE)
                assert service.failures == []
        assert moving.result() == "t_initech"
        for service in (moved, neighbor):
            service.check()


def test_a_taken_name_is_a_conflict_after_a_move_too(initech, at_initech):
    at_initech.post("/Users", user("bjensen"))
    placement.move(initech.schema_name, another_node(initech))

    assert at_initech.post("/Users", user("BJensen")).status == 409


def test_rights_that_were_lost_come_back_when_the_tenant_is_moved_to_where_it_is(initech):
    node = placement.places()[initech.schema_name]
    log = f'"{initech.schema_name}".accounts_auditentry'
    ask("SELECT run_command_on_placements(%s, 'GRANT UPDATE ON %%s TO CURRENT_USER')", log)
    assert placement.changeable(LOGS) == {initech.schema_name: ["accounts_auditentry"]}

    placement.move(initech.schema_name, node)

    assert placement.changeable(LOGS) == {}


def test_a_migration_that_adds_a_table_makes_it_a_shard(initech, monkeypatch):
    schema = initech.schema_name
    forget_migrations(initech)
    lacking = schemas.lacking([schema])[schema]
    statement = 'CREATE TABLE "books" ("id" uuid NOT NULL PRIMARY KEY)'
    recording = recordings._Recording((statement,), tuple(lacking.migrations))
    monkeypatch.setitem(recordings._recordings, lacking, recording)

    schemas.migrate(schema, lacking)

    assert schemas.lacking([schema]) == {}
    name = f"{schema}.books"
    assert ask("SELECT count(*) FROM citus_shards WHERE table_name = %s::regclass", name) == [(1,)]


def test_a_clone_goes_on_counting_where_its_rows_end(initech, at_initech):
    """Each node has a range of its own for a sequence; the coordinator hands out the numbers."""
    at_initech.post("/Users", user("bjensen"))

    clone = backups.clone_tenant(COMMAND, initech, "initrode", "Initrode", "ina@initrode.example")

    try:
        created = clients.ScimClient(clone, clients.mint(clone)).post("/Users", user("jsmith"))
        assert created.status == 201
        assert placement.changeable(LOGS) == {}
    finally:
        database.drop(clone)


def test_numbers_go_on_after_the_coordinator_came_back_older_than_its_workers(initech, at_initech):
    at_initech.post("/Users", user("bjensen"))
    lag = [numbers.Behind("scim_attributechange", "id", set_back(initech))]
    assert numbers.behind(initech.schema_name) == lag

    numbers.catch_up(initech.schema_name)

    assert numbers.behind(initech.schema_name) == []
    assert at_initech.post("/Users", user("jsmith")).status == 201
