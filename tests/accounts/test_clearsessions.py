"""`manage.py clearsessions` deletes what has expired in the schema of every tenant."""

import io
from datetime import timedelta

from django.core.management import call_command
from django.db import connection

from accounts.models import Session
from tenants import clock, lifecycle
from tenants.current import in_tenant
from tests.support import database


def add_session(tenant, key, days):
    with in_tenant(tenant):
        Session.objects.create(
            session_key=key,
            session_data="",
            expire_date=clock.now() + timedelta(days=days),
            seen_at=clock.now(),
        )


def keys(tenant):
    with in_tenant(tenant):
        return set(Session.objects.values_list("session_key", flat=True))


def printed():
    out = io.StringIO()
    call_command("clearsessions", stdout=out)
    return out.getvalue()


def test_expired_sessions_of_all_tenants_are_deleted(acme, globex, operator):
    for tenant in (acme, globex, operator):
        add_session(tenant, f"old of {tenant.custom_domain}", days=-1)
    add_session(acme, "live", days=1)
    lifecycle.suspend(globex)

    assert printed() == "3 expired sessions deleted.\n"

    assert (keys(acme), keys(globex), keys(operator)) == ({"live"}, set(), set())


def test_one_is_counted_as_one(acme):
    add_session(acme, "old", days=-1)

    assert printed() == "1 expired session deleted.\n"


def test_a_tenant_whose_schema_is_not_migrated_yet_keeps_no_other_waiting(acme, globex):
    add_session(globex, "old", days=-1)
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE t_acme.accounts_session")

    assert printed() == "1 expired session deleted.\n"
