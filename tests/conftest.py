"""The world of the tests: two tenants, acme and globex, and staff, made once per database.

Each test that asks for one of them runs in a transaction that is rolled back; the one that a
request opens is a savepoint in it. Tests that need threads use `real_tenants` instead.
"""

import os
from contextlib import ExitStack
from typing import Final

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck
from hypothesis import settings as properties

from accounts import uses
from config.database import socket_dir
from config.server import embedded
from scim.models import ProvisioningEvent
from tenants import clock, lifecycle, rates, resolution, traffic
from tenants.backend.sessions import Sessions
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support import citus, clients, database, people, server
from tests.support.installed import is_installed

# A feature's fixtures that the tests of others need as well, while it is installed.
pytest_plugins = [
    f"tests.{name}.fixtures"
    for name in ("events", "extensions", "guard", "problems")
    if is_installed(name)
]

# A busy machine is no failure: properties are about what holds, not about how long it takes.
# The examples are the same in each run; `search` draws others, which is for finding and not for judging.
properties.register_profile(
    "mypolicies",
    parent=properties.get_profile("default"),  # Hypothesis' own choice depends on CI
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
properties.register_profile("quick", properties.get_profile("mypolicies"), max_examples=20)
properties.register_profile(
    "search", properties.get_profile("mypolicies"), derandomize=False, max_examples=2_000
)
properties.load_profile("mypolicies")


# Modules go to pytest's processes whole: those that take longest come first, so that none is left
# for one process at the end.
_LONGEST: Final = ("browser", "e2e", "conformance", "contracts")


def pytest_collection_modifyitems(items):
    """Mark what commits, which `make check` leaves out, and have the longest modules come first."""
    for item in items:
        if "real_tenants" in getattr(item, "fixturenames", ()):
            item.add_marker("commits")
        if "transactional_db" in getattr(item, "fixturenames", ()) or _is_transactional(item):
            raise pytest.UsageError(f"{item.nodeid} would empty all tables: use real_tenants.")
    items.sort(key=_turn)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the servers logged with a test that failed: a real server answers no more than 500."""
    report = yield
    if report.failed:
        report.sections.extend(server.logs())
    return report


def _is_transactional(item):
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.args or mark.kwargs.get("transaction"))


def _turn(item):
    folder = item.path.parent.name
    return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Without DATABASE_URL: an embedded server of the tests' own, shared by pytest's processes."""
    if settings.DATABASE_URL:
        yield
        return
    data_dir = settings.DATA_DIR / "test"
    connection.settings_dict["HOST"] = socket_dir(data_dir)
    with embedded.running(data_dir, fsync=False):
        database.let_owner_serve(data_dir)
        yield
        connection.close()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment,
    django_db_modify_db_settings,
    django_db_keepdb,
    django_db_createdb,
    django_db_blocker,
):
    """Made for tests with tenants of their own, too; pytest-django's is made for marked ones alone."""
    kept = django_db_keepdb and not django_db_createdb
    with ExitStack() as logins:
        with django_db_blocker.unblock():
            made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=kept)
            logins.enter_context(database.two_logins())
            lifecycle.create_operator_tenant()
            database.present_or_created("acme", "Acme Ltd")
            database.present_or_created("globex", "Globex Inc")
        yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True, scope="session")
def _no_test_copies_its_process():
    """A copy waits for ever for what another thread held, and holds the pipe whose end says that pytest's
    process has ended: a test that hangs then hangs the run. What forks is started as a process of its own.
    """

    def refused():
        raise AssertionError("A test must not fork pytest's process: use subprocess.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fork", refused)
        yield


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_hashed_quickly():
    """Django's own hasher takes half a second for each password, on purpose."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True, scope="session")
def _clients_are_served_as_in_production():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.test.client.ClientHandler", clients.Handler)
        yield


@pytest.fixture(autouse=True)
def _every_statement_is_fit_for_citus():
    """Whatever a test executes holds to the rules of docs/platform.md."""

    def checked(execute, sql, params, many, context):
        text = sql if isinstance(sql, str) else sql.as_string(None)
        flaw = citus.unfit(text, params)
        assert not flaw, f"unfit for Citus, {flaw}: {text}"
        return execute(sql, params, many, context)

    with connection.execute_wrapper(checked):
        yield


@pytest.fixture(autouse=True)
def _served(request):
    """Requests and pages are answered without the owner's rights, as in production (decision 0081)."""
    is_open = "db" in request.fixturenames and "real_tenants" not in request.fixturenames
    if not is_open or request.node.get_closest_marker("owner"):
        yield
        return
    request.getfixturevalue("db")
    with database.served():
        yield


@pytest.fixture(autouse=True)
def _no_host_is_remembered():
    """The last test may have changed tenants; its rollback tells nobody."""
    clock.forget()
    resolution.forget()
    rates.buckets.forget()
    traffic.forget()
    uses.forget()


def _tenant(custom_domain):
    with in_public():
        return Tenant.objects.get(custom_domain=custom_domain)


def _explained(tenant):
    """The tenant; whatever the test had refused must be in its log with a reason."""
    yield tenant
    if not connection.needs_rollback:
        with in_tenant(tenant):
            unexplained = ProvisioningEvent.objects.filter(status__gte=400, reason="")
            assert not list(unexplained.values_list("status", "detail"))


@pytest.fixture
def acme(db):
    yield from _explained(_tenant("acme"))


@pytest.fixture
def globex(db):
    yield from _explained(_tenant("globex"))


@pytest.fixture
def operator(db):
    return _tenant("admin")


@pytest.fixture
def real_tenants(django_db_setup, django_db_blocker):
    """Two more tenants in committed transactions, dropped afterwards; never beside `db`."""
    with django_db_blocker.unblock(), database.audit_log_kept(_tenant("admin")):
        pair = [database.present_or_created(name, name.title()) for name in ("initech", "hooli")]
        try:
            yield pair
        finally:
            for tenant in pair:
                database.drop(tenant)


@pytest.fixture
def shared(real_tenants):
    """The sessions of this process, shared by its threads; every one is closed afterwards."""
    connection.close()
    found = Sessions()
    connection.settings_dict["SESSIONS"] = found
    yield found
    connection.close()
    del connection.settings_dict["SESSIONS"]
    found.close_idle()
    assert list(found) == []


@pytest.fixture
def client_for(db):
    """`client_for(tenant)`: a browser on that tenant's host."""
    return clients.client_for


@pytest.fixture
def scim(db):
    """`scim(tenant)`: a SCIM client with a new secret token of that tenant."""
    return lambda tenant: clients.ScimClient(tenant, clients.mint(tenant))


@pytest.fixture
def admin_client(db):
    """`admin_client(tenant)`: a browser in which the tenant's admin is signed in."""
    return lambda tenant: clients.signed_in(tenant, people.tenant_admin(tenant))


@pytest.fixture
def staff_client(operator):
    """A browser in which alice of the support team is signed in."""
    return clients.signed_in(operator, people.support_staff(operator))


@pytest.fixture
def statements():
    """`with statements() as executed:` collects SQL, without BEGIN, SET, SAVEPOINT and the like."""
    return database.statements
