"""Heads of audit chains, noted in staff's log and exported: newest entries that were removed are missed."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management.base import CommandError
from django.db import connection

from accounts import audit, audit_heads
from accounts.audit import Actor
from accounts.models import AuditEntry
from tenants import clock
from tenants.current import in_tenant
from tests.support import database
from tests.support.commands import run

NOW = "2026-11-25T09:30:00Z"
ALICE = Actor("alice@mypolicies.example (staff)")


def act(tenant, *acts):
    with in_tenant(tenant):
        return [audit.record(ALICE, each, "bjensen") for each in acts]


def remove(tenant, *entries):
    """As the owner of the table can."""
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        cursor.execute("GRANT DELETE ON accounts_auditentry TO CURRENT_USER")
        AuditEntry.objects.filter(pk__in=[each.pk for each in entries]).delete()
        cursor.execute("REVOKE DELETE ON accounts_auditentry FROM CURRENT_USER")
        assert audit.verify_chain() is None


def missing(tenant):
    found = audit_heads.first_missing(tenant, audit_heads.noted().get(tenant.pk, []))
    return found and found.entry_id


def notes(operator):
    with in_tenant(operator):
        return list(AuditEntry.objects.filter(act=audit_heads.NOTED).order_by("id"))


def test_the_newest_entry_of_each_tenant_is_noted_in_staffs_own_log(acme, globex, operator):
    [ours], [theirs] = act(acme, "one"), act(globex, "one")

    assert audit_heads.note_changed() == 2

    [entry] = notes(operator)
    assert sorted(entry.details["heads"]) == sorted(
        f"{tenant.pk}:{last.pk}:{bytes(last.hash).hex()}"
        for tenant, last in ((acme, ours), (globex, theirs))
    )
    with in_tenant(operator):
        assert audit.verify_chain() is None


def test_a_log_that_only_grew_has_all_its_heads(acme, globex, operator):
    for round_ in ("one", "two", "three"):
        act(acme, round_)
        audit_heads.note_changed()

    assert [missing(acme), missing(globex)] == [None, None]


def test_newest_entries_that_were_removed_are_missed_though_the_chain_holds(acme, globex, operator):
    act(acme, "one")
    audit_heads.note_changed()
    *_, last = removed = act(acme, "two", "three")
    act(globex, "two")
    audit_heads.note_changed()
    remove(acme, *removed)

    assert [missing(acme), missing(globex)] == [last.pk, None]


def test_entries_that_follow_a_removal_do_not_hide_it(acme, operator):
    act(acme, "one")
    removed = act(acme, "two")
    audit_heads.note_changed()
    remove(acme, *removed)
    act(acme, "two", "three")
    audit_heads.note_changed()

    assert missing(acme) == removed[0].pk


def test_a_tenant_that_did_nothing_is_not_noted_again(acme, globex, operator):
    act(acme, "one")
    act(globex, "one")
    audit_heads.note_changed()
    [last] = act(acme, "two")

    assert [audit_heads.note_changed(), audit_heads.note_changed()] == [1, 0]
    assert notes(operator)[-1].details["heads"] == [f"{acme.pk}:{last.pk}:{bytes(last.hash).hex()}"]


def test_heads_are_noted_once_an_hour(acme, operator):
    with time_machine.travel(NOW, tick=False) as clocks:
        act(acme, "one")
        first = audit_heads.note_due()
        act(acme, "two")
        clocks.shift(timedelta(minutes=59))
        early = audit_heads.note_due()
        clocks.shift(timedelta(minutes=1))

        assert [bool(first), early, audit_heads.note_due()] == [True, 0, 1]
        assert notes(operator)[-1].at == clock.now()


def test_a_tenant_that_was_restored_begins_anew(acme, operator):
    removed = act(acme, "one")
    audit_heads.note_changed()
    remove(acme, *removed)
    with in_tenant(operator):
        audit.record(ALICE, audit_heads.RESTORED, "acme", {"tenant": "acme", "file": "a.zip"})

    assert missing(acme) is None
    act(acme, "two")
    assert audit_heads.note_changed() == 1


def test_an_export_finds_what_was_removed_of_staffs_own_log_too(acme, operator, tmp_path):
    act(acme, "one")
    removed = act(operator, "one")
    heads = tmp_path / "heads.json"
    heads.write_text(run("audit", "heads", "--json")[0])
    remove(operator, *removed)

    assert run("audit", "verify", "--all")[0] == "acme: intact\nadmin: intact\nglobex: intact\n"
    with pytest.raises(CommandError) as refused:
        run("audit", "verify", "--all", "--heads", str(heads))
    assert str(refused.value) == "Tampered audit logs: admin."


def test_verifying_names_the_entry_that_is_missing(acme, operator, capsys):
    removed = act(acme, "one")
    audit_heads.note_changed()
    remove(acme, *removed)

    with pytest.raises(CommandError, match="Tampered audit logs: acme"):
        run("audit", "verify", "acme")
    assert missing(acme) == removed[0].pk


@pytest.mark.parametrize(
    "content", ["", "{}", "[7]", '[{"id": "x", "entry": 1, "hash": "00"}]', "[" * 100_000]
)
def test_a_file_that_is_no_export_is_refused(acme, operator, tmp_path, content):
    heads = tmp_path / "heads.json"
    heads.write_text(content)

    with pytest.raises(CommandError, match="is not what `audit heads --json` prints"):
        run("audit", "verify", "acme", "--heads", str(heads))


def test_an_export_is_read_as_it_was_printed(acme, globex, operator):
    [last] = act(acme, "one")

    found = audit_heads.read_export(json.loads(run("audit", "heads", "--json")[0]))

    [head] = found[acme.pk]
    assert (head.entry_id, head.hash) == (last.pk, bytes(last.hash))
