"""The undo of a mass deactivation: in pieces, each its own transaction, with the same result however often a worker dies."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.actions import ActionRefused
from accounts.audit import Actor
from accounts.models import AuditEntry
from scim.guard import undoing
from scim.guard.models import Departure, Undoing
from scim.guard.undoing import PIECE, left_behind
from scim.models import AttributeChange
from tenants import clock as clocks
from tenants.current import in_public, in_tenant
from tenants.models import Alarm
from tests.guard.undoing import finish, undone
from tests.support import bulk, clients, people
from tests.support.payloads import replace, user

PEOPLE = PIECE + 10


def alarm_of(tenant):
    with in_public():
        return Alarm.objects.filter(tenant=tenant).order_by("-noticed_at").first()


def leave(client, number=PEOPLE, removed=0):
    """Users who leave, by deactivation or, the last of them, by deletion, and an alarm about it."""
    made = [bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(number)]
    paths = [f"/Users/{bulk.id_of(each)}" for each in bulk.send(client, *made)]
    kept = paths[: number - removed]
    gone = [
        *({"method": "PATCH", "path": path, "data": replace("active", "False")} for path in kept),
        *({"method": "DELETE", "path": path} for path in paths[number - removed :]),
    ]
    assert len(set(bulk.statuses(bulk.send(client, *gone)))) <= 2
    now = clocks.now()
    with in_public():
        defaults = {"since": now, "noticed_at": now, "users": number, "active_before": number}
        Alarm.objects.get_or_create(tenant=client.tenant, outcome="open", defaults=defaults)
    return paths


@pytest.fixture
def left(at_acme, acme, clock):
    """The paths of acme's users who have left."""
    paths = leave(at_acme)
    clock.shift(60)
    return paths


def active(client):
    return client.get("/Users", filter="active eq true").json["totalResults"]


def state(tenant):
    with in_tenant(tenant):
        found = Undoing.objects.get()
    return found.back, found.left, found.done_at is not None, alarm_of(tenant).outcome


def changes(tenant, request_id):
    """The users made active by that request, once for each time."""
    with in_tenant(tenant):
        found = AttributeChange.objects.filter(request_id=request_id, path="active")
        return sorted(found.values_list("resource_id", flat=True))


def test_asking_answers_at_once_and_the_worker_brings_them_back_in_pieces(left, at_acme, acme):
    asked = undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)
    before = (active(at_acme), state(acme))
    undoing.advance(acme)
    between = (active(at_acme), state(acme))

    assert (asked.users, before) == (PEOPLE, (0, (0, 0, False, "undoing")))
    assert between == (PIECE, (PIECE, 0, False, "undoing"))
    assert finish(acme) == 2
    assert (active(at_acme), state(acme)) == (PEOPLE, (PEOPLE, 0, True, "undone"))


def test_a_piece_costs_about_two_statements_a_user(left, at_acme, acme, statements):
    undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)

    with statements() as executed:
        undoing.advance(acme)

    assert len(executed) <= 2 * PIECE + 10


class Dying:
    """A worker that dies in the middle of a piece."""

    def __init__(self, after):
        self.left = after

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if not self.left:
            raise SystemExit
        return execute(sql, params, many, context)


def test_a_worker_that_dies_loses_its_piece_and_the_next_goes_on(left, at_acme, acme):
    asked = undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)
    undoing.advance(acme)
    with pytest.raises(SystemExit), connection.execute_wrapper(Dying(after=12)):
        undoing.advance(acme)
    after_death = (active(at_acme), state(acme))

    finish(acme)

    assert after_death == (PIECE, (PIECE, 0, False, "undoing"))
    assert (active(at_acme), state(acme)) == (PEOPLE, (PEOPLE, 0, True, "undone"))
    assert len(changes(acme, asked.request_id)) == PEOPLE


def test_a_finished_undo_is_not_done_again(left, at_acme, acme):
    done = undone(people.COMMAND, acme, alarm_of(acme).pk)
    versions = [at_acme.get(path).json["meta"]["version"] for path in left[:3]]

    assert undoing.advance(acme) is False
    with pytest.raises(ActionRefused, match="This alarm has been resolved already"):
        undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)
    assert [at_acme.get(path).json["meta"]["version"] for path in left[:3]] == versions
    assert len(changes(acme, done.request_id)) == PEOPLE


