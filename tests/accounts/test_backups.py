"""One tenant taken out into a file and put back: as it was, or not at all."""

import json
import stat
import zipfile
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts import audit
from accounts.actions import (
    ActionRefused,
    Actor,
    NotPermitted,
    add_host,
    backups,
    change_logo,
    resume_tenant,
)
from accounts.models import AuditEntry, Logo, SecretToken
from scim.models import AttributeChange, Resource
from tenants import archive, backup, clock, lifecycle, recordings, schemas
from tenants.current import in_public, in_tenant
from tenants.models import Domain, Guard, LegalHold, Tenant
from tests.support import clients, database, meeting
from tests.support.commands import run
from tests.support.installed import is_installed
from tests.support.logos import png
from tests.support.payloads import BJENSEN, user
from tests.support.people import COMMAND
from tests.support.waiting import WITHIN
from tests.tenants.test_schemas import migrate

pytestmark = pytest.mark.owner  # tenants are restored, and dropped


@pytest.fixture
def initrode(db):
    """A tenant that may vanish with the test's transaction."""
    return lifecycle.create_tenant("initrode", "Initrode")


@pytest.fixture
def filled(initrode, scim):
    """initrode with a user who was renamed, a group, a host and a guard: its client."""
    client = scim(initrode)
    made = client.post("/Users", BJENSEN).json
    client.post("/Groups", {"displayName": "Guides", "members": [{"value": made["id"]}]})
    client.delete(f"/Users/{client.post('/Users', user('gone')).json['id']}")
    add_host(COMMAND, initrode, "scim.acme.example")
    with in_public():
        Guard.objects.create(tenant=initrode, share_percent=7)
    return client


@pytest.fixture
def file(tmp_path):
    return tmp_path / "initrode.zip"


def audited(tenant):
    """The words of the newest entry of the tenant's audit log, and where its chain breaks."""
    with in_tenant(tenant):
        return AuditEntry.objects.first().act, audit.verify_chain()


def rows(tenant):
    """All rows of the tenant but the audit log's."""
    found = database.contents(tenant)
    for table in ("accounts_auditentry", recordings.TABLE):
        del found[table]
    return found


def test_an_archived_tenant_is_restored_as_it_was(filled, initrode, globex, file):
    before, structure, others = (
        rows(initrode),
        database.structure(initrode),
        database.contents(globex),
    )
    backups.archive_tenant(COMMAND, initrode, file)
    assert filled.get("/Users").status == 404

    restored, is_readable = backups.restore_tenant(COMMAND, file)

    assert is_readable
    assert rows(restored) == before
    assert database.structure(restored) == structure
    assert database.contents(globex) == others
    assert filled.get("/Users").json["totalResults"] == 1
    assert audited(restored) == ("tenant restored", None)


@pytest.mark.parametrize(("fallbacks", "is_readable"), [(["a former key"], True), ([], False)])
def test_secrets_of_a_file_are_readable_with_its_key_among_the_former_ones(
    filled, initrode, file, settings, fallbacks, is_readable
):
    settings.SECRET_KEY = "a former key"
    backups.archive_tenant(COMMAND, initrode, file)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the present one", fallbacks

    assert backups.restore_tenant(COMMAND, file)[1] is is_readable


def test_rows_of_the_registry_come_back_too(filled, initrode, file):
    backups.archive_tenant(COMMAND, initrode, file)

    restored, _ = backups.restore_tenant(COMMAND, file)

    with in_public():
        assert Domain.objects.get().domain == "scim.acme.example"
        assert Guard.objects.get(tenant=restored).share_percent == 7


def test_new_rows_follow_those_that_were_restored(filled, initrode, file):
    backups.archive_tenant(COMMAND, initrode, file)
    restored, _ = backups.restore_tenant(COMMAND, file)

    assert filled.post("/Users", user("jsmith")).status == 201

    with in_tenant(restored):
        newest = AttributeChange.objects.order_by("-at", "-id").first()
        assert newest.pk == max(AttributeChange.objects.values_list("pk", flat=True))


