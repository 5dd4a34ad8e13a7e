"""Creating, suspending and resuming tenants, and their further host names."""

import signal
import subprocess
import sys

import pytest
from django.db import DatabaseError, connection

from accounts.models import Account
from tenants import lifecycle
from tenants.current import in_tenant
from tenants.errors import TenantRefused
from tenants.models import Domain, Status, Tenant


def schemas():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'")
        return {name for (name,) in cursor.fetchall()}


def test_a_new_tenant_has_its_schema_and_its_addresses(db):
    tenant = lifecycle.create_tenant(" Demo0-QA ", " Demo ")

    stored = Tenant.objects.get(custom_domain="demo0-qa")
    assert stored == tenant
    assert (stored.name, stored.status, stored.is_operator) == ("Demo", Status.ACTIVE, False)
    assert stored.schema_name == "t_demo0_qa"
    assert stored.host == "demo0-qa.mypolicies.localhost"
    assert stored.base_url == "http://demo0-qa.mypolicies.localhost:8000"
    assert stored.tenant_url == "http://demo0-qa.mypolicies.localhost:8000/scim"
    with in_tenant(stored):
        assert Account.objects.count() == 0


def test_a_taken_custom_domain_is_refused_and_changes_nothing(acme):
    before = (schemas(), Tenant.objects.count())

    with pytest.raises(TenantRefused) as refused:
        lifecycle.create_tenant("ACME", "Acme Again")

    assert str(refused.value) == "The custom domain acme is taken."
    assert (schemas(), Tenant.objects.count()) == before


@pytest.mark.parametrize("custom_domain", ["admin", "a_b", "xn--acm-dma"])
def test_a_custom_domain_against_the_rules_is_refused(custom_domain, db):
    with pytest.raises(TenantRefused):
        lifecycle.create_tenant(custom_domain, "Initrode")


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_a_name_must_be_one_line(name, db):
    with pytest.raises(TenantRefused) as refused:
        lifecycle.create_tenant("initrode", name)

    assert str(refused.value) == "The name must be one line of 1 to 200 characters."


@pytest.mark.owner  # a schema is made by hand
def test_a_schema_that_is_already_there_is_not_taken_over(db):
    """It may be a dropped tenant's, restored by hand: nobody else may get its rows."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_initrode")

    with pytest.raises(TenantRefused) as refused:
        lifecycle.create_tenant("initrode", "Initrode")

    assert str(refused.value) == (
        "There is a schema t_initrode already, which belongs to no tenant."
    )
    assert not Tenant.objects.filter(custom_domain="initrode").exists()


def test_a_failure_while_making_the_tables_leaves_neither_row_nor_schema(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '15ms'")
        with pytest.raises(DatabaseError):
            lifecycle.create_tenant("initrode", "Initrode")
        cursor.execute("SET LOCAL statement_timeout = 0")

    assert not Tenant.objects.filter(custom_domain="initrode").exists()
    assert "t_initrode" not in schemas()
    assert connection.schema_name == "public"


def test_a_creation_leaves_the_transaction_its_time_for_locks(db):
    """For its turn in staff's audit log, say: nobody else has a table of the new tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()
        lifecycle.create_tenant("initrode", "Initrode")
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == before


KILLED_AT_THE_END = """
import os, signal, sys
import django
from django.db import connection
django.setup()
connection.settings_dict.update(NAME=sys.argv[1], HOST=sys.argv[2], PORT=sys.argv[3], USER=sys.argv[4])
from tenants import lifecycle, recordings, roles
def dying(make):
    def die_afterwards(*arguments):
        make(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return die_afterwards
recordings.apply, roles.create_schema = dying(recordings.apply), dying(roles.create_schema)
lifecycle.create_tenant("initrode", "Initrode")
"""


def test_a_process_killed_after_the_tables_were_made_leaves_neither_row_nor_schema(real_tenants):
    settings = connection.settings_dict
    arguments = [str(settings[key]) for key in ("NAME", "HOST", "PORT", "USER")]

    process = subprocess.run([sys.executable, "-c", KILLED_AT_THE_END, *arguments], check=False)

    assert process.returncode == -signal.SIGKILL
    lifecycle.create_tenant("initrode", "Initrode").delete(force_drop=True)


def test_the_staff_tenant_is_made_once(operator):
    assert lifecycle.create_operator_tenant() == operator
    assert (operator.custom_domain, operator.schema_name) == ("admin", "support")


def test_suspending_and_resuming_twice_is_the_same_as_once(acme):
    for _ in range(2):
        lifecycle.suspend(acme)
        assert Tenant.objects.get(pk=acme.pk).is_suspended
    for _ in range(2):
        lifecycle.resume(acme)
        assert not Tenant.objects.get(pk=acme.pk).is_suspended


def test_the_staff_tenant_cannot_be_suspended(operator):
    with pytest.raises(TenantRefused):
        lifecycle.suspend(operator)

    assert not Tenant.objects.get(pk=operator.pk).is_suspended


def test_a_tenant_can_be_suspended_from_inside_it(acme):
    with in_tenant(acme):
        lifecycle.suspend(acme)

    assert Tenant.objects.get(pk=acme.pk).is_suspended


def test_a_host_name_is_added_once_and_removed(acme, globex):
    first = lifecycle.add_host(acme, "SCIM.acme.example.")

    assert first.domain == "scim.acme.example"
    assert lifecycle.add_host(acme, "scim.acme.example") == first
    with pytest.raises(TenantRefused) as refused:
        lifecycle.add_host(globex, "scim.acme.example")
    assert str(refused.value) == "The host name scim.acme.example is taken."
    with pytest.raises(TenantRefused) as refused:
        lifecycle.remove_host(globex, "scim.acme.example")
    assert str(refused.value) == "Globex Inc has no further host name scim.acme.example."

    lifecycle.remove_host(acme, "scim.acme.example")
    assert not Domain.objects.exists()