def test_a_user_whom_entra_brought_back_meanwhile_is_left_alone(left, at_acme, acme):
    at_acme.patch(left[0], replace("active", "True"))
    version = at_acme.get(left[0]).json["meta"]["version"]

    done = undone(people.COMMAND, acme, alarm_of(acme).pk)

    assert (done.back, active(at_acme)) == (PEOPLE, PEOPLE)
    assert at_acme.get(left[0]).json["meta"]["version"] == version


def test_a_user_who_is_deactivated_again_after_the_undo_was_asked_for_stays_so(
    left, at_acme, acme, clock
):
    undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)
    clock.shift(1)
    at_acme.patch(left[0], replace("active", "True"))
    at_acme.patch(left[0], replace("active", "False"))
    finish(acme)

    with in_tenant(acme):
        found = Undoing.objects.get()
        [(user_id, reason)] = left_behind(found, 5)
    assert (found.back, found.left) == (PEOPLE - 1, 1)
    assert left[0].endswith(str(user_id))
    assert reason.startswith("It was deactivated or deleted again")
    assert at_acme.get(left[0]).json["active"] is False


def test_users_whose_name_was_taken_are_named_and_tried_again_when_it_is_free(at_acme, acme, clock):
    paths = leave(at_acme, 6, removed=3)
    other = at_acme.post("/Users", user("u5", externalId="another")).json
    clock.shift(60)
    first = undone(people.COMMAND, acme, alarm_of(acme).pk)
    clock.shift(60)
    at_acme.delete(f"/Users/{other['id']}")

    second = undone(people.COMMAND, acme, alarm_of(acme).pk)

    assert (first.back, first.left, second.users, second.back, second.left) == (5, 1, 1, 1, 0)
    assert [at_acme.get(path).status for path in paths] == [200] * 6
    assert active(at_acme) == 6


def test_it_is_one_act_in_log_and_audit(at_acme, acme, events, clock):
    paths = leave(at_acme, 4, removed=2)
    clock.shift(60)
    tara = Actor.account(people.tenant_admin(acme), acme, "203.0.113.9")

    done = undone(tara, acme, alarm_of(acme).pk)

    logged = [each for each in events(acme) if each.request_id == done.request_id]
    assert sorted(each.operation for each in logged) == ["modify"] * 2 + ["restore"] * 2
    assert {(each.token_label, each.address) for each in logged} == {(tara.name, "203.0.113.9")}
    with in_tenant(acme):
        entries = list(AuditEntry.objects.filter(actor=tara.name).order_by("id"))
    assert [(entry.act, entry.details, entry.address) for entry in entries] == [
        (
            "undo of a mass deactivation started",
            {"users": 4, "left out": 0, "request": done.request_id},
            "203.0.113.9",
        ),
        (
            "mass deactivation undone",
            {"users": 4, "not brought back": 0, "of these": [], "request": done.request_id},
            "203.0.113.9",
        ),
    ]
    assert [at_acme.get(path).json["active"] for path in paths] == [True] * 4


def test_staffs_own_audit_log_tells_of_it_too(left, acme, operator):
    undone(people.COMMAND, acme, alarm_of(acme).pk)

    with in_tenant(operator):
        entries = AuditEntry.objects.filter(act="mass deactivation undone")
        assert [entry.details["tenant"] for entry in entries] == ["acme"]


def test_only_the_tenant_with_an_undo_has_work(left, acme, globex):
    before = undoing.tenants_with_work()
    undoing.undo_departures(people.COMMAND, acme, alarm_of(acme).pk)

    assert (before, undoing.tenants_with_work()) == ([], [acme])
    assert undoing.advance(globex) is False


def test_two_workers_bring_each_user_back_once(real_tenants):
    initech, _ = real_tenants
    with transaction.atomic():
        token = clients.mint(initech)
    paths = leave(clients.ScimClient(initech, token))
    asked = undoing.undo_departures(people.COMMAND, initech, alarm_of(initech).pk)

    def work(_number):
        try:
            while alarm_of(initech).outcome == Alarm.Outcome.UNDOING:
                undoing.advance(initech)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert state(initech) == (PEOPLE, 0, True, "undone")
    brought = changes(initech, asked.request_id)
    assert len(brought) == len(set(brought)) == len(paths)
    with in_tenant(initech):
        assert not Departure.objects.filter(undone_at=None).exists()
