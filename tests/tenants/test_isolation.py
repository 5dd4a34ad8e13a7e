"""Two tenants at once: threads that take turns never see the other's rows (docs/security.md)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.models import Account
from tenants.checks import IN_BOTH, shared_tables, tenant_tables
from tenants.current import in_tenant, served
from tenants.middleware import TenantMiddleware
from tests.support.waiting import WITHIN

THREADS = 4
ROUNDS = 150


def owner(tenant):
    """The one account of a tenant, which says whose schema was read."""
    return f"owner@{tenant.custom_domain}.example"


@pytest.fixture
def owned_tenants(real_tenants):
    for tenant in real_tenants:
        with in_tenant(tenant):
            Account.objects.create(email=owner(tenant), role="admin")
    return real_tenants


def in_threads(work):
    """The results of `work(number)` in threads, each of which closes its connection at the end."""

    def run(number):
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def read(tenant):
    return list(Account.objects.values_list("email", flat=True)) == [owner(tenant)]


def conflict(tenant):
    """A unique violation in a savepoint, swallowed."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(email=owner(tenant), role="admin")


def maybe(random, probability, act):
    if random.random() < probability:
        act()


def fail():
    raise ZeroDivisionError


def visit_both(random, outer, inner):
    """The number of rows met in the wrong tenant, on a walk with random failures."""
    mistakes = 0
    with suppress(ZeroDivisionError), in_tenant(outer):
        mistakes += not read(outer)
        maybe(random, 0.5, lambda: conflict(outer))
        with suppress(ZeroDivisionError), in_tenant(inner):
            mistakes += not read(inner)
            maybe(random, 0.5, lambda: conflict(inner))
            mistakes += not read(inner)
            maybe(random, 0.3, fail)
        mistakes += not read(outer)
        maybe(random, 0.3, fail)
    return mistakes + (connection.schema_name != "public")


def test_threads_that_alternate_tenants_read_their_own_rows_after_any_failure(owned_tenants):
    def work(number):
        random = Random(number)  # noqa: S311  # repeatable, not secret
        return sum(visit_both(random, *random.sample(owned_tenants, 2)) for _ in range(ROUNDS))

    assert in_threads(work) == [0] * THREADS


def test_interleaved_requests_are_answered_from_their_own_tenant(owned_tenants):
    def page(request):
        if request.GET["fail"] == "conflict":
            conflict(request.tenant)
        emails = ",".join(Account.objects.values_list("email", flat=True))
        return HttpResponse(emails, status=500 if request.GET["fail"] == "500" else 200)

    middleware = TenantMiddleware(page)

    def work(number):
        random, mistakes = Random(number), 0  # noqa: S311  # repeatable, not secret
        for _ in range(ROUNDS):
            tenant = random.choice(owned_tenants)
            query = {"fail": random.choice(["no", "conflict", "500"])}
            request = RequestFactory().get("/", query, HTTP_HOST=tenant.host)
            response = middleware(served(request, f"{tenant.id}"))
            mistakes += response.text != owner(tenant)
        return mistakes

    assert in_threads(work) == [0] * THREADS


def test_threads_that_enter_tenants_crosswise_come_out_where_they_were(owned_tenants):
    """django-tenants' `with tenant:` left one thread in the other's tenant (docs/platform.md)."""
    initech, hooli = owned_tenants
    barrier = threading.Barrier(2, timeout=WITHIN)
    seen = {}

    def run(outer, inner):
        try:
            with in_tenant(outer):
                barrier.wait()
                with in_tenant(inner):
                    barrier.wait()
                barrier.wait()
                seen[outer.custom_domain] = (connection.schema_name, read(outer))
        except BaseException:
            barrier.abort()  # the other one waits for nobody
            raise
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=pair) for pair in [(initech, hooli), (hooli, initech)]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {"initech": ("t_initech", True), "hooli": ("t_hooli", True)}


def test_django_tenants_with_tenant_is_refused(acme):
    with pytest.raises(TypeError, match=r"tenants\.current\.in_tenant"), acme:
        pass


def test_no_table_is_in_the_registry_and_in_a_tenant(acme, operator):
    """Asked of PostgreSQL and of the models (docs/security.md)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE tableowner = session_user"
        )
        tables = {}
        for schema, table in cursor.fetchall():
            tables.setdefault(schema, set()).add(table)

    assert tables["public"] == shared_tables()
    assert tables["t_acme"] == tables["support"] == tenant_tables()
    assert shared_tables() & tenant_tables() == IN_BOTH == {"django_migrations"}
    assert shared_tables() == {
        "django_content_type",
        "django_migrations",
        "tenants_addresspreset",
        "tenants_domain",
        "tenants_tenant",
        # Copies and counts for staff, who look at all tenants at once; nothing of provisioned people.
        "tenants_alarm",
        "tenants_credentialtraffic",
        "tenants_expiry",
        "tenants_guard",
        "tenants_mail",
        "tenants_problem",
        "tenants_reconciliation",
        "tenants_traffic",
        "tenants_trafficday",
        # What is kept how long, held and erased: reasons and ids, no data of provisioned people.
        "tenants_erasure",
        "tenants_userdigests",
        "tenants_userindexing",
        "tenants_legalhold",
        "tenants_retention",
    }
