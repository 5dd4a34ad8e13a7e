"""Migrating the registry and every tenant, and telling which tenants are behind."""

import io
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader

from tenants import schemas
from tenants.current import in_tenant
from tenants.models import Tenant
from tenants.recordings import Lacking
from tests.support import citus

pytestmark = pytest.mark.owner  # schemas are migrated


def migrate(*arguments, **options):
    """The output of `manage.py migrate`."""
    out = io.StringIO()
    call_command("migrate", *arguments, stdout=out, interactive=False, **options)
    return out.getvalue()


NEWEST = ("sessions", "0002_delete_session")  # none is after it, and all it does is to drop a table


def forget_migrations(tenant, *names):
    """As if these, and the newest, had not been applied yet."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = ANY(%s)", [[NEWEST[1], *names]])
        cursor.execute("CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY)")


def has_table(tenant, table):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{tenant.schema_name}.{table}"])
        return cursor.fetchone()[0]


def test_no_tenant_is_behind_after_it_was_created(acme, globex, operator):
    assert schemas.behind() == []


def test_one_bulk_statement_tells_who_is_behind(acme, globex, statements):
    forget_migrations(globex)

    with statements() as executed:
        assert schemas.behind() == ["t_globex"]

    # the tenants, whether Citus is there, who has a table of migrations, digests of them, names of one
    assert len(executed) == 6
    assert sum("sha256" in each for each in executed) == 1


def test_many_tenants_are_asked_in_chunks(acme, globex, monkeypatch):
    monkeypatch.setattr(schemas, "CHUNK", 1)
    forget_migrations(globex)

    assert schemas.behind() == ["t_globex"]


def test_a_tenant_without_its_table_of_migrations_is_behind(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_initrode")
    Tenant(custom_domain="initrode", name="Initrode", schema_name="t_initrode").save()

    assert schemas.behind() == ["t_initrode"]


def test_migrate_brings_only_those_up_to_date_that_are_behind(acme, globex):
    forget_migrations(globex)

    printed = migrate()

    assert "Schema public:" in printed
    assert "Schema t_globex:" in printed
    assert "t_acme" not in printed
    assert not has_table(globex, "django_session")
    assert schemas.behind() == []


def test_migrate_asks_little_when_nothing_is_to_do(acme, globex, statements):
    """Django's own command, which lists every table of every tenant, is left out."""
    with statements() as executed:
        printed = migrate()

    assert printed.startswith("Schema public: no migrations to apply.\n")
    assert len(executed) <= 14
    assert not [each for each in executed if "pg_table_is_visible" in each]


def test_migrate_brings_the_registry_up_to_date(acme):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.django_migrations WHERE app = 'sessions'")

    printed = migrate()

    assert "Applying sessions.0001_initial" in printed
    assert schemas.all_behind() == []


def test_migrate_can_be_told_one_schema(acme, globex):
    forget_migrations(acme)
    forget_migrations(globex)

    migrate(schema="t_globex", verbosity=0)

    assert schemas.behind() == ["t_acme"]


def test_migrate_goes_on_after_a_tenant_that_fails_and_reports_it_at_the_end(acme, globex):
    forget_migrations(acme)
    forget_migrations(globex)
    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_session")

    with pytest.raises(CommandError) as failed:
        migrate(verbosity=0)

    assert str(failed.value) == ('Not migrated:\n  t_acme: table "django_session" does not exist')
    assert schemas.behind() == ["t_acme"]
    assert not has_table(globex, "django_session")
    assert connection.schema_name == "public"


