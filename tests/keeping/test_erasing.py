"""Erasure: nothing of a person is left anywhere, but the id, digests and the proof."""

import pytest
from django.db import connection

from accounts import audit
from accounts.actions import ActionRefused, Actor, NotPermitted
from accounts.actions.performing import note_export
from accounts.models import AuditEntry
from scim.keeping import erasing, pruning, retention
from scim.models import AttributeChange, Resource
from scim.provider import restoring
from scim.provider.requester import Requester
from tenants import rewriting
from tenants.current import in_public, in_tenant
from tenants.models import Erasure, Retention, Tenant
from tests.support import bulk, database
from tests.support.commands import run
from tests.support.installed import needs
from tests.support.payloads import replace, user
from tests.support.people import COMMAND

PERSON = user(
    "zoe.quint",
    externalId="7d0f6f0a-zoe-quint",
    displayName="Zoe Quint",
    nickName="Zoequi",
    name={"formatted": "Dr. Zoe Quint", "givenName": "Zoerella", "familyName": "Quintessa"},
    emails=[{"type": "work", "value": "zoe.work@acme.example", "primary": True}],
    phoneNumbers=[{"type": "mobile", "value": "+49 170 5551234"}],
    addresses=[{"type": "home", "streetAddress": "Sesamweg 77", "locality": "Zwickelstadt"}],
)
FORMER = "zoe.former@acme.example"
# Long enough that no random id holds one by chance.
VALUES = (
    *("zoe.quint", "zoe quint", "zoe.work", "zoequi", "zoerella", "quintessa"),
    *("7d0f6f0a-zoe", "170 5551234", "sesamweg", "zwickelstadt", FORMER),
)


@pytest.fixture
def zoe(at_acme, acme, operator):
    """The id of a user who left traces everywhere, whom Entra has deleted."""
    made = at_acme.post("/Users", PERSON).json["id"]
    at_acme.patch(f"/Users/{made}", replace('emails[type eq "work"].value', FORMER))
    at_acme.patch(f"/Users/{made}", replace("nickName", ""))
    at_acme.get("/Users", filter=f'userName eq "{PERSON["userName"].upper()}"')
    at_acme.get("/Users", filter=f'externalId eq "{PERSON["externalId"]}"')
    at_acme.post("/Users", PERSON)  # 409
    bulk.send(at_acme, bulk.post("b1", "/Users", PERSON))
    group = {"displayName": "Guides", "members": [{"value": made, "display": "Zoe Quint"}]}
    at_acme.post("/Groups", group)
    with in_tenant(acme):
        note_export(COMMAND, "scim.export_user", "users", [f"q={FORMER}"])
    at_acme.delete(f"/Users/{made}")
    return made


def everything():
    """All rows of all schemas as text, in lower case."""
    with in_public():
        tenants = list(Tenant.objects.all())
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            public = [name for (name,) in cursor.fetchall()]
            for table in public:
                cursor.execute(f'SELECT t::text FROM public."{table}" AS t')
                yield from (row.lower() for (row,) in cursor.fetchall())
    for tenant in tenants:
        for rows in database.contents(tenant).values():
            yield from (row.lower() for row in rows)


def found(values=VALUES):
    return [(value, row) for row in everything() for value in values if value in row]


def advance(tenant):
    """The next piece, by the login of the command."""
    with database.owned():
        return erasing.advance(tenant)


def erased(tenant, user_id, reason="Request 2026-31"):
    """The erasure, done."""
    planned = erasing.plan(COMMAND, tenant, user_id, reason, 0)
    while advance(tenant):
        pass
    with in_public():
        return Erasure.objects.get(pk=planned.pk)


def test_a_search_of_all_schemas_finds_nothing_of_an_erased_person(zoe, acme):
    assert {value for value, _ in found()} == set(VALUES)

    erased(acme, zoe)

    assert found() == []


def test_the_id_the_facts_and_the_proof_stay(zoe, acme):
    done = erased(acme, zoe)

    with in_tenant(acme):
        assert Resource.objects.get(pk=zoe).deleted_at is not None
        assert AttributeChange.objects.filter(resource_id=zoe, path="emails").exists()
        entry = AuditEntry.objects.first()
    assert (entry.act, entry.subject) == ("personal data erased", zoe)
    assert entry.details["reason"] == "Request 2026-31"
    assert done.proof["facts"]["userName"] == entry.details["digest of userName"]
    assert len(done.proof["facts"]["userName"]) == 64
    assert done.outcome == "Done."


def test_the_audit_chains_still_hold(zoe, acme, operator):
    erased(acme, zoe)

    for tenant in (acme, operator):
        with in_tenant(tenant):
            assert AuditEntry.objects.filter(act=audit.ERASURE).exists()
            assert audit.verify_chain() is None


def test_an_entry_that_is_changed_after_its_erasure_breaks_the_chain(zoe, acme):
    erased(acme, zoe)
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="users exported")
        with database.owned(), rewriting.rewriting(audit.TABLE):
            AuditEntry.objects.filter(pk=entry.pk).update(details={"filters": ["q=other"]})

        assert audit.verify_chain() == entry.pk


def test_other_people_keep_everything(zoe, at_acme, acme, globex, clock):
    other = at_acme.post("/Users", user("jsmith", displayName="John Smith")).json["id"]
    with in_tenant(acme):
        before = list(AttributeChange.objects.filter(resource_id=other).values())
    elsewhere = database.contents(globex)

    erased(acme, zoe)

    with in_tenant(acme):
        assert list(AttributeChange.objects.filter(resource_id=other).values()) == before
    assert at_acme.get(f"/Users/{other}").json["displayName"] == "John Smith"
    assert database.contents(globex) == elsewhere


