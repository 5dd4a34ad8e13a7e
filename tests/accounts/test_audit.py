"""The audit log: what an entry holds, that it can only be added to, and how tampering shows."""

import os
import pwd
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
import time_machine
from django.db import connection, transaction
from django.db.migrations.state import ProjectState
from django.db.utils import ProgrammingError
from psycopg.errors import InsufficientPrivilege

from accounts import audit
from accounts.actions import Actor
from accounts.models import Account, AuditEntry
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support import database

ALICE = Actor(name="alice@mypolicies.example (staff)", address="192.0.2.7")


@time_machine.travel("2026-11-25T09:30:00Z", tick=False)
def test_an_entry_says_who_did_what_to_what_when_and_from_where(acme):
    with in_tenant(acme):
        audit.record(ALICE, "secret token minted", "Entra (0a1b2c3d)", {"days": 365})
        entry = AuditEntry.objects.values(
            "at", "actor", "act", "subject", "details", "address"
        ).get()

    assert {**entry, "at": entry["at"].isoformat()} == {
        "at": "2026-11-25T09:30:00+00:00",
        "actor": "alice@mypolicies.example (staff)",
        "act": "secret token minted",
        "subject": "Entra (0a1b2c3d)",
        "details": {"days": 365},
        "address": "192.0.2.7",
    }


def test_a_command_is_recorded_under_the_name_of_the_operating_systems_user():
    actor = Actor.command()

    assert actor.name == f"{pwd.getpwuid(os.getuid()).pw_name} (command line)"
    assert actor.address is None


def test_a_user_without_a_name_is_recorded_by_number(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)

    assert Actor.command().name == "uid 3999999999 (command line)"


def test_staff_and_tenant_admins_are_recorded_with_where_they_belong(acme, operator):
    staff = Account(email="alice@mypolicies.example", role=Role.SUPPORT)
    admin = Account(email="tara@acme.example", role=Role.ADMIN)

    assert Actor.account(staff, operator, None).name == "alice@mypolicies.example (staff)"
    assert Actor.account(admin, acme, None).name == "tara@acme.example (acme)"


def test_entries_form_a_chain_that_begins_with_zeros(acme):
    with in_tenant(acme):
        first = audit.record(ALICE, "tenant suspended", "acme")
        second = audit.record(ALICE, "tenant resumed", "acme")

    assert first.previous_hash == bytes(32)
    assert second.previous_hash == first.hash
    assert len(second.hash) == 32


def test_several_acts_are_entries_one_after_the_other(acme, globex):
    acts = [audit.Act("tenant created", "acme", {"name": "Acme"}), audit.Act("host added", "a.b")]

    with in_tenant(globex):
        audit.record(ALICE, "tenant suspended", "globex")
    with in_tenant(acme):
        before = audit.record(ALICE, "tenant suspended", "acme")
        first, second = audit.record_all(ALICE, acts)
        assert audit.verify_chain() is None

    assert (first.previous_hash, second.previous_hash) == (before.hash, first.hash)
    assert before.pk < first.pk < second.pk
    assert (first.details, second.details) == ({"name": "Acme"}, {})


def test_each_tenant_has_a_chain_of_its_own(acme, globex):
    with in_tenant(acme):
        audit.record(ALICE, "tenant suspended", "acme")
    with in_tenant(globex):
        entry = audit.record(ALICE, "tenant suspended", "globex")

    assert entry.previous_hash == bytes(32)


def test_text_longer_than_its_column_is_cut_and_the_chain_still_holds(acme):
    with in_tenant(acme):
        entry = audit.record(ALICE, "host added", 400 * "x")

        assert entry.subject == 300 * "x"
        assert audit.verify_chain() is None