def test_a_tenant_is_restored_at_another_custom_domain(filled, initrode, file):
    """Its secret tokens are bound to its id and go on being good."""
    backups.archive_tenant(COMMAND, initrode, file)
    lifecycle.create_tenant("initrode", "Another one")

    restored, _ = backups.restore_tenant(COMMAND, file, "initrode-2")

    assert restored.tenant_url.startswith("http://initrode-2.")
    assert clients.ScimClient(restored, filled.token).get("/Users").json["totalResults"] == 1
    assert filled.get("/Users").status == 401


@pytest.mark.skipif(not is_installed("extensions"), reason="extension schemas are not installed")
def test_unique_attributes_of_the_tenants_own_schemas_stay_unique(initrode, extend, scim, file):
    extend(initrode)
    before = unique_indexes(initrode)
    backups.archive_tenant(COMMAND, initrode, file)

    restored, _ = backups.restore_tenant(COMMAND, file)

    assert before
    assert unique_indexes(restored) == before


def unique_indexes(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND indexname LIKE 'scim_ext%%'",
            [tenant.schema_name],
        )
        return [definition for (definition,) in cursor.fetchall()]


def test_a_file_of_an_older_program_is_migrated_when_it_is_restored(initrode, file):
    structure = database.structure(initrode)
    migrate("sessions", "0001_initial", schema="t_initrode", verbosity=0)
    with in_tenant(initrode), connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_session VALUES ('a', 'b', now())")
    backups.archive_tenant(COMMAND, initrode, file)

    restored, _ = backups.restore_tenant(COMMAND, file)

    assert schemas.behind() == []
    assert sorted(database.structure(restored)) == sorted(structure)


def test_the_file_is_its_owners_alone_and_names_no_person(filled, initrode, file):
    backups.backup_tenant(COMMAND, initrode, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as found:
        manifest = found.read(archive.MANIFEST).decode()
    assert "bjensen" not in manifest
    assert json.loads(manifest)["format"] == "myPolicies tenant"


def test_a_damaged_file_is_refused_and_nothing_is_restored(filled, initrode, file):
    backups.archive_tenant(COMMAND, initrode, file)
    with zipfile.ZipFile(file) as found:
        part = max(found.infolist(), key=lambda each: each.compress_size)
    changed = bytearray(file.read_bytes())
    name = changed.index(part.filename.encode(), part.header_offset)
    changed[name + len(part.filename) + part.compress_size // 2] ^= 0xFF  # within what it holds
    file.write_bytes(changed)

    with pytest.raises(ActionRefused, match="damaged"):
        backups.restore_tenant(COMMAND, file)

    assert not Tenant.objects.filter(custom_domain="initrode").exists()


def rewritten(file, **changes):
    """The file with another manifest."""
    with zipfile.ZipFile(file) as found:
        parts = {name: found.read(name) for name in found.namelist()}
    manifest = json.loads(parts[archive.MANIFEST]) | changes
    with zipfile.ZipFile(file, "w") as made:
        for name, content in {**parts, archive.MANIFEST: json.dumps(manifest)}.items():
            made.writestr(name, content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "newer version"),
        ({"migrations": [["scim", "9999_later"]]}, "newer version"),
        ({"format": "another"}, "no backup"),
        ({"indexes": ["CREATE INDEX x ON y (z); DROP SCHEMA support"]}, "an index that no tenant"),
        ({"tables": [{}]}, "damaged"),
    ],
)
def test_a_file_that_cannot_be_restored_is_refused(changes, message, filled, initrode, file):
    backups.archive_tenant(COMMAND, initrode, file)
    rewritten(file, **changes)

    with pytest.raises(ActionRefused, match=message):
        backups.restore_tenant(COMMAND, file)

    assert not Tenant.objects.filter(custom_domain="initrode").exists()
    assert schemas.behind() == []


def test_a_tenant_that_is_there_is_not_restored_over(filled, initrode, file):
    backups.backup_tenant(COMMAND, initrode, file)

    with pytest.raises(ActionRefused, match="tenant clone initrode"):
        backups.restore_tenant(COMMAND, file, "initrode-2")

    assert not Tenant.objects.filter(custom_domain="initrode-2").exists()


