"""`manage.py user import`: users from a file, by the rules of POST."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from accounts.models import AuditEntry
from scim.importing import files, users
from scim.models import AttributeChange, ProvisioningEvent, Resource
from tenants.current import in_tenant
from tests.support.commands import run
from tests.support.payloads import BJENSEN


def line(number, **attributes):
    return json.dumps(BJENSEN | {"userName": f"u{number}", "externalId": str(number), **attributes})


@pytest.fixture
def file(tmp_path):
    """`file(lines)`: the path of a file with these lines."""

    def make(*lines):
        path = tmp_path / "users.ndjson"
        path.write_text("\n".join(lines))
        return str(path)

    return make


def names(tenant):
    with in_tenant(tenant):
        return set(Resource.objects.values_list("unique_key", flat=True))


def test_users_are_created_with_history_log_and_audit(acme, globex, file):
    path = file(*map(line, range(3)), "")

    assert run("user", "import", "acme", path) == ("", "3 users of acme created.\n")

    assert names(acme) == {"u0", "u1", "u2"}
    assert names(globex) == set()
    with in_tenant(acme):
        user = Resource.objects.get(unique_key="u1")
        event = ProvisioningEvent.objects.get(resource_id=user.id)
        assert (event.operation, event.status) == ("create", 201)
        assert event.request_id.startswith("import-")
        created = AttributeChange.objects.get(event_id=event.id)
        assert ("userName", "u1") in [(each.path, each.after) for each in created.each]
        entry = AuditEntry.objects.order_by("-id").first()
    assert (entry.act, entry.subject) == ("users imported", "users.ndjson")
    assert entry.details == {"created": 3, "refused": 0}


def test_lines_that_are_refused_are_named_and_the_others_stay(acme, file, capsys):
    path = file(line(1), '{"userName": ', "", line(1), line(2, userName=""), line(3))

    with pytest.raises(CommandError, match="3 lines were refused"):
        call_command("user", "import", "acme", path)

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("line 2: 400 invalidSyntax: The body is not JSON")
    assert told[1].startswith("line 4: 409 uniqueness: Another User already has this userName")
    assert told[2].startswith("line 5: 400 invalidValue: ")
    assert names(acme) == {"u1", "u3"}
    with in_tenant(acme):
        refused = ProvisioningEvent.objects.filter(status__gte=400).order_by("id")
        assert [each.status for each in refused] == [400, 409, 400]


def fail_at(number, monkeypatch):
    """Have the database fail at the piece that begins with that line."""
    create = users.create_in_transaction

    def failing(run, piece):
        if piece.lines[0].number == number:
            raise OperationalError
        return create(run, piece)

    monkeypatch.setattr(users, "create_in_transaction", failing)


def test_an_import_that_the_database_ends_is_resumed(acme, file, monkeypatch):
    path = file(*map(line, range(1, 4)), line(4, userName=""), *map(line, range(5, 8)))
    monkeypatch.setattr(files, "PIECE", 2)
    with monkeypatch.context() as patch:
        fail_at(5, patch)
        with pytest.raises(
            CommandError, match=r"ended early \(OperationalError\). Go on with --res"
        ):
            run("user", "import", "acme", path, "--processes", "1")
    assert names(acme) == {"u1", "u2", "u3"}

    told = run("user", "import", "acme", path, "--processes", "1", "--resume")[1]

    assert told == "4 lines were done by an earlier run.\n3 users of acme created.\n"
    assert names(acme) == {"u1", "u2", "u3", "u5", "u6", "u7"}


def test_a_file_that_has_been_changed_is_another_file_to_resume(acme, file):
    run("user", "import", "acme", file(line(1)))

    with pytest.raises(CommandError, match="1 line was refused"):
        run("user", "import", "acme", file(line(1), line(2)), "--resume")

    assert names(acme) == {"u1", "u2"}


def test_a_file_that_is_not_there_is_refused(acme):
    with pytest.raises(CommandError, match="cannot be read"):
        run("user", "import", "acme", "none.ndjson")
