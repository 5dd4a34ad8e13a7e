"""`manage.py placement`: which node of the database holds a tenant, and moving it."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from accounts.models import AuditEntry
from tenants import placement
from tenants.current import in_tenant
from tests.support import citus, database
from tests.support.commands import saying_nothing_of_time
from tests.support.payloads import user
from tests.tenants.test_numbers import set_back

NOTHING = "All numbers go on behind the rows that there are: nothing to do.\n"


@pytest.fixture
def cluster(acme, globex):
    """Acme on the worker two, globex on the worker one."""
    citus.install_catalog()
    citus.place(acme)
    citus.place(globex)


def entries(tenant):
    with in_tenant(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("act", "details"))


def run(capsys, *arguments):
    with saying_nothing_of_time():
        call_command("placement", *arguments)
    return capsys.readouterr()


def test_the_list_names_the_node_of_each_tenant_and_whether_it_answers(cluster, capsys):
    citus.stop_node("one")

    rows = {row["custom_domain"]: row for row in json.loads(run(capsys, "list", "--json").out)}

    assert rows["acme"] == {
        "custom_domain": "acme",
        "schema": "t_acme",
        "node": "two:5432",
        "answers": "yes",
    }
    assert (rows["globex"]["node"], rows["globex"]["answers"]) == ("one:5432", "no")
    assert rows["admin"]["node"] == "coordinator"


def test_a_move_is_audited_before_and_after(cluster, acme, globex, operator, capsys):
    before = len(entries(acme)), len(entries(operator)), len(entries(globex))

    assert run(capsys, "move", "acme", "one:5432").err.endswith("Acme Ltd is on one:5432.\n")

    details = {"from": "two:5432", "to": "one:5432"}
    assert entries(acme)[before[0] :] == [
        ("tenant move started", details),
        ("tenant moved", details),
    ]
    assert len(entries(operator)) == before[1] + 2
    assert len(entries(globex)) == before[2]


def test_a_tenant_that_is_there_already_is_not_moved(cluster, acme, capsys):
    before = entries(acme)

    said = run(capsys, "move", "acme", "two:5432").err

    assert "Acme Ltd was on two:5432 already; the rights of its tables" in said
    assert entries(acme) == before


def test_a_move_that_the_database_refuses_says_why_in_a_line(cluster):
    with database.owned(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION public.citus_schema_move(regnamespace, text, int)"
            " RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'wal_level is low'; END $$"
        )

    refused = pytest.raises(CommandError, match=r"^Acme Ltd was not moved: wal_level is low\.$")
    with refused, transaction.atomic():
        call_command("placement", "move", "acme", "one:5432")


def test_an_unknown_worker_is_refused(cluster):
    with pytest.raises(CommandError, match="There is no worker three:1"):
        call_command("placement", "move", "acme", "three:1")


def test_one_server_has_nothing_to_do_and_says_so(acme, capsys):
    said = run(capsys, "move", "acme", "one:5432").err

    assert (
        said == "The database is one server, without Citus: it holds every tenant. Nothing to do.\n"
    )
    assert "it holds every tenant" in run(capsys, "list").err
    assert placement.places() == {}


def test_numbers_that_are_behind_catch_up_and_that_is_audited(
    cluster, scim, acme, globex, operator, capsys
):
    scim(acme).post("/Users", user("bjensen"))
    set_back(acme)
    before = len(entries(acme)), len(entries(operator)), entries(globex)

    said = run(capsys, "catch-up").err

    assert said == "Acme Ltd: scim_attributechange goes on behind its rows.\n"
    caught_up = ("numbers caught up", {"tables": ["scim_attributechange"]})
    assert entries(acme)[before[0] :] == [caught_up]
    assert len(entries(operator)) == before[1] + 1
    assert entries(globex) == before[2]
    assert run(capsys, "catch-up").err == NOTHING


def test_a_tenant_whose_node_is_down_catches_up_the_next_time(cluster, acme, capsys):
    citus.lose(acme, "scim_attributechange")

    silent = "Acme Ltd: its node of the database does not answer.\n"
    assert run(capsys, "catch-up").err == silent + NOTHING
