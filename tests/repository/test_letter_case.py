"""The migration to one letter case: the rows of the log that are there get their key."""

from importlib import import_module

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.migrations import RunSQL

from scim.models import ProvisioningEvent
from tenants import clock
from tenants.current import in_tenant
from tests.support import database

MIGRATION = import_module("scim.migrations.0012_one_letter_case").Migration
FILLING = [each.sql for each in MIGRATION.operations if isinstance(each, RunSQL)]
_INSERT = """
INSERT INTO scim_provisioningevent (id, at, request_id, token_label, operation, method, path,
    resource_type, resource_id, status, reason, scim_type, detail, sent, notes, count, user_agent)
VALUES (%s, %s, '', '', 'create', 'POST', '/scim/Users', 'User', %s, 409, 'x', '', '', %s, '[]', 1, '')
"""
ID = "018f3c2e-0000-7000-8000-000000000000"


def keys_after_filling(tenant, *rows):
    """The keys of rows with that resource id and what was sent, written before there was a key."""
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        for identifier, sent in rows:
            now = clock.now()
            cursor.execute(_INSERT, [clock.new_id(now), now, identifier, sent])
        for statement in FILLING:
            cursor.execute(statement)
        return list(
            ProvisioningEvent.objects.order_by("id").values_list("user_name_key", flat=True)
        )


def test_a_refused_create_gets_the_key_of_its_user_name_and_nothing_else_does(acme, globex):
    rows = [
        (None, '{"userName": "Ren\u00c9@acme.example"}'),
        (ID, '{"userName": "bjensen@acme.example"}'),
        (None, '{"userName": 7}'),
        (None, None),
    ]

    assert keys_after_filling(acme, *rows) == ["rené@acme.example", None, None, None]
    assert keys_after_filling(globex) == []


def test_the_log_cannot_be_changed_afterwards(acme):
    keys_after_filling(acme, (None, '{"userName": "bjensen"}'))

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        change_a_key(acme)


def change_a_key(tenant):
    with in_tenant(tenant):
        ProvisioningEvent.objects.update(user_name_key="x")
