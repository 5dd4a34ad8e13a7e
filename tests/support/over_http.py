"""Fixtures over HTTP: two tenants as the Entra provisioning service reaches them, at NOW.

A folder whose tests need them imports all of them in its conftest.py.
"""

import time
from datetime import UTC, datetime
from math import ceil

import pytest
import time_machine

from scim.models import AttributeChange, ProvisioningEvent, Resource
from tenants.current import in_tenant
from tests.support import payloads

_TOKEN = "FROM accounts_secrettoken"
_HOST = 'FROM "tenants_tenant"'
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    """The time is NOW, and `clock.shift(seconds)` moves it on."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def later(clock, monkeypatch):
    """`later(seconds)`: moves all clocks on, also the steady one, which stands still otherwise."""
    steady = [ceil(time.monotonic())]
    monkeypatch.setattr(time, "monotonic", lambda: float(steady[0]))

    def move(seconds):
        clock.shift(seconds)
        steady[0] += seconds

    return move


@pytest.fixture
def at_acme(clock, acme, scim):
    """The provisioning service of acme's directory."""
    return scim(acme)


@pytest.fixture
def at_globex(clock, globex, scim):
    """The provisioning service of globex's directory."""
    return scim(globex)


@pytest.fixture
def bjensen(at_acme):
    """bjensen, provisioned at acme: the answer's body."""
    return at_acme.post("/Users", payloads.BJENSEN).json


@pytest.fixture
def jsmith(at_acme, clock, bjensen):
    """jsmith, provisioned at acme a second after bjensen."""
    clock.shift(1)
    return at_acme.post("/Users", payloads.JSMITH).json


@pytest.fixture
def events():
    """`events(tenant)`: the tenant's provisioning log, oldest first."""
    return lambda tenant: _rows(tenant, ProvisioningEvent)


@pytest.fixture
def history():
    """`history(tenant)`: the tenant's attribute changes, oldest first."""
    return lambda tenant: [each for row in _rows(tenant, AttributeChange) for each in row.each]


@pytest.fixture
def stored():
    """`stored(tenant)`: every column of every resource of the tenant, deleted ones included."""

    def rows(tenant):
        with in_tenant(tenant):
            return list(Resource.objects.order_by("id").values())

    return rows


@pytest.fixture
def warm(at_acme, bjensen):
    """bjensen's path, after a read of each kind has been logged."""
    path = f"/Users/{bjensen['id']}"
    at_acme.get(path)
    at_acme.get("/Users", filter='userName eq "x"')
    at_acme.get("/Users")
    at_acme.get("/Schemas")
    at_acme.post("/.search", {"filter": 'userName eq "x"'})
    return path


@pytest.fixture
def cost(at_acme, warm, statements):
    """`cost(status, method, path, body)`: the number of statements of a request that has that answer.

    Without BEGIN, SET, COMMIT and what is known of the tenant, which is remembered.
    """

    def count(status, method, path, body=None, **options):
        with statements() as executed:
            answer = at_acme.send(method, path, body, **options)
        assert answer.status == status
        known = [each for each in executed if _HOST not in each]
        assert _TOKEN in known[0]
        return len(known)

    return count


def _rows(tenant, model):
    with in_tenant(tenant):
        return list(model.objects.order_by("id"))
