"""Probes come by IP address, to any host, and learn whether to send requests here."""

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client

from accounts.models import SecretToken
from config.database import keep_by_thread
from config.edge import probes
from tenants import recordings
from tenants.current import in_tenant
from tests.support.database import cut, most_connections
from tests.support.waiting import WITHIN


@pytest.fixture
def probe():
    return Client(headers={"Host": "10.0.0.7:8000"})


@pytest.fixture(autouse=True)
def _closed():
    """The thread that asks keeps its connection."""
    yield
    probes._asking.submit(connections.close_all).result(WITHIN)


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """The database without a test's transaction around: a test puts back what it changes."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def in_any_time(monkeypatch):
    """The database may take as long as the machine does."""
    monkeypatch.setattr(probes, "_READY_WITHIN", 60)


def test_livez_answers_without_the_database(probe):
    response = probe.get("/livez")

    assert (response.status_code, response.content) == (200, b"alive\n")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.usefixtures("in_any_time")
def test_readyz_is_200_when_the_database_answers_and_lacks_no_migration(probe):
    response = probe.get("/readyz")

    assert (response.status_code, response.content) == (200, b"ready\n")


def test_the_files_of_migrations_are_read_when_the_application_is_loaded():
    """Once, before the fork: a probe has 0.8 s, and the first one of a new worker asks early."""
    recordings.known.cache_clear()

    probes.HealthMiddleware(HttpResponse)

    assert recordings.known.cache_info().currsize == 1


@pytest.mark.usefixtures("committed", "in_any_time")
def test_readyz_is_503_while_a_migration_is_missing(probe):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET name = name || '_' WHERE app = 'tenants'")
    try:
        response = probe.get("/readyz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_migrations SET name = rtrim(name, '_') WHERE app = 'tenants'"
            )

    assert (response.status_code, response.content) == (503, b"not ready: migrations are missing\n")
    assert response["Retry-After"] == "5"


@pytest.mark.usefixtures("committed")
def test_readyz_is_503_within_seconds_when_the_database_does_not_answer(probe):
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE django_migrations")
        try:
            response = probe.get("/readyz")
        finally:
            cursor.execute("ROLLBACK")

    assert (response.status_code, response.content) == (
        503,
        b"not ready: the database does not answer\n",
    )


@pytest.fixture
def serving(shared, monkeypatch):
    """The sessions of a process whose threads share them and keep their connections to themselves."""
    monkeypatch.setattr(connections, "_connections", connections._connections)
    keep_by_thread()
    return shared


@pytest.mark.usefixtures("in_any_time")
def test_readyz_is_200_while_postgresql_has_no_room_for_more_than_what_the_worker_has(
    probe, serving, real_tenants
):
    """Its requests are served: a load balancer would take away a server that works."""
    look(real_tenants[0])
    [session] = serving

    with most_connections(1):
        responses = [probe.get("/readyz") for _ in range(3)]
        look(real_tenants[0])

    assert [(each.status_code, each.content) for each in responses] == [(200, b"ready\n")] * 3
    assert list(serving) == [session]


@pytest.mark.usefixtures("in_any_time")
def test_readyz_is_503_while_the_worker_has_no_connection_and_gets_none(probe, serving):
    with most_connections(0):
        response = probe.get("/readyz")

    assert (response.status_code, response.content) == (
        503,
        b"not ready: the database does not answer\n",
    )
    assert probe.get("/readyz").status_code == 200


@pytest.mark.usefixtures("in_any_time")
def test_readyz_is_200_once_the_database_is_back_whatever_became_of_the_sessions(
    probe, serving, real_tenants
):
    look(real_tenants[0])
    for each in serving:
        cut(each.connection)

    assert probe.get("/readyz").status_code == 200


def look(tenant):
    with in_tenant(tenant):
        assert not SecretToken.objects.exists()


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_only_get_and_head_are_answered(probe, path):
    response = probe.post(path)

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
