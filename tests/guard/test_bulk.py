"""Departures in one bulk request count, and are held, as if each came alone."""

import pytest

from scim.guard import guard, undoing, watch
from tenants.current import in_public
from tenants.models import Alarm, Guard
from tests.support import bulk, people
from tests.support.payloads import replace, user

PEOPLE = 10


def leaving(path):
    return {"method": "PATCH", "path": path, "data": replace("active", "False")}


def removing(path):
    return {"method": "DELETE", "path": path}


@pytest.fixture
def guarded(acme):
    """`guarded(holds=…)`: an alarm from 3 users and 30 % on."""

    def change(*, holds):
        undoing.change_guard(people.COMMAND, acme, Guard(share_percent=30, least=3, holds=holds))

    people.tenant_admin(acme)
    change(holds=True)
    return change


@pytest.fixture
def paths(at_acme):
    """The paths of acme's ten users."""
    made = [bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(PEOPLE)]
    return [f"/Users/{bulk.id_of(each)}" for each in bulk.send(at_acme, *made)]


@pytest.fixture
def send(at_acme, django_capture_on_commit_callbacks):
    """`send(operation, …)`: the statuses, after the commit."""

    def sent(*operations, **attributes):
        with django_capture_on_commit_callbacks(execute=True):
            results = bulk.send(at_acme, *operations, **attributes)
        return bulk.statuses(results)

    return sent


def alarm_of(tenant):
    with in_public():
        return Alarm.objects.get(tenant=tenant)


def active(at_acme):
    return at_acme.get("/Users", filter="active eq true").json["totalResults"]


def test_departures_of_one_request_are_an_alarm_and_all_pass_by_default(
    guarded, paths, send, acme, at_acme
):
    guarded(holds=False)

    assert send(*map(leaving, paths[:6])) == ["200"] * 6
    alarm = alarm_of(acme)
    assert (alarm.users, alarm.active_before, alarm.refused) == (6, 10, 0)
    assert active(at_acme) == 4


def test_those_after_the_one_that_is_the_alarm_are_held_in_the_same_request(
    guarded, paths, send, acme, at_acme, at_globex
):
    operations = [*map(leaving, paths[:5]), *map(removing, paths[5:8])]

    assert send(*operations) == ["200"] * 4 + ["429"] * 4
    alarm = alarm_of(acme)
    assert (alarm.users, alarm.active_before, alarm.refused) == (4, 10, 4)
    assert active(at_acme) == 6


def test_those_of_a_later_request_are_held_and_other_operations_are_not(
    guarded, paths, send, acme, at_acme
):
    send(*map(leaving, paths[:4]))
    title = {"method": "PATCH", "path": paths[5], "data": replace("title", "Guide")}

    assert send(leaving(paths[4]), title, removing(paths[6])) == ["429", "200", "429"]
    assert alarm_of(acme).refused == 2


def test_a_bulk_request_continues_what_single_requests_began(
    guarded, paths, send, acme, at_acme, django_capture_on_commit_callbacks
):
    for path in paths[:2]:
        with django_capture_on_commit_callbacks(execute=True):
            assert at_acme.patch(path, replace("active", "False")).status == 200

    assert send(*map(leaving, paths[2:6])) == ["200", "200", "429", "429"]
    assert alarm_of(acme).users == 4


def test_a_held_operation_says_why_and_is_in_the_log(guarded, paths, at_acme, acme, events):
    results = bulk.send(at_acme, *map(leaving, paths[:5]))

    held = results[4]
    assert held["response"]["status"] == "429"
    assert held["response"]["detail"].startswith("Unusually many users were deactivated")
    assert events(acme)[-1].status == 429


def test_held_operations_count_towards_the_end_of_the_hold(guarded, paths, send, acme):
    send(*map(leaving, paths[:4]))
    with in_public():
        Alarm.objects.update(refused=guard.MOST_REFUSED - 1)

    assert send(*map(leaving, paths[4:7])) == ["429", "200", "200"]
    assert alarm_of(acme).refused == guard.MOST_REFUSED


def test_an_operation_that_is_rolled_back_makes_nobody_leave(guarded, paths, send, acme):
    bad = {"op": "replace", "path": "userName", "value": ""}
    broken = {
        "method": "PATCH",
        "path": paths[0],
        "data": {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": False}, bad],
        },
    }

    assert send(*[broken] * 4, *map(leaving, paths[1:5])) == ["400"] * 4 + ["200"] * 4
    assert alarm_of(acme).users == 4


def test_a_user_who_leaves_twice_in_one_request_counts_once(guarded, paths, send, acme):
    back = {"method": "PATCH", "path": paths[0], "data": replace("active", "True")}

    assert send(*[leaving(paths[0]), back] * 5) == ["200"] * 10
    with in_public():
        assert not Alarm.objects.exists()


def test_fail_on_errors_stops_at_a_held_one_and_what_was_done_counts(guarded, paths, send, acme):
    assert send(*map(leaving, paths[:8]), failOnErrors=1) == ["200"] * 4 + ["429"]
    alarm = alarm_of(acme)
    assert (alarm.users, alarm.refused) == (4, 1)


def test_another_tenants_hold_holds_nobody_here(guarded, paths, send, at_globex, globex):
    send(*map(leaving, paths[:4]))
    made = bulk.send(at_globex, *(bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(6)))
    theirs = [f"/Users/{bulk.id_of(each)}" for each in made]

    assert bulk.statuses(bulk.send(at_globex, *map(leaving, theirs))) == ["200"] * 6


GUARD = (
    "scim_departure",
    "tenants_alarm",
    "active OR active IS NULL",
    "tenants_mail",
    "accounts_account",
)


def of_the_guard(executed):
    """The guard's statements: the request's own know neither its tables nor accounts."""
    own = [each for each in executed if "accounts_secrettoken" not in each]
    return [each for each in own if any(name in each for name in GUARD)]


@pytest.mark.parametrize(("number", "holds"), [(60, False), (60, True), (1000, True)])
def test_the_statements_of_the_guard_do_not_grow_with_the_operations(
    number, holds, guarded, acme, at_acme, statements, django_capture_on_commit_callbacks
):
    guarded(holds=holds)
    made = (bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(number))
    paths = [f"/Users/{bulk.id_of(each)}" for each in bulk.send(at_acme, *made)]

    with statements() as executed, django_capture_on_commit_callbacks(execute=True):
        results = bulk.send(at_acme, *map(leaving, paths))

    guards = of_the_guard(executed)
    assert bulk.statuses(results).count("200") == (number * 3 // 10 + 1 if holds else number)
    assert sum("INSERT INTO scim_departure" in each for each in guards) == 1
    assert len(guards) <= 15, "\n".join(guards)


def test_single_departures_cost_a_statement_each_and_few_looks(
    guarded, acme, at_acme, statements, django_capture_on_commit_callbacks
):
    guarded(holds=False)
    made = (bulk.post(f"b{n}", "/Users", user(f"u{n}")) for n in range(60))
    paths = [f"/Users/{bulk.id_of(each)}" for each in bulk.send(at_acme, *made)]

    with statements() as executed:
        for path in paths:
            with django_capture_on_commit_callbacks(execute=True):
                at_acme.patch(path, replace("active", "False"))
        watch.look_at_pending()

    guards = of_the_guard(executed)
    notes = [each for each in guards if "INSERT INTO scim_departure" in each]
    assert len(notes) == 60
    assert len(guards) - len(notes) <= 25, "\n".join(guards)
    assert alarm_of(acme).users == 60
