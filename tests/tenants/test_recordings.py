"""Migrations that are recorded once and replayed: the same schemas, in a fraction of the time."""

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor

from config.database import SERVING
from tenants import lifecycle, numbers, recordings, roles, schemas
from tenants.current import in_public
from tenants.models import Tenant
from tenants.recordings import Lacking
from tests.support import database
from tests.tenants.test_schemas import NEWEST, forget_migrations, has_table, migrate

LACKING = Lacking(frozenset({NEWEST}))

pytestmark = pytest.mark.owner  # schemas are migrated


@pytest.fixture
def initrode(db):
    """A tenant with an empty schema."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_initrode")
        tenant = Tenant(custom_domain="initrode", name="Initrode", schema_name="t_initrode")
        tenant.save()
    return tenant


def test_a_schema_made_by_recorded_statements_is_like_a_migrated_one(acme, operator, initrode):
    """Django migrates initrode; the database made acme by itself, and this process makes umbrella."""
    with schemas.alone("t_initrode"):
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    roles.grant(SERVING, "t_initrode")
    migrated = database.structure(initrode)
    forget_function()

    replayed = lifecycle.create_tenant("umbrella", "Umbrella")

    assert len(migrated) > 300
    assert database.structure(replayed) == migrated
    assert database.structure(acme) == migrated
    assert database.structure(operator) == migrated


@pytest.mark.parametrize(
    ("statement", "is_change"),
    [
        ('ALTER TABLE "scim_departure" ADD COLUMN "obstacle" varchar(200) NULL', True),
        ('SET CONSTRAINTS "a" IMMEDIATE; ALTER TABLE "t" DROP CONSTRAINT "a"', True),
        ('SET CONSTRAINTS "a" IMMEDIATE', False),
        ("SET LOCAL search_path = t_acme", False),
        ("SELECT 1", False),
        ('INSERT INTO "django_migrations" VALUES (1)', False),
    ],
)
def test_changes_of_migrations_are_recorded_and_questions_are_not(statement, is_change):
    assert recordings.is_change(statement) is is_change


def test_a_tenant_is_created_with_few_statements(acme, statements):
    with statements() as executed:
        lifecycle.create_tenant("initrode", "Initrode")
    # a name, row, what the function is like, the function
    assert len(executed) == 4

    forget_function()
    with statements() as executed:
        lifecycle.create_tenant("umbrella", "Umbrella")
    # a name, row, the function, where schemas are placed, schema, a DO block with everything in it, rights
    assert len(executed) == 7


def test_the_database_makes_a_schema_without_finding_out_what_a_migration_does(acme, monkeypatch):
    monkeypatch.setattr(recordings, "_recordings", {})

    lifecycle.create_tenant("initrode", "Initrode")

    assert recordings._recordings == {}


def test_the_database_makes_schemas_where_one_login_does_everything(
    acme, globex, settings, monkeypatch
):
    settings.OWNER_DATABASE = None
    monkeypatch.setattr(recordings, "_recordings", {})
    migrate(verbosity=0)
    made_by_migrate = set(recordings._recordings)
    recordings._recordings.clear()

    initrode = lifecycle.create_tenant("initrode", "Initrode")

    assert (len(made_by_migrate), recordings._recordings) == (1, {})
    assert not has_rights_in("t_initrode")
    roles.grant(SERVING, "t_initrode")
    assert database.structure(initrode) == database.structure(globex)


def test_a_function_of_another_program_makes_no_schema(acme, monkeypatch):
    """The program is new and `migrate` has not run yet."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("COMMENT ON FUNCTION public.create_tenant_schema(text) IS 'another'")
    monkeypatch.setattr(recordings, "_recordings", {})

    initrode = lifecycle.create_tenant("initrode", "Initrode")

    assert len(recordings._recordings) == 1
    assert database.structure(initrode) == database.structure(acme)


