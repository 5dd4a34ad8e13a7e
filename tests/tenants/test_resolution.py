"""From host name to tenant: by custom domain or further host name, remembered while it is right."""

import pytest
from django.conf import settings
from django.db import connection

from tenants import clock, lifecycle, resolution
from tenants.current import in_tenant
from tenants.models import Domain, Guard, Tenant
from tests.support import database


def host_of(label):
    return f"{label}.{settings.BASE_DOMAIN}"


@pytest.fixture(autouse=True)
def _no_second_passes(monkeypatch):
    monkeypatch.setattr(resolution, "monotonic", lambda: 0.0)


def test_a_host_below_the_base_domain_is_found_by_its_custom_domain(acme, globex, operator):
    assert resolution.find_tenant(host_of("acme")) == acme
    assert resolution.find_tenant(host_of("globex")) == globex
    assert resolution.find_tenant(host_of("admin")) == operator


def test_a_further_host_name_is_found_by_its_row(acme):
    lifecycle.add_host(acme, "scim.acme.example")

    assert resolution.find_tenant("scim.acme.example") == acme


def test_a_row_below_the_base_domain_serves_nobody(acme, globex):
    """Such a row would take a custom domain away from its owner, or from a later one."""
    Domain(domain=host_of("globex"), tenant=acme).save()
    Domain(domain=host_of("free"), tenant=acme).save()
    Domain(domain=f"a.{host_of('globex')}", tenant=acme).save()

    assert resolution.find_tenant(host_of("globex")) == globex
    assert resolution.find_tenant(host_of("free")) is None
    assert resolution.find_tenant(f"a.{host_of('globex')}") is None


@pytest.mark.parametrize("host", ["nobody.example", "127.0.0.1", settings.BASE_DOMAIN])
def test_other_hosts_are_nobodys(host, acme):
    assert resolution.find_tenant(host) is None


@pytest.fixture
def statements_at(statements, monkeypatch):
    """`statements_at(host, *seconds)`: how many it costs to find the host's tenant at each moment."""

    def count(host, moment):
        monkeypatch.setattr(resolution, "monotonic", lambda: moment)
        with statements() as executed:
            resolution.find_tenant(host)
        return len(executed)

    return lambda host, *seconds: [count(host, moment) for moment in seconds]


def test_one_statement_finds_an_active_tenant_and_none_within_the_next_hour(acme, statements_at):
    """Its custom domain stands in the row whose revision each request asks for."""
    assert statements_at(host_of("acme"), 0, 60.1, 3599, 3601, 5000) == [1, 0, 0, 1, 0]


def test_a_further_host_name_is_asked_for_each_minute(acme, statements_at):
    """Its row may be led to another tenant past this program; this one's would not change."""
    lifecycle.add_host(acme, "scim.acme.example")

    assert statements_at("scim.acme.example", 0, 1.01, 59.9, 60.1, 100) == [1, 0, 0, 1, 0]


def test_an_unknown_host_and_a_suspended_tenant_are_remembered_for_a_second(acme, statements_at):
    """No transaction is begun for them that could ask whether they are what they were."""
    lifecycle.suspend(acme)

    assert statements_at("nobody.example", 0, 0.99, 1.01, 2.0, 2.02) == [1, 0, 1, 0, 1]
    assert statements_at(host_of("acme"), 0, 0.99, 1.01, 2.0, 2.02) == [1, 0, 1, 0, 1]


def test_unknown_hosts_are_remembered_too(db, statements):
    resolution.find_tenant("nobody.example")

    with statements() as executed:
        assert resolution.find_tenant("nobody.example") is None

    assert executed == []


def test_hosts_that_cannot_be_served_cost_no_statement(db, statements):
    with statements() as executed:
        resolution.find_tenant(f"a.b.{settings.BASE_DOMAIN}")

    assert executed == []


def test_a_change_is_seen_at_once_in_the_process_that_makes_it(acme):
    assert not resolution.find_tenant(host_of("acme")).is_suspended

    lifecycle.suspend(acme)
    assert resolution.find_tenant(host_of("acme")).is_suspended

    lifecycle.resume(acme)
    assert not resolution.find_tenant(host_of("acme")).is_suspended


def test_a_new_tenant_and_a_new_host_are_seen_at_once_and_a_removed_one_no_more(acme):
    assert resolution.find_tenant(host_of("initrode")) is None
    assert resolution.find_tenant("scim.acme.example") is None

    initrode = lifecycle.create_tenant("initrode", "Initrode")
    lifecycle.add_host(acme, "scim.acme.example")
    assert resolution.find_tenant(host_of("initrode")) == initrode
    assert resolution.find_tenant("scim.acme.example") == acme

    lifecycle.remove_host(acme, "scim.acme.example")
    assert resolution.find_tenant("scim.acme.example") is None


def test_a_change_is_forgotten_again_when_it_commits(acme, django_capture_on_commit_callbacks):
    """Between the change and its commit another thread may have asked and remembered the past."""
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.suspend(acme)
        before_the_commit = resolution.find_tenant(host_of("acme"))

    assert resolution.find_tenant(host_of("acme")) is not before_the_commit


def test_memory_is_bounded_and_the_newest_hosts_are_kept(db, monkeypatch, statements):
    monkeypatch.setattr(resolution, "MAX_ENTRIES", 10)
    for number in range(25):
        resolution.find_tenant(f"host{number}.example")

    with statements() as executed:
        resolution.find_tenant("host24.example")
        resolution.find_tenant("host0.example")

    assert len(executed) == 1
    assert len(resolution._known) <= 11


def test_the_registry_is_asked_whatever_tenant_is_entered(acme, globex):
    with in_tenant(acme):
        assert resolution.find_tenant(host_of("globex")) == globex
        assert Tenant.objects.count() == 3


def test_a_connection_that_broke_while_idle_is_not_noticed(real_tenants):
    resolution.find_tenant("nobody.example")
    database.cut(connection.connection)

    assert resolution.find_tenant(host_of("initech")) == real_tenants[0]


def row(instance):
    """The columns that an instance was read with."""
    return {
        name: value for name, value in vars(instance).items() if name not in ("_state", "revision")
    }


def test_a_tenant_is_found_as_the_orm_reads_it_with_its_guard(acme, globex, statements):
    """The statement is written once, not by the ORM for each host, which takes it a millisecond."""
    Guard.objects.create(tenant=acme, least=7, holds=True, alarm_until=clock.now())
    lifecycle.add_host(globex, "scim.globex.example")
    expected = Tenant.objects.select_related("guard").in_bulk([acme.pk, globex.pk])

    found = [resolution.find_tenant(host) for host in (host_of("acme"), "scim.globex.example")]

    assert [row(each) for each in found] == [row(expected[pk]) for pk in (acme.pk, globex.pk)]
    assert {(each._state.adding, each._state.db) for each in found} == {(False, "default")}
    with statements() as executed:
        assert row(found[0].guard) == row(expected[acme.pk].guard)
        assert found[0].guard.tenant is found[0]
        assert not hasattr(found[1], "guard")
    assert executed == []
