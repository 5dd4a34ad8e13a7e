"""`manage.py doctor` examines the installation and every tenant, and says what to do."""

import json
import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from accounts import actions, audit, audit_heads
from accounts.actions import Actor
from accounts.audit import Actor as Auditor
from accounts.models import Account, AuditEntry
from config import doctor
from config.doctor import Finding, Level
from config.edge.proxies import read_trusted_proxies
from tenants import clock, rewriting
from tenants.current import in_public, in_tenant
from tenants.models import Mail, Traffic
from tests.support import citus, database
from tests.support.commands import run
from tests.support.payloads import user
from tests.tenants.test_numbers import set_back

PASSWORD = "correct horse battery staple"
COMMAND = Actor(name="root (command line)", is_command=True)


@pytest.fixture
def healthy(acme, globex, operator, settings, monkeypatch):
    """Both clocks are equal, also where the tests run on a later day than PostgreSQL, which may be slow."""
    monkeypatch.setattr(doctor, "time_of_database", clock.now)
    monkeypatch.setattr(doctor, "SLOW", 60.0)
    settings.DATABASE_URL = "postgresql://mypolicies@db.example/mypolicies"
    settings.OWNER_DATABASE = {"USER": "owner"}
    settings.EMAIL_HOST = "smtp.example"
    settings.TRUSTED_PROXIES = read_trusted_proxies("192.0.2.1")
    with in_public():
        Mail.objects.all().delete()
    actions.create_staff(COMMAND, "olga@mypolicies.example", PASSWORD)


def examined(*arguments):
    """The exit status and the findings."""
    status = 0
    try:
        out, err = run("doctor", "--json", *arguments)
    except SystemExit as ended:
        status, out, err = ended.code, "", ""
    return status, json.loads(out) if out else None, err


def found():
    return [
        each for name, look in doctor.examinations().items() for each in doctor.examine(name, look)
    ]


def test_a_healthy_installation_has_no_findings(healthy):
    status, findings, err = examined()

    assert (status, findings) == (0, [])
    assert "No problems found." in err


def test_a_finding_names_its_tenant_and_the_next_step(healthy, acme):
    with in_tenant(acme):
        Account.objects.create(email="tara@acme.example", role="admin")
        tara = Account.objects.get(email="tara@acme.example")
    request = actions.TokenRequest("Entra", tara.id, days=90)
    minted = actions.mint_token(COMMAND, acme, request)
    with in_public():
        acme.expiries.update(expires_at=clock.now() + timedelta(days=3, minutes=5))
        day = f"{acme.expiries.get().expires_at:%Y-%m-%d}"

    [finding] = found()

    assert (finding.examination, finding.level, finding.tenant) == (
        "credentials",
        Level.WARNING,
        "acme",
    )
    assert finding.sentence.endswith(f"expires on {day}.")
    assert minted.value not in finding.sentence
    assert finding.remedy == "Make a new one and enter it in Entra."
    assert examined("--quick")[0] == 1


def test_a_silent_tenant_is_found(healthy, globex):
    with in_public():
        past = clock.now() - timedelta(hours=5)
        Traffic.objects.update_or_create(
            tenant=globex, defaults={"last_request_at": past, "last_success_at": past}
        )

    [finding] = found()

    assert (finding.examination, finding.tenant) == ("traffic", "globex")
    assert finding.sentence.startswith("Silent since ")


def test_e_mails_that_nobody_sends_are_found(healthy, acme, operator):
    with in_public():
        Mail.objects.all().delete()
    actions.invite_admin(COMMAND, acme, "new@acme.example", "New")
    with in_public():
        Mail.objects.update(queued_at=clock.now() - timedelta(hours=1))

    [finding] = found()

    assert finding.sentence == "1 e-mail waits for more than 15 minutes."


def test_a_slow_database_is_found(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "SLOW", 0.0)

    [finding] = found()

    assert (finding.examination, finding.tenant) == ("database", "")
    assert re.fullmatch(r"The simplest statement takes \d+ ms\.", finding.sentence)


def test_logs_that_grow_beyond_the_limit_are_found(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "LARGE", 0)

    assert {each.tenant for each in found()} == {"acme", "globex", "admin"}
    assert {each.examination for each in found()} == {"log growth"}


def test_a_right_that_was_granted_on_an_append_only_table_is_found(healthy, acme):
    with in_tenant(acme), database.owned(), connection.cursor() as cursor:
        cursor.execute("GRANT DELETE ON accounts_auditentry TO PUBLIC")

    [finding] = found()

    assert (finding.level, finding.tenant) == (Level.CRITICAL, "acme")
    assert finding.sentence == "Append-only tables can be changed: accounts_auditentry."


def test_a_schema_that_is_behind_is_found(healthy, globex):
    with in_tenant(globex), database.owned(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE name = '0002_append_only' AND app = 'scim'"
        )

    [finding] = found()

    assert (finding.tenant, finding.sentence) == ("globex", "1 migration missing.")
    assert finding.remedy == "manage.py migrate"


def test_a_clock_that_differs_from_the_databases_is_found(healthy, monkeypatch):
    ahead = doctor.time_of_database() + timedelta(minutes=10)
    monkeypatch.setattr(doctor, "time_of_database", lambda: ahead)

    [finding] = [each for each in found() if each.examination == "clock"]

    assert finding.level == Level.CRITICAL
    assert "s apart" in finding.sentence


