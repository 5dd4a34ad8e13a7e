"""No page of a tenant asks more, or reads more, because the tenant has 100,000 users and 1,000,000 rows of log.

Everything is written by SQL, once for all tests here; each test counts the statements of a page and the
blocks that they read.
"""

import pytest
from django.db import connection, transaction
from django.test import Client
from psycopg import sql

from accounts import actions
from accounts.permissions import Role
from tenants import concurrently, resolution
from tenants.current import in_tenant
from tests.repository.test_large_directory import PEOPLE, blocks, fill, noted
from tests.support import database
from tests.support.people import COMMAND

pytestmark = [pytest.mark.commits, pytest.mark.django_db]

ROWS = 1_000_000
MOST_STATEMENTS = 20
# Of 8 kB. Page 40 of the log reads 8,900, an overview 4,400, any other page less; the tenant has 50,000 of rows.
FEW_BLOCKS = 10_000
NOW_AND_THEN = 50  # of so many requests one is refused
# 31 days up to now, in the order of their ids, as requests come.
_LOG = """
INSERT INTO scim_provisioningevent
    (id, at, request_id, token_label, operation, method, path, resource_type, resource_id, status,
     scim_type, reason, detail, sent, notes, count, duration_ms, user_agent)
SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7000'
        || '8' || lpad(to_hex(number), 15, '0'))::uuid,
    moment, 'request' || number, 'Microsoft Entra ID',
    CASE WHEN number %% 3 = 0 THEN 'modify' ELSE 'query' END,
    CASE WHEN number %% 3 = 0 THEN 'PATCH' ELSE 'GET' END, '/scim/Users', 'User',
    ('00000000-0000-7000-8000-' || lpad((number %% %(people)s + 1)::text, 12, '0'))::uuid,
    CASE WHEN number %% %(refused)s = 0 THEN 400 ELSE 200 END, '',
    CASE WHEN number %% %(refused)s = 0 THEN 'user.email-missing' ELSE '' END, '', NULL, '[]', 1,
    number %% 40, 'Microsoft Entra'
FROM (
    SELECT number, now() - make_interval(secs => 2.6784 * (%(rows)s - number)) AS moment
    FROM generate_series(1, %(rows)s) AS number
) AS numbered
"""
USER = "00000000-0000-7000-8000-000000050000"
GROUP = "00000000-0000-7000-9000-000000000010"
LOG = "/admin/scim/provisioningevent/"
USERS = "/admin/scim/user/"
PAGES = (
    "/admin/",
    "/admin/?period=24h",
    "/admin/?period=90d",
    "/admin/setup/",
    USERS,
    f"{USERS}?p=40",
    f"{USERS}?state=disabled",
    f"{USERS}?q=user77@example.com",
    f"{USERS}?q=nobody",
    f"{USERS}{USER}/change/",
    "/admin/scim/group/",
    f"/admin/scim/group/{GROUP}/change/",
    LOG,
    f"{LOG}?p=40",
    f"{LOG}?outcome=refused",
    f"{LOG}?outcome=all",
    f"{LOG}?operation=modify",
    f"{LOG}?status=400",
    f"{LOG}?period=7d",
    f"{LOG}?q=user77@example.com",
    f"{LOG}?q=request77",
    "/admin/tenants/problem/",
    "/admin/tenants/alarm/",
    "/admin/search/?q=user77@example.com",
)


@pytest.fixture(scope="module")
def large(django_db_setup, django_db_blocker):
    """The tenant, and its admin."""
    with django_db_blocker.unblock():
        tenant = database.present_or_created("tyrell", "Tyrell Corp")
        try:
            fill(tenant, PEOPLE)
            with in_tenant(tenant), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
                amounts = {"rows": ROWS, "people": PEOPLE, "refused": NOW_AND_THEN}
                cursor.execute(_LOG, amounts)
            named = sql.Identifier(tenant.schema_name, "scim_provisioningevent")
            concurrently.execute(sql.SQL("VACUUM (ANALYZE) {}").format(named))
            yield (
                tenant,
                actions.create_account(COMMAND, tenant, "roy@tyrell.example", "", Role.ADMIN),
            )
        finally:
            database.drop(tenant)


@pytest.fixture
def roy(large):
    """The tenant's admin at the browser."""
    tenant, account = large
    client = Client(HTTP_HOST=tenant.host)
    with transaction.atomic(), in_tenant(tenant):
        client.force_login(account)
    return client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_stays_below_its_bounds(path, roy, large):
    tenant, _ = large
    resolution.forget()

    with noted() as statements:
        answer = roy.get(path, follow=True)

    asked = [each for each in statements if each[0].lstrip().startswith(("SELECT", "WITH"))]
    with in_tenant(tenant), transaction.atomic():
        read = sum(blocks(*each) for each in asked)
    assert answer.status_code == 200
    assert len(asked) <= MOST_STATEMENTS
    assert read < FEW_BLOCKS