def test_all_records_of_a_person_go_together(at_acme, acme, zoe):
    again = at_acme.post("/Users", PERSON).json["id"]
    with pytest.raises(ActionRefused, match="provisions this person again"):
        erasing.plan(COMMAND, acme, zoe, "Request", 0)
    at_acme.delete(f"/Users/{again}")

    done = erased(acme, zoe)

    assert done.proof["records"] == sorted([zoe, again])
    assert found() == []


def test_a_user_that_entra_provisions_is_not_erased(at_acme, acme):
    present = at_acme.post("/Users", PERSON).json["id"]

    with pytest.raises(ActionRefused, match="remove it there first"):
        erasing.plan(COMMAND, acme, present, "Request", 0)


@pytest.mark.parametrize("whole", [True, False])
def test_under_legal_hold_nothing_is_erased(whole, zoe, acme):
    """A hold that is set after the erasure was planned counts, too."""
    erasing.plan(COMMAND, acme, zoe, "Request", 0)
    retention.set_hold(COMMAND, acme, None if whole else zoe, "Case 2026-114")

    advance(acme)

    with in_public():
        assert Erasure.objects.get().outcome.startswith("Not done: This user or the whole tenant")
    assert {value for value, _ in found()} == set(VALUES)
    with pytest.raises(ActionRefused, match="legal hold"):
        erasing.plan(COMMAND, acme, zoe, "Request", 0)


def test_an_erasure_waits_for_its_time_and_can_be_withdrawn(zoe, acme, clock):
    erasing.plan(COMMAND, acme, zoe, "Request", 7)
    with pytest.raises(ActionRefused, match="planned already"):
        erasing.plan(COMMAND, acme, zoe, "Request", 0)

    assert not advance(acme)
    erasing.withdraw(COMMAND, acme, zoe)
    clock.shift(8 * 86_400)
    assert not advance(acme)
    with database.owned():
        assert acme not in erasing.tenants_with_work()
    with pytest.raises(ActionRefused, match="No erasure is planned"):
        erasing.withdraw(COMMAND, acme, zoe)


def test_an_erasure_is_work_when_it_is_due(zoe, acme, clock):
    erasing.plan(COMMAND, acme, zoe, "Request", 7)

    with database.owned():
        assert erasing.tenants_with_work() == []
        clock.shift(8 * 86_400)
        assert erasing.tenants_with_work() == [acme]


def test_an_erased_user_is_not_erased_or_restored(zoe, acme):
    erased(acme, zoe)

    with pytest.raises(ActionRefused, match="have been erased"):
        erasing.plan(COMMAND, acme, zoe, "Request", 0)
    with pytest.raises(ActionRefused, match="have been erased"), in_tenant(acme):
        restoring.restore(Resource.objects.get(pk=zoe).pk, requester(acme), with_groups=False)


def requester(tenant):
    return Requester(tenant.tenant_url, "restore-1")


def test_the_person_can_be_provisioned_again(zoe, at_acme, acme):
    erased(acme, zoe)

    assert at_acme.post("/Users", PERSON).status == 201


def test_deleted_users_are_erased_after_the_time_that_the_tenant_chose(zoe, acme, clock):
    retention.change_retention(COMMAND, acme, 13, 30, erase_after_days=60)
    clock.shift(61 * 86_400)
    pruning.begin(acme)
    with database.owned():
        while pruning.advance(acme):
            pass

    while advance(acme):
        pass

    assert found() == []
    with in_public():
        assert Erasure.objects.get().reason == "60 days after the deletion"


@pytest.mark.parametrize("days", [0, 3_651])
def test_a_time_out_of_range_is_refused(days, acme):
    with pytest.raises(ActionRefused, match="1 to 3650"):
        retention.change_retention(COMMAND, acme, 13, 30, erase_after_days=days)

    with in_public():
        assert not Retention.objects.exists()


@needs("events")
def test_changes_that_wait_for_a_receiver_go_too(acme, at_acme, streamed, zoe_of_stream):
    erased(acme, zoe_of_stream)

    assert found(("zoe.quint", "zoe quint")) == []


@pytest.fixture
def streamed(acme):
    """A stream of acme that is polled."""
    events = ("create:full", "delete")
    audience = "https://hr.example"
    return run(
        *("stream", "create", "acme", "--label", "HR", "--method", "poll"),
        *("--audience", audience, "--events", *events),
    )


@pytest.fixture
def zoe_of_stream(streamed, at_acme):
    made = at_acme.post("/Users", PERSON).json["id"]
    at_acme.delete(f"/Users/{made}")
    return made


def test_only_some_may_erase(zoe, acme):
    with pytest.raises(NotPermitted):
        erasing.plan(Actor("tara", tenant_id=acme.pk), acme, zoe, "Request", 0)


def test_the_command_without_a_user_does_what_is_due(zoe, acme):
    erasing.plan(COMMAND, acme, zoe, "Request 2026-31", 0)

    run("user", "erase")

    assert found() == []


def test_the_command_erases_at_once_and_lists_what_was_done(zoe, acme):
    out, _ = run("user", "erase", "acme", zoe, "--reason", "Request 2026-31")

    assert out == f"{zoe}: Done.\n"
    assert found() == []
    assert "Request 2026-31" in run("user", "erasures")[0]