@pytest.mark.parametrize("address", [None, "192.0.2.7", "2001:DB8::1", "::ffff:192.0.2.7"])
def test_an_untouched_chain_holds(acme, address):
    actor = Actor(name="José (command line)", address=address)
    details: audit.Details = {
        "label": 'Ünïcode "ids"',
        "count": 3,
        "ok": True,
        "none": None,
        "all": ["a", "b"],
    }

    with in_tenant(acme):
        for _ in range(3):
            audit.record(actor, "role changed", "tara@acme.example", details)

        assert audit.verify_chain() is None


def test_an_empty_chain_holds(acme):
    with in_tenant(acme):
        assert audit.verify_chain() is None


@pytest.mark.parametrize(
    "assignment",
    [
        "actor = 'mallory (staff)'",
        "act = 'nothing'",
        "subject = 'globex'",
        "details = '{\"days\": 1}'",
        "address = '198.51.100.1'",
        "at = at - interval '1 microsecond'",
        "hash = sha256(hash)",
    ],
)
def test_a_changed_entry_breaks_the_chain(acme, assignment):
    with in_tenant(acme):
        _, changed, _ = three_entries()
        tamper(f"UPDATE accounts_auditentry SET {assignment} WHERE id = %s", changed)

        assert audit.verify_chain() == changed.id


def test_a_removed_entry_breaks_the_chain_at_its_successor(acme):
    with in_tenant(acme):
        _, removed, successor = three_entries()
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", removed)

        assert audit.verify_chain() == successor.id


def test_an_entry_slipped_in_breaks_the_chain(acme):
    with in_tenant(acme):
        _, _, last = three_entries()
        forged = AuditEntry.objects.create(
            at=last.at, actor="mallory", act="x", previous_hash=bytes(31) + b"1", hash=bytes(32)
        )

        assert audit.verify_chain() == forged.id


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET act = 'nothing'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_the_application_may_neither_change_nor_remove_entries(acme, statement):
    with in_tenant(acme):
        refuse_superuser()
        with pytest.raises(ProgrammingError) as refused, transaction.atomic():
            connection.cursor().execute(statement)

    assert isinstance(refused.value.__cause__, InsufficientPrivilege)


@pytest.mark.owner  # of a migration
def test_the_migration_that_takes_the_rights_away_can_be_reversed_and_repeated(acme):
    append_only = import_module("accounts.migrations.0002_append_only").Migration.operations[0]
    state = ProjectState()

    with in_tenant(acme), connection.schema_editor() as editor:
        assert rights() == {"SELECT", "INSERT"}
        append_only.database_backwards("accounts", editor, state, state)
        assert rights() == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}
        append_only.database_forwards("accounts", editor, state, state)
        assert rights() == {"SELECT", "INSERT"}


def test_concurrent_writers_take_turns_and_the_chain_holds(real_tenants):
    initech, _ = real_tenants

    def write(number):
        for _ in range(10):
            with in_tenant(initech):
                audit.record(ALICE, "role changed", f"writer {number}")
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    with in_tenant(initech):
        assert AuditEntry.objects.count() == 40
        assert audit.verify_chain() is None


def three_entries():
    return [
        audit.record(ALICE, "role changed", subject, {"from": "member", "to": "admin"})
        for subject in ("tara@acme.example", "tim@acme.example", "tom@acme.example")
    ]


def tamper(statement, entry):
    """Do what only the tables' owner can: take back the right, then use it."""
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("GRANT UPDATE, DELETE ON accounts_auditentry TO CURRENT_USER")
        cursor.execute(statement, [entry.id])
        cursor.execute("REVOKE UPDATE, DELETE ON accounts_auditentry FROM CURRENT_USER")


def rights():
    """The rights of the tables' owner on the rows of the audit log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT acl.privilege_type FROM pg_class, aclexplode(relacl) acl "
            "WHERE oid = 'accounts_auditentry'::regclass AND grantee = relowner"
        )
        rights = {privilege for (privilege,) in cursor.fetchall()}
    return rights & {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}


def refuse_superuser():
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER")
        if cursor.fetchone() == (True,):
            pytest.skip("The tests run as a superuser, whom no privilege holds back.")