def test_a_function_of_another_owner_makes_no_schema(acme, monkeypatch):
    """The tables would be that login's, and of no use to the present one."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {SERVING}")
        cursor.execute(f"ALTER FUNCTION public.create_tenant_schema OWNER TO {SERVING}")
    monkeypatch.setattr(recordings, "_recordings", {})

    initrode = lifecycle.create_tenant("initrode", "Initrode")

    assert len(recordings._recordings) == 1
    assert database.structure(initrode) == database.structure(acme)


def test_no_step_of_a_new_tenant_reads_the_catalog_of_all_tenants(acme):
    """The catalog has a row for each table, index and sequence of each tenant."""
    read_by_index_where_one_serves()
    before = reads_of_all_relations()

    lifecycle.create_tenant("initrode", "Initrode")
    forget_function()
    lifecycle.create_tenant("umbrella", "Umbrella")
    with schemas.alone("t_acme"):
        schemas.lock("t_acme")
    assert numbers.behind("t_acme") == []

    assert reads_of_all_relations() == before


def test_a_right_that_was_added_for_the_serving_login_is_found_and_taken_away(acme, globex):
    """Although the owner, as in tests, is a member of that login and so has the right, too."""
    before = database.structure(acme)
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"GRANT UPDATE ON t_acme.accounts_auditentry TO {SERVING}")

    assert roles.unlike(SERVING, ["t_acme", "t_globex"]) == ["t_acme"]
    roles.grant(SERVING, "t_acme")

    assert roles.unlike(SERVING, ["t_acme", "t_globex"]) == []
    assert database.structure(acme) == before


@pytest.mark.parametrize("is_by_function", [True, False])
def test_the_serving_login_has_no_right_that_new_tables_give_to_all(acme, is_by_function):
    """An operator has granted more by default, as some hosts of PostgreSQL do."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {SERVING}")
    if not is_by_function:
        forget_function()

    initrode = lifecycle.create_tenant("initrode", "Initrode")

    assert roles.unlike(SERVING, ["t_initrode"]) == []
    assert database.structure(initrode) == database.structure(acme)


def test_the_second_tenant_that_lacks_a_migration_gets_the_statements_of_the_first(
    acme, globex, statements, monkeypatch
):
    monkeypatch.setattr(recordings, "_recordings", {})
    before = database.structure(acme)
    forget_migrations(acme)
    forget_migrations(globex)

    schemas.migrate("t_acme", LACKING)
    with statements() as executed:
        schemas.migrate("t_globex", LACKING)

    assert len(executed) == 3  # whether Citus is there, a DO block, and one with rights
    assert database.structure(globex) == database.structure(acme)
    assert sorted(database.structure(globex)) == sorted(before)


def test_a_schema_that_nobody_uses_shows_what_a_migration_does(acme, statements, monkeypatch):
    """Django takes its time, and whoever waits for a table of the tenant's would wait for Python."""
    monkeypatch.setattr(recordings, "_recordings", {})
    forget_migrations(acme)

    with statements() as found_out, schemas.alone("t_acme"):
        recordings.prepare(LACKING)
    with statements() as done:
        for turn in schemas.turns({"t_acme": LACKING}):
            schemas.migrate_served(turn)

    assert any("t_scratch_" in each for each in found_out)
    assert not [each for each in found_out if "t_acme" in each]
    _, asked, migrated = done  # the first: whether Citus is there
    assert "pg_class" in asked
    order = ("LOCK TABLE", "accounts_secrettoken", "accounts_account", "DO 'DECLARE")
    assert sorted(order, key=migrated.index) == list(order)
    assert not has_table(acme, "django_session")


def test_a_tenant_of_before_loses_the_indexes_of_digests_and_can_get_them_back(acme, globex):
    before = sorted(database.structure(globex))
    migrate("accounts", "0019_small_tables_without_indexes", schema="t_acme", verbosity=0)
    migrate("scim", "0020_created_is_found_by_operation", schema="t_acme", verbosity=0)
    unique = ("accounts_auditentry_hash_key", "accounts_clientsecret_digest_key")
    unique += ("accounts_recoverycode_digest_key", "scim_eventstream_digest_key")
    assert [has_table(acme, each) for each in unique] == [True] * 4
    assert [has_table(globex, each) for each in unique] == [False] * 4

    migrate(verbosity=0)

    assert sorted(database.structure(acme)) == before


def test_a_tenant_that_is_behind_shows_what_a_new_one_lacks(acme, globex, statements, monkeypatch):
    """So a `migrate` has Django go through all migrations once, not twice."""
    monkeypatch.setattr(recordings, "_recordings", {})
    passes = []
    record = recordings._record
    monkeypatch.setattr(
        recordings, "_record", lambda each: passes.append(len(each)) or record(each)
    )
    forget_migrations(globex)
    forget_function()

    migrate(verbosity=0)
    with statements() as executed:
        made_by_function = lifecycle.create_tenant("initrode", "Initrode")
    forget_function()
    made_by_process = lifecycle.create_tenant("umbrella", "Umbrella")

    assert passes == [len(recordings.known()) - 1, 1]
    assert len(executed) == 4
    assert database.structure(made_by_function) == database.structure(acme)
    assert database.structure(made_by_process) == database.structure(acme)


def test_tenants_that_lack_different_migrations_get_their_own(acme, globex):
    """The table of migrations may be there and empty: then it is not made again."""
    migrate("scim", "zero", schema="t_globex", verbosity=0)
    forget_migrations(acme)

    migrate(verbosity=0)

    assert not has_table(acme, "django_session")
    assert has_table(globex, "scim_resource")
    assert schemas.behind() == []


def test_a_tenant_that_has_no_migration_at_all_is_brought_up_to_date(initrode):
    migrate("sessions", schema="t_initrode", verbosity=0)
    migrate("sessions", "zero", schema="t_initrode", verbosity=0)

    migrate(verbosity=0)

    assert has_table(initrode, "scim_resource")
    assert schemas.behind() == []


