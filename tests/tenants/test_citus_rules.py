"""The rules that keep the schemas fit for Citus (docs/platform.md), held by models and migrations.

Tenants are then distributed by schema over many servers, without a change to the program.
"""

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.db.migrations import AddField, AlterField, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader

from tenants import schemas

SHARED = {"tenants", "contenttypes"}
OWN = ("tenants", "accounts", "scim")
TENANT_MODELS = [
    model
    for app in apps.get_app_configs()
    if app.name in settings.TENANT_APPS
    for model in app.get_models(include_auto_created=True)
]
MIGRATIONS = {
    name: migration
    for name, migration in MigrationLoader(None).disk_migrations.items()
    if name[0] in OWN
}


@pytest.fixture
def sql(db):
    """The SQL of every migration of ours, as one text per migration, on an empty schema."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_initrode")
    with schemas.alone("t_initrode"):
        loader = MigrationLoader(connection)
        return {
            name: "\n".join(loader.collect_sql([(migration, False)]))
            for name, migration in loader.disk_migrations.items()
            if name[0] in OWN
        }


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_no_relation_leads_out_of_the_tenants_schema(model):
    related = [field.related_model for field in model._meta.get_fields() if field.is_relation]

    assert [other for other in related if other._meta.app_label in SHARED] == []


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_keys_are_uuids_identities_or_natural(model):
    """Sequences that are owned by no identity column are not moved with their schema."""
    for key in model._meta.pk_fields:
        column = key.target_field if key.is_relation else key

        assert isinstance(column, (models.UUIDField, models.AutoField, models.CharField))


def test_no_column_becomes_an_identity_later():
    """Citus refuses ALTER COLUMN ADD GENERATED AS IDENTITY; inline it is fine."""
    for name, migration in MIGRATIONS.items():
        for operation in migration.operations:
            if isinstance(operation, (AddField, AlterField)):
                assert not isinstance(operation.field, models.AutoField), name


FORBIDDEN = {
    "a trigger": r"\bTRIGGER\b",
    "a function": r"\bCREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b",
    "an extension, which belongs to the database": r"\bCREATE EXTENSION\b",
    "another schema": r"\b(t_\w+|public|support)\"?\.",
    "the search path": r"\bsearch_path\b",
    "a column with a constraint that has no name": r"\bADD COLUMN[^;]*\b(CHECK|UNIQUE|PRIMARY KEY)\b",
    "an upsert with a clock of the server": r"ON CONFLICT.*\b(now|current_timestamp)\b",
}


@pytest.mark.owner  # migrations are read on a schema
def test_no_migration_holds_what_citus_refuses(sql):
    found = {
        (what, name)
        for what, pattern in FORBIDDEN.items()
        for name, text in sql.items()
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL)
    }

    assert found == set()


def test_migrations_run_one_statement_at_a_time():
    """Citus refuses several statements in one string on distributed tables."""
    for name, migration in MIGRATIONS.items():
        for operation in migration.operations:
            if isinstance(operation, RunSQL):
                assert isinstance(operation.sql, str), name
                assert ";" not in operation.sql.rstrip().rstrip(";"), name


def test_migrations_can_be_compiled_to_sql():
    """Python that changes rows cannot be replayed for a thousand tenants, nor read by this test."""
    for name, migration in MIGRATIONS.items():
        assert not any(isinstance(operation, RunPython) for operation in migration.operations), name
