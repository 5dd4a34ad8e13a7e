"""Figures for Prometheus: few labels, no persons, and off unless a port is set (tests/e2e/test_production.py)."""

import pytest
from django.db import OperationalError

from config import metrics
from scim.provider.features import features
from tenants.current import in_public
from tenants.models import Mail
from tests.support.commands import run


def collected():
    gauges = metrics.Gauges()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in gauges.collect()
        for sample in family.samples
    }


@pytest.fixture
def kept_open(monkeypatch):
    """A look ends with its connection, and this test's transaction is on it."""
    monkeypatch.setattr(metrics.connection, "close", lambda: None)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/scim/Users", "users"),
        ("/scim/v2/users/2819c223-7f76-453a-919d-413861904646", "users"),
        ("/scim/Groups/.search", "groups"),
        ("/scim/.search", "search"),
        ("/scim/Bulk", "bulk"),
        ("/scim/ServiceProviderConfig", "discovery"),
        ("/scim/bjensen@example.com", "discovery"),
        ("/admin/login/", "screens"),
        ("/Users", "screens"),
    ],
)
def test_a_path_is_counted_as_one_of_few_resources(path, resource):
    assert metrics.resource_of(path) == resource


def test_nothing_is_counted_without_a_port(settings):
    assert settings.METRICS_PORT == 0
    assert metrics.counts() is None
    with pytest.raises(Exception, match="METRICS_PORT is not set"):
        run("metrics", "--once")


def test_gauges_tell_of_tenants_queues_and_the_database(acme, globex, operator, kept_open):
    with in_public():
        waiting = Mail.objects.filter(status=Mail.Status.WAITING).count()

    found = collected()

    assert found["mypolicies_database_up",] == 1
    assert found["mypolicies_database_seconds",] > 0
    assert found["mypolicies_tenants", "never"] >= 0
    assert found["mypolicies_mails", "waiting"] == waiting
    assert found["mypolicies_alarms",] == 0
    assert found["mypolicies_credentials_expired",] == 0
    own = {f"mypolicies_{name}" for feature in features() for name in feature.gauges()}
    assert own <= {name for name, *_ in found}


def test_a_database_that_does_not_answer_is_a_figure(db, monkeypatch, kept_open):
    def down():
        raise OperationalError("down")
        yield

    monkeypatch.setattr(metrics, "_registry", down)

    gauges = metrics.Gauges()
    found = [(each.name, each.samples[0].value) for each in gauges.collect()]

    assert found == [("mypolicies_database_up", 0)]


def test_looks_at_the_database_are_apart(db, monkeypatch, kept_open):
    gauges, looks = metrics.Gauges(rest=600), []
    monkeypatch.setattr(metrics, "_registry", lambda: looks.append(1) or iter(()))

    list(gauges.collect())
    list(gauges.collect())

    assert len(looks) == 1
