"""Retention: what is older than a tenant keeps is removed, in pieces, and nothing else."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from accounts import audit
from accounts.actions import ActionRefused
from accounts.models import AuditEntry, SecretToken, Session, SignOnAnswer
from scim.keeping import pruning, retention
from scim.models import AttributeChange, ProvisioningEvent
from tenants import clock as clocks
from tenants.current import in_public, in_tenant
from tenants.models import Retention
from tests.support import database
from tests.support.commands import run
from tests.support.payloads import JSMITH, replace, user
from tests.support.people import COMMAND

DAY = timedelta(days=1).total_seconds()
MONTH = retention.MONTH.total_seconds()
FIRST = {"changes_months": 13, "reads_days": 30}
COUNTED = {"reads", "bodies", "changes", "history", "sessions", "secret tokens", "sign-on answers"}


def advance(tenant):
    """The next piece, by the login of the command."""
    with database.owned():
        return pruning.advance(tenant)


def pruned(tenant):
    """The rows that a whole run removed, by what they were."""
    pruning.begin(tenant)
    while advance(tenant):
        pass
    with in_public():
        removed = Retention.objects.get(tenant=tenant).removed
    return {name: count for name, count in removed.items() if count and name in COUNTED}


def logged(tenant):
    """The operations in the log, oldest first, each with True if its body is kept."""
    with in_tenant(tenant):
        found = ProvisioningEvent.objects.order_by("id")
        return [(event.operation, event.sent is not None) for event in found]


@pytest.fixture
def year(at_acme, bjensen, clock):
    """bjensen is created, looked up, renamed 40 days before the end of 14 months.

    The number of changes that its creation was.
    """
    with in_tenant(at_acme.tenant):
        SecretToken.objects.update(expires_at=None, no_expiry_reason="Nobody is there to renew it.")
        created = AttributeChange.objects.count()
    at_acme.get("/Users", filter='userName eq "bjensen@acme.example"')
    clock.shift(14 * MONTH - 40 * DAY)
    at_acme.patch(f"/Users/{bjensen['id']}", replace("displayName", "Babs"))
    clock.shift(39 * DAY)
    at_acme.get(f"/Users/{bjensen['id']}")
    clock.shift(DAY)
    return created


def test_reads_and_bodies_go_first_and_changes_later(year, acme):
    assert pruned(acme) == {"reads": 1, "bodies": 2, "changes": 1, "history": year}

    assert logged(acme) == [("modify", False), ("retrieve", False)]
    with in_tenant(acme):
        assert list(AttributeChange.objects.values_list("path", flat=True)) == ["displayName"]


def test_a_second_run_has_nothing_to_do_before_a_day_is_over(year, acme, clock):
    pruned(acme)

    assert not advance(acme)
    with database.owned():
        assert acme not in pruning.tenants_with_work()
        clock.shift(DAY)
        assert acme in pruning.tenants_with_work()


def test_the_other_tenant_keeps_everything(year, at_globex, globex, acme):
    at_globex.post("/Users", JSMITH)

    pruned(acme)

    assert logged(globex) == [("create", True)]


def test_a_run_goes_on_where_it_was_stopped(year, acme, monkeypatch):
    monkeypatch.setattr(pruning, "PIECE", 1)
    advance(acme)
    advance(acme)
    with in_public():
        between = Retention.objects.get(tenant=acme)

    assert (between.started_at, between.pruned_at) == (clocks.now(), None)
    assert pruned(acme) == {"reads": 1, "bodies": 2, "changes": 1, "history": year}


def test_a_piece_that_fails_removes_nothing(year, acme, monkeypatch):
    before = logged(acme)
    monkeypatch.setitem(pruning._NAMES, "SELECT broken", "broken")
    monkeypatch.setattr(pruning, "_BODIES", "SELECT broken")

    with pytest.raises(DatabaseError), transaction.atomic():
        advance(acme)

    assert logged(acme) == before


def test_the_log_stays_append_only_for_everybody_else(year, acme):
    pruned(acme)

    with pytest.raises(DatabaseError, match="permission denied"), in_tenant(acme):
        ProvisioningEvent.objects.all().delete()


def test_the_audit_log_tells_what_was_removed(year, acme):
    pruned(acme)

    with in_tenant(acme):
        entry = AuditEntry.objects.order_by("-id").first()
        assert audit.verify_chain() is None
    assert (entry.actor, entry.act, entry.subject) == ("retention", "log pruned", "acme")
    assert entry.details.items() >= {"reads": 1, "bodies": 2, "changes": 1, "history": year}.items()


def test_sessions_and_credentials_that_ended_go_too(acme, at_acme, clock):
    with in_tenant(acme):
        now = clocks.now()
        Session.objects.create(session_key="old", session_data="", expire_date=now, seen_at=now)
        SignOnAnswer.objects.create(digest=b"x", identity="sealed", expires_at=now)
        expired = SecretToken.objects.get()
        SecretToken.objects.update(expires_at=clocks.now())
    clock.shift(13 * MONTH + DAY)

    assert pruned(acme) == {"sessions": 1, "sign-on answers": 1, "secret tokens": 1}
    with in_tenant(acme):
        assert not SecretToken.objects.filter(pk=expired.pk).exists()


def test_a_tenant_keeps_as_long_as_it_chose(year, acme):
    retention.change_retention(COMMAND, acme, changes_months=25, reads_days=60)

    assert pruned(acme) == {"reads": 1, "bodies": 1}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"changes_months": 0}, "1 to 120 months"),
        ({"reads_days": 4000}, "1 to 3650 days"),
        ({"changes_months": 1, "reads_days": 60}, "cannot be kept longer"),
    ],
)
def test_a_retention_that_is_none_is_refused(wanted, message, acme):
    with pytest.raises(ActionRefused, match=message):
        retention.change_retention(COMMAND, acme, **FIRST | wanted)

    with in_public():
        assert not Retention.objects.filter(tenant=acme).exists()


def test_a_tenant_under_legal_hold_keeps_everything_until_it_is_lifted(year, acme):
    before = logged(acme)
    retention.set_hold(COMMAND, acme, None, "Case 2026-114")

    assert acme not in pruning.tenants_with_work()
    assert not advance(acme)
    assert logged(acme) == before

    retention.lift_hold(COMMAND, acme, None)

    assert pruned(acme)["history"] == year


def test_a_user_under_legal_hold_keeps_its_log_history_and_groups(year, at_acme, acme, bjensen):
    """The first run after a hold removes everything that it had kept."""
    other = at_acme.post("/Users", user("jsmith")).json["id"]
    member = [{"value": bjensen["id"]}]
    at_acme.post("/Groups", {"displayName": "Guides", "members": member})
    retention.set_hold(COMMAND, acme, bjensen["id"], "Case 2026-114")
    with in_tenant(acme):
        kept = ProvisioningEvent.objects.filter(resource_id=bjensen["id"]).count()
    _age(acme)

    pruned(acme)

    with in_tenant(acme):
        assert ProvisioningEvent.objects.filter(resource_id=bjensen["id"]).count() == kept
        assert not AttributeChange.objects.filter(resource_id=other).exists()
        assert AttributeChange.objects.filter(path__contains=bjensen["id"]).count() == 1
    retention.lift_hold(COMMAND, acme, bjensen["id"])
    _age(acme)
    pruned(acme)
    with in_tenant(acme):
        assert not AttributeChange.objects.exists()


def _age(tenant):
    """Have a run count from 30 months later."""
    pruning.begin(tenant)
    with in_public():
        later = clocks.now() + 30 * retention.MONTH
        Retention.objects.update_or_create(tenant=tenant, defaults={"started_at": later})


@pytest.mark.parametrize("user_id", [None, "26118915-6090-4610-87e4-49d8ca9f808d"])
def test_a_hold_that_is_none_is_refused(user_id, acme):
    if user_id:
        with pytest.raises(ActionRefused, match="no user"):
            retention.set_hold(COMMAND, acme, user_id, "Case")
    else:
        retention.set_hold(COMMAND, acme, None, "Case")
        with pytest.raises(ActionRefused, match="already"):
            retention.set_hold(COMMAND, acme, None, "Case")
    with pytest.raises(ActionRefused, match="no such legal hold"):
        retention.lift_hold(COMMAND, acme, "26118915-6090-4610-87e4-49d8ca9f808d")


def test_the_command_prunes_what_is_due_and_says_so(year, acme, globex):
    retention.set_hold(COMMAND, globex, None, "Case 2026-114")

    out, _ = run("log", "prune", "acme", "globex")

    acme_said, globex_said = out.splitlines()
    assert acme_said.startswith("acme: ")
    assert f"1 reads, 2 bodies, 1 changes, {year} history" in acme_said
    assert globex_said == "globex: under legal hold, nothing removed."
    assert run("log", "prune", "acme")[0] == "acme: nothing removed.\n"


def test_commands_set_and_list_retention_and_holds(acme, globex, bjensen):
    run("log", "keep", "acme", "--changes-months", "25")
    run("hold", "set", "acme", "--user", bjensen["id"], "--reason", "Case 2026-114")

    assert "acme           25              30          never   1" in run("log", "kept")[0]
    assert "Case 2026-114" in run("hold", "list")[0]
    run("hold", "lift", "acme", "--user", bjensen["id"])
    assert "Case 2026-114" not in run("hold", "list")[0]