def test_a_migration_that_a_later_one_needs_is_not_applied_behind_it(acme, globex):
    """Somebody wrote to the table by hand: the others go on, and this one is named at the end."""
    forget_migrations(acme, "0013_former_secrets")
    forget_migrations(globex)

    with pytest.raises(
        CommandError, match=r"t_acme: Migration scim\.0014_reasons is applied before"
    ):
        migrate(verbosity=0)

    assert not has_table(globex, "django_session")
    with pytest.raises(InconsistentMigrationHistory), schemas.alone("t_acme"):
        recordings.apply(schemas.lacking(["t_acme"])["t_acme"])


def test_a_long_migrate_says_how_fast_it_is_and_how_long_the_rest_takes(
    acme, globex, monkeypatch, capsys
):
    monkeypatch.setattr("tenants.management.kit.SILENCE", 0.0)
    monkeypatch.setattr("tenants.management.kit.SAY_EVERY", 0.0)
    forget_migrations(acme)
    forget_migrations(globex)

    migrate(verbosity=0)

    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "Tenants: 0 done …"
    assert second.startswith("Tenants: 1 of 2 done, ")
    assert second.endswith(" s left …")


def test_the_pace_of_a_migrate_is_that_of_its_tenants(acme, globex, monkeypatch):
    """Django's work at the beginning is none of it."""
    monkeypatch.setattr(recordings, "_recordings", {})
    is_prepared = []
    monkeypatch.setattr(
        schemas,
        "migrate_served",
        lambda turn: is_prepared.append(recordings.is_prepared(turn.lacks)),
    )
    forget_migrations(acme)
    forget_migrations(globex)

    migrate(verbosity=0)

    assert is_prepared == [True, True]


def test_a_temporary_table_of_the_login_that_serves_takes_no_part(db):
    """The function has the owner's rights, and would run a trigger of it with them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t_acme.django_migrations")
        [noted] = cursor.fetchone()
        with database.served():
            cursor.execute(
                "CREATE TEMPORARY TABLE django_migrations (app text, name text, applied text)"
            )
            cursor.execute(
                "CREATE TEMPORARY TABLE pg_class AS SELECT * FROM pg_catalog.pg_class LIMIT 0"
            )
            cursor.execute("GRANT ALL ON pg_temp.django_migrations, pg_temp.pg_class TO PUBLIC")
            roles.create_schema("t_initrode")
        cursor.execute("RESET ROLE")
        cursor.execute(
            "SELECT (SELECT count(*) FROM t_initrode.django_migrations),"
            " (SELECT count(*) FROM pg_temp.django_migrations)"
        )
        assert cursor.fetchone() == (noted, 0)

    assert roles.unlike(SERVING, ["t_initrode"]) == []


def forget_function():
    """Leave the database without the means to make schemas by itself."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION public.create_tenant_schema(text)")


# A row by an index costs more than one of a table that is read from its beginning to its end.
COSTS = {
    "seq_page_cost": 0,
    "random_page_cost": 0,
    "cpu_tuple_cost": 1,
    "cpu_index_tuple_cost": 1.5,
}


def read_by_index_where_one_serves():
    """Have PostgreSQL plan for the rest of the transaction by the rows that it reads, whatever pages hold them.

    In a small catalog it would read all of it for a few names, and where most rows are dead the whole of an index.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")  # of functions and prepared statements
        for name, cost in COSTS.items():
            cursor.execute(f"SET LOCAL {name} = {cost}")


ALL_READ = (
    "SELECT count(*) FROM pg_class",
    "SELECT relname FROM pg_class WHERE relkind = 'S'",
    "SELECT relname FROM pg_class WHERE relnamespace = 't_acme'::regnamespace",
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 't_acme'",
    "SELECT count(*) FROM pg_tables WHERE schemaname = 't_acme'",
)
FEW_READ = (
    "SELECT 't_acme.scim_resource'::regclass",
    "SELECT oid FROM pg_class WHERE relname = 'scim_resource' AND relnamespace = 't_acme'::regnamespace",
)


@pytest.mark.parametrize(
    ("statement", "reads"), [(s, 1) for s in ALL_READ] + [(s, 0) for s in FEW_READ]
)
def test_a_read_of_the_whole_catalog_is_told_from_one_by_index(acme, statement, reads):
    read_by_index_where_one_serves()
    before = reads_of_all_relations()

    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert reads_of_all_relations() == before + reads


def reads_of_all_relations():
    """The number of times that this transaction has read the whole catalog of relations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_sys_tables WHERE relname = 'pg_class'")
        return cursor.fetchone()[0]


def has_rights_in(schema_name):
    """True if the login that serves may enter the schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_schema_privilege(%s, %s, 'USAGE')", [SERVING, schema_name])
        return cursor.fetchone()[0]