def test_a_custom_domain_or_host_that_is_taken_is_refused(filled, initrode, globex, file):
    backups.archive_tenant(COMMAND, initrode, file)
    add_host(COMMAND, globex, "scim.acme.example")

    for domain, message in (("globex", "globex is taken"), ("initrode", "host name of Initrode")):
        with pytest.raises(ActionRefused, match=message):
            backups.restore_tenant(COMMAND, file, domain)
    assert not Tenant.objects.filter(custom_domain="initrode").exists()


def test_a_file_that_exists_is_not_written_over(initrode, file):
    file.write_text("precious")

    with pytest.raises(ActionRefused, match="exists already"):
        backups.archive_tenant(COMMAND, initrode, file)

    assert file.read_text() == "precious"
    assert Tenant.objects.filter(custom_domain="initrode").exists()


def test_a_backup_is_the_tenant_at_one_moment(real_tenants, file, monkeypatch):
    """A user who is created while tables are read is in none of them."""
    tenant = real_tenants[0]
    client = clients.ScimClient(tenant, clients.mint(tenant))
    copied, created = backup._copied, []

    def create():
        created.append(client.post("/Users", user("meanwhile")).status)

    def copying(of, name, columns):
        if name == "scim_attributechange":
            with meeting.starting() as start:
                start(create).result(WITHIN)
        return copied(of, name, columns)

    monkeypatch.setattr(backup, "_copied", copying)
    manifest = backup.write(tenant, file)

    assert created == [201]
    assert {part.name: part.rows for part in manifest.tables}["scim_resource"] == 0


def test_a_clone_has_the_people_and_no_way_in(filled, initrode, globex):
    clone = backups.clone_tenant(
        COMMAND, initrode, "initrode-test", "Initrode test", "tara@acme.example"
    )

    assert clients.ScimClient(clone, filled.token).get("/Users").status == 401
    found = clients.ScimClient(clone, clients.mint(clone)).get("/Users").json
    assert [each["userName"] for each in found["Resources"]] == [BJENSEN["userName"]]
    with in_tenant(clone):
        assert Resource.objects.count() == 3
        assert SecretToken.objects.count() == 1
    assert audited(clone) == ("tenant cloned", None)
    assert audited(initrode) == ("tenant cloned", None)


def test_a_logo_goes_with_the_backup_and_the_clone(filled, initrode, globex, file):
    change_logo(COMMAND, initrode, png())
    clone = backups.clone_tenant(
        COMMAND, initrode, "initrode-test", "Test", "tara@initrode.example"
    )
    backups.archive_tenant(COMMAND, initrode, file)
    restored, _ = backups.restore_tenant(COMMAND, file, "")

    for tenant in (clone, restored):
        with in_tenant(tenant):
            logo = Logo.objects.get()
        with in_public():
            known = Tenant.objects.get(pk=tenant.pk).logo
        assert (bytes(logo.content), logo.digest) == (png(), known)
    with in_public():
        assert Tenant.objects.get(pk=globex.pk).logo == ""


def test_a_renamed_tenant_answers_at_its_new_name_only(filled, initrode):
    backups.rename_tenant(COMMAND, initrode, "initrode-group")

    assert filled.get("/Users").status == 404
    assert clients.ScimClient(initrode, filled.token).get("/Users").status == 200


def test_the_name_of_a_renamed_tenant_is_free_for_another(filled, initrode):
    backups.rename_tenant(COMMAND, initrode, "initrode-group")

    other = lifecycle.create_tenant("initrode", "Another one")

    assert other.schema_name.startswith("t_initrode_")
    assert other.schema_name != initrode.schema_name
    assert schemas.behind() == []


