"""`manage.py tenant export`: everything that a tenant has, for other programs."""

import csv
import io
import json
import zipfile

import pytest

from accounts.actions import ActionRefused, Actor, NotPermitted
from accounts.models import AuditEntry
from scim.management import exporting
from scim.protocol import urns
from tenants.current import in_tenant
from tests.support.commands import run
from tests.support.payloads import BJENSEN, user
from tests.support.people import COMMAND


@pytest.fixture
def exported(acme, scim, tmp_path):
    """The files of an export, by name, after two users, one of them deleted, and a group."""
    client = scim(acme)
    made = client.post("/Users", BJENSEN).json
    client.post("/Groups", {"displayName": "=Guides", "members": [{"value": made["id"]}]})
    client.delete(f"/Users/{client.post('/Users', user('gone')).json['id']}")
    run("tenant", "export", "acme", str(tmp_path / "acme.zip"))
    with zipfile.ZipFile(tmp_path / "acme.zip") as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_users_are_lines_of_scim_and_deleted_ones_say_so(exported):
    bjensen, gone = lines(exported["users.ndjson"])

    assert bjensen["userName"] == BJENSEN["userName"]
    assert bjensen["meta"]["location"].endswith(f"/scim/Users/{bjensen['id']}")
    assert "deleted" not in bjensen
    assert gone["deleted"]


def test_tables_have_the_columns_of_the_screens(exported):
    bjensen, gone = table(exported["users.csv"])

    assert (bjensen["userName"], bjensen["state"]) == (BJENSEN["userName"], "Active")
    assert gone["state"] == "Deleted"
    assert table(exported["groups.csv"])[0]["displayName"] == "'=Guides"


def test_members_are_ids(exported):
    (group,) = lines(exported["groups.ndjson"])
    (membership,) = table(exported["memberships.csv"])

    assert group["members"] == [{"value": membership["member"]}]
    assert membership["group"] == group["id"]


def test_log_history_and_audit_log_are_lines(exported):
    log = lines(exported["log.ndjson"])
    history = lines(exported["history.ndjson"])
    created = next(line["after"] for line in history if not line["path"])

    assert [line["operation"] for line in log] == ["create", "create", "create", "delete"]
    assert log[0]["sent"]["schemas"] == [urns.USER, urns.ENTERPRISE_USER]
    assert dict(zip(created[::2], created[1::2], strict=True))["name.givenName"] == "Barbara"
    assert "hash" not in exported["audit.ndjson"]


def test_the_contents_tell_the_lines_of_each_file(exported):
    contents = json.loads(exported[exporting.CONTENTS])

    assert contents["tenant"] == "acme"
    assert {each["name"]: each["rows"] for each in contents["files"]}["users.ndjson"] == 2
    assert {each["name"] for each in contents["files"]} == exported.keys() - {exporting.CONTENTS}


def test_nothing_in_it_lets_anybody_in(exported):
    whole = "".join(exported.values())

    assert "mypscim_" not in whole


def test_an_export_is_audited(exported, acme):
    with in_tenant(acme):
        assert AuditEntry.objects.first().act == "tenant exported"


def test_another_tenant_is_not_in_it(at_globex_user, exported):
    assert at_globex_user not in "".join(exported.values())


@pytest.fixture
def at_globex_user(globex, scim):
    """The id of a user of globex."""
    return scim(globex).post("/Users", BJENSEN).json["id"]


def test_exports_are_for_operators_and_never_over_a_file(acme, tmp_path):
    path = tmp_path / "acme.zip"
    with pytest.raises(NotPermitted):
        exporting.export_tenant(Actor("tara", tenant_id=acme.pk), acme, path)
    path.write_text("precious")
    with pytest.raises(ActionRefused, match="exists already"):
        exporting.export_tenant(COMMAND, acme, path)