def test_migrate_makes_the_staff_tenant_and_names_the_next_step(db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tenants_tenant WHERE is_operator")
        cursor.execute("DROP SCHEMA support CASCADE")

    printed = migrate()

    assert Tenant.objects.get(is_operator=True).host == "admin.mypolicies.localhost"
    assert printed.endswith(
        "Next, create the first staff account:\n  manage.py account create-staff you@example.com\n"
    )


def test_migrate_check_says_whether_anything_is_to_do(acme, globex):
    migrate(check_unapplied=True)
    forget_migrations(globex)

    with pytest.raises(SystemExit) as stopped:
        migrate(check_unapplied=True)

    assert stopped.value.code == 1
    assert has_table(globex, "django_session")


def test_migrate_takes_every_tenant_back_and_forth(acme, globex):
    """Migrations are reversible, in all schemas, append-only tables included."""
    migrate("scim", "zero", verbosity=0)
    assert not has_table(acme, "scim_resource")
    assert not has_table(globex, "scim_resource")

    migrate(verbosity=0)
    assert has_table(acme, "scim_resource")
    assert has_table(globex, "scim_resource")


def test_a_schema_is_migrated_on_a_path_that_holds_it_alone(acme):
    with pytest.raises(ProgrammingError, match="tenants_tenant"), schemas.alone("t_acme"):
        Tenant.objects.exists()


def test_every_migration_is_atomic(db):
    """One that is not cannot run in its tenant's transaction, nor behind a pooler."""
    for name, migration in MigrationLoader(None).disk_migrations.items():
        assert migration.atomic, name


def test_a_migration_does_not_wait_long_for_a_lock(acme):
    """PostgreSQL ends one of two that wait for each other after a second, and it would be a request."""
    with schemas.alone("t_acme"), connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("500ms",)


@contextmanager
def used_by_somebody(tenant):
    """A request of the tenant's is under way, and has read who it is from."""
    with psycopg.connect(**connection.get_connection_params()) as session:
        session.execute(f"SELECT count(*) FROM {tenant.schema_name}.accounts_secrettoken")
        yield session


def test_a_migration_begins_again_until_nobody_uses_the_tenant(real_tenants, monkeypatch):
    """In the pauses the request goes on."""
    tenant, _ = real_tenants
    lacks = Lacking(frozenset({NEWEST}))
    forget_migrations(tenant)
    [turn] = schemas.turns({tenant.schema_name: lacks})
    waits = []

    with used_by_somebody(tenant) as session:

        def go_on(seconds):
            waits.append(seconds)
            session.execute(f"SELECT count(*) FROM {tenant.schema_name}.scim_resource")
            if len(waits) == 2:
                session.commit()

        monkeypatch.setattr(schemas, "sleep", go_on)
        schemas.migrate_served(turn)

    assert waits == [0.1, 0.2]
    assert not has_table(tenant, "django_session")
    assert schemas.behind() == []


def test_a_migration_that_gets_no_lock_in_its_time_is_named_at_the_end(real_tenants, monkeypatch):
    for tenant in real_tenants:
        forget_migrations(tenant)
    busy = real_tenants[0].schema_name
    monkeypatch.setattr(schemas, "PATIENCE_SECONDS", 0.2)

    with used_by_somebody(real_tenants[0]), pytest.raises(CommandError) as failed:
        migrate(verbosity=0)

    assert str(failed.value) == (
        f"Not migrated:\n  {busy}: canceling statement due to lock timeout"
    )
    assert schemas.behind() == [busy]
    assert not has_table(real_tenants[1], "django_session")
    migrate(verbosity=0)
    assert schemas.behind() == []


def test_a_migrated_tenant_waits_for_no_disk_and_migrate_waits_for_it_at_the_end(
    real_tenants, statements
):
    """PostgreSQL writes in the order of commits: what is on disk is there with all that it has seen."""
    for tenant in real_tenants:
        forget_migrations(tenant)
    with statements() as executed:
        migrate(verbosity=0)
    [*_, last] = [each for each in executed if "FOR KEY SHARE" in each]
    changes = [each for each in executed if "LOCK TABLE" in each]
    assert ["SET LOCAL synchronous_commit = off" in each for each in changes] == [True, True]
    assert executed.index(last) > executed.index(changes[-1])

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")  # the tests' PostgreSQL does without
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        [written] = cursor.fetchone()
        schemas.wait_for_disk()
        cursor.execute("SELECT pg_current_wal_flush_lsn() >= %s", [written])
        assert cursor.fetchone() == (True,)
        cursor.execute("RESET synchronous_commit")


def test_the_list_of_tables_reads_the_schemas_on_the_path_alone(acme, globex):
    with schemas.alone("t_acme"):
        of_acme = set(connection.introspection.table_names())
    with schemas.alone("public"):
        of_public = set(connection.introspection.table_names())
    with in_tenant(acme):
        of_both = set(connection.introspection.table_names())

    assert "scim_resource" in of_acme - of_public
    assert "tenants_tenant" in of_public - of_acme
    assert of_both == of_acme | of_public


def test_migrate_goes_on_without_tenants_whose_node_is_down_and_names_them(acme, globex):
    citus.install_catalog()
    citus.lose(acme, "scim_eventstream")
    forget_migrations(globex)

    named = pytest.raises(CommandError, match=r"t_acme: its node of the database does not answer$")
    with named:
        migrate(verbosity=0)

    assert not has_table(globex, "django_session")
    with named:
        migrate(check_unapplied=True, verbosity=0)