def test_a_deleted_tenant_is_suspended_and_goes_after_the_grace(filled, initrode, file):
    after = backups.delete_tenant(COMMAND, initrode, file, 30)

    assert filled.get("/Users").status == 403
    assert backups.tenants_to_remove() == []
    Tenant.objects.filter(pk=initrode.pk).update(delete_after=clock.now())
    assert backups.tenants_to_remove() == [initrode]
    assert backups.remove_deleted(initrode)
    assert after - clock.now() > timedelta(days=29)
    assert not Tenant.objects.filter(custom_domain="initrode").exists()
    assert backups.restore_tenant(COMMAND, file)[0].is_suspended


def test_a_deletion_leaves_a_trace_in_the_log_of_staff(initrode, operator, file):
    identifier = str(initrode.pk)
    backups.archive_tenant(COMMAND, initrode, file)

    with in_tenant(operator):
        entry = AuditEntry.objects.first()
    assert (entry.act, entry.subject) == ("tenant archived", "initrode")
    assert entry.details == {"id": identifier, "name": "Initrode"}


def test_a_tenant_that_is_resumed_within_the_grace_stays(initrode, file):
    backups.delete_tenant(COMMAND, initrode, file, 1)
    resume_tenant(COMMAND, initrode)
    Tenant.objects.filter(delete_after__isnull=False).update(delete_after=clock.now())

    assert backups.tenants_to_remove() == []
    assert not backups.remove_deleted(initrode)


def test_a_tenant_under_legal_hold_is_not_removed(initrode, file):
    with in_public():
        hold = {"tenant": initrode, "reason": "Case", "set_at": clock.now(), "set_by": "lena"}
        LegalHold.objects.create(**hold)

    for removing in (backups.archive_tenant, lambda *args: backups.delete_tenant(*args, 30)):
        with pytest.raises(ActionRefused, match="legal hold"):
            removing(COMMAND, initrode, file)
    assert not file.exists()
    Tenant.objects.filter(pk=initrode.pk).update(delete_after=clock.now())
    assert not backups.remove_deleted(initrode)


def test_the_staff_tenant_is_neither_removed_nor_renamed(operator, file):
    with pytest.raises(ActionRefused, match="staff tenant"):
        backups.archive_tenant(COMMAND, operator, file)
    with pytest.raises(ActionRefused, match="staff tenant"):
        backups.rename_tenant(COMMAND, operator, "staff-2")


@pytest.mark.parametrize("days", [0, 366])
def test_a_grace_out_of_range_is_refused(days, initrode, file):
    with pytest.raises(ActionRefused, match="1 to 365 days"):
        backups.delete_tenant(COMMAND, initrode, file, days)


def test_people_without_the_permission_take_nothing_out(initrode, file):
    actor = Actor("tara@acme.example (initrode)", tenant_id=initrode.pk)

    for act in (
        lambda: backups.backup_tenant(actor, initrode, file),
        lambda: backups.archive_tenant(actor, initrode, file),
        lambda: backups.restore_tenant(actor, file),
        lambda: backups.clone_tenant(actor, initrode, "initrode-test", "Test", "tara@acme.example"),
        lambda: backups.rename_tenant(actor, initrode, "initrode-2"),
    ):
        with pytest.raises(NotPermitted):
            act()
    assert not file.exists()


def test_the_commands_take_a_tenant_round(filled, initrode, file):
    with transaction.atomic():
        run("tenant", "backup", "initrode", str(file))
        run(
            "tenant",
            "clone",
            "initrode",
            "initrode-test",
            "--name",
            "Test",
            "--admin",
            "t@initrode.example",
        )
        run("tenant", "rename", "initrode-test", "initrode-try")
        run("tenant", "archive", "initrode", str(file.with_name("two.zip")))
        out, _ = run("tenant", "restore", str(file), "--as", "initrode-3")
        run("tenant", "delete", "initrode-3", str(file.with_name("three.zip")))

    assert out == "Tenant URL: http://initrode-3.mypolicies.localhost:8000/scim\n"
    assert run("tenant", "remove-deleted")[0] == ""
    Tenant.objects.filter(custom_domain="initrode-3").update(delete_after=clock.now())
    assert run("tenant", "remove-deleted")[0] == "initrode-3: removed.\n"