def test_an_entry_that_was_changed_breaks_the_chain(healthy, acme):
    with in_tenant(acme):
        entry = audit.record(Auditor("alice"), "role changed", "tara@acme.example", {"to": "admin"})
        with database.owned(), rewriting.rewriting(audit.TABLE):
            AuditEntry.objects.filter(pk=entry.pk).update(actor="mallory")

    status, _, _ = examined()

    assert status == 2
    assert doctor.examine_audit_log(acme, {})[0].sentence == f"Entry {entry.pk} breaks the chain."
    assert examined("--quick")[0] == 0


def test_newest_entries_that_were_removed_are_missed(healthy, acme, globex):
    """As the owner of the tables can: the chain that is left holds."""
    for tenant in (acme, globex):
        with in_tenant(tenant):
            last = audit.record(Auditor("alice"), "role changed", "tara@acme.example", {})
    audit_heads.note_changed()
    with in_tenant(acme):
        last = AuditEntry.objects.first()
        with database.owned(), rewriting.rewriting(audit.TABLE):
            AuditEntry.objects.filter(pk=last.pk).delete()
        assert audit.verify_chain() is None

    status, _, _ = examined()
    heads = audit_heads.noted()
    [finding] = doctor.examine_audit_log(acme, heads)

    assert (status, finding.level) == (2, Level.CRITICAL)
    assert finding.sentence == (
        f"Entry {last.pk} is missing, which was the newest once: somebody removed entries."
    )
    assert doctor.examine_audit_log(globex, heads) == []


def test_an_examination_that_the_database_fails_is_a_finding_and_the_others_go_on(
    healthy, monkeypatch
):
    def down():
        raise OperationalError("connection failed: no route to node 3\nDETAIL: a row")
        yield

    looks = {"traffic": down, **doctor.examinations()}
    monkeypatch.setattr(
        doctor, "examinations", lambda: {"nodes": down, **looks} | {"traffic": down}
    )

    findings = found()

    assert findings[0] == Finding(
        "nodes",
        Level.CRITICAL,
        "Could not be examined: connection failed: no route to node 3.",
        "See PostgreSQL's log.",
    )
    assert [each.examination for each in findings] == ["nodes", "traffic"]


def test_a_tenant_that_cannot_be_read_is_a_finding(healthy, acme, monkeypatch):
    def down(*_):
        raise OperationalError("the node is down")

    monkeypatch.setattr(audit, "verify_chain", down)

    [finding] = doctor.examine_audit_log(acme, {})

    assert (finding.level, finding.tenant) == (Level.CRITICAL, "acme")


def test_the_time_of_the_database_is_asked_of_it(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [before] = cursor.fetchone()

    assert timedelta() <= doctor.time_of_database() - before < timedelta(hours=1)


def test_a_node_that_does_not_answer_is_found_with_the_tenants_on_it(healthy, acme, globex):
    citus.install_catalog()
    name = citus.place(acme)
    citus.stop_node(name)

    nodes = [each for each in found() if each.examination == "placement"]

    assert nodes == [
        Finding(
            "placement",
            Level.CRITICAL,
            f"The node {name}:5432 does not answer (tenants on it: 1).",
            "Start it, or promote its standby.",
        ),
        Finding(
            "placement",
            Level.WARNING,
            "The tenant's tables are on the coordinator.",
            "manage.py placement move globex HOST:PORT",
            "globex",
        ),
    ]


def test_numbers_that_are_taken_are_found(healthy, scim, acme, globex):
    """As after the restore of a coordinator to an earlier moment than its workers."""
    citus.install_catalog()
    for tenant in (acme, globex):
        citus.place(tenant)
    scim(acme).post("/Users", user("bjensen"))
    set_back(acme)

    numbers = [each for each in found() if each.examination == "placement"]

    assert numbers == [
        Finding(
            "placement",
            Level.CRITICAL,
            "New rows get numbers that are taken: scim_attributechange.",
            "manage.py placement catch-up",
            "acme",
        )
    ]


@pytest.mark.owner  # asks for the owner's rights
def test_a_log_that_can_be_changed_on_its_worker_is_found(healthy, acme):
    citus.install_catalog()
    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scim_provisioningevent_102033 (id int)")

    privileges = [each for each in found() if each.examination == "privileges"]

    assert privileges == [
        Finding(
            "privileges",
            Level.CRITICAL,
            "Append-only tables can be changed on their worker: scim_provisioningevent.",
            "manage.py placement move acme to the node on which it is.",
            "acme",
        )
    ]


def test_more_tables_than_a_dump_can_lock_are_found(healthy, monkeypatch):
    """As many as PostgreSQL counts: a tenant gets tables with every other release."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'")
        (tables,) = cursor.fetchone()
    few = doctor._LOCKS.replace("'max_locks_per_transaction'", "'max_parallel_workers'")
    monkeypatch.setattr(doctor, "_LOCKS", few.replace("'max_connections'", "'max_wal_senders'"))

    [finding] = found()

    assert (finding.examination, finding.level) == ("locks", Level.WARNING)
    assert finding.sentence == (
        f"pg_dump of everything locks {tables:,} tables, and there is room for 80 locks."
    )
