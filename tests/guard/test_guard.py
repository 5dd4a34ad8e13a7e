"""The guard: unusually many users who leave within an hour are noticed, told, and held if asked to."""

from datetime import timedelta

import pytest

from accounts.audit import Actor
from scim.guard import guard, undoing, watch
from scim.guard.undoing import left_behind
from tenants import clock as clocks
from tenants import traffic
from tenants.connectivity import connection_of
from tenants.current import in_public, in_tenant
from tenants.models import Alarm, Guard
from tests.guard.undoing import undone
from tests.support import mailing, people
from tests.support.payloads import replace, user

PEOPLE = 10


@pytest.fixture(autouse=True)
def _small(acme, globex):
    """An alarm from 3 users and 30 % on, so that ten users are enough."""
    for tenant in (acme, globex):
        people.tenant_admin(tenant)
        _set(tenant, holds=False)


def _set(tenant, *, holds):
    undoing.change_guard(people.COMMAND, tenant, Guard(share_percent=30, least=3, holds=holds))


@pytest.fixture
def staff_of(at_acme):
    """The paths of acme's ten users."""
    made = [at_acme.post("/Users", user(f"u{number}")).json for number in range(PEOPLE)]
    return [f"/Users/{each['id']}" for each in made]


@pytest.fixture
def leave(at_acme, django_capture_on_commit_callbacks):
    """`leave(path, …)`: deactivates the users; the last answer."""

    def deactivate(*paths):
        for path in paths:
            with django_capture_on_commit_callbacks(execute=True):
                answer = at_acme.patch(path, replace("active", "False"))
        return answer

    return deactivate


def alarms(tenant):
    with in_public():
        return list(Alarm.objects.filter(tenant=tenant).order_by("noticed_at"))


def active(at_acme):
    return at_acme.get("/Users", filter="active eq true").json["totalResults"]


def test_few_users_who_leave_are_no_alarm(staff_of, leave, acme):
    leave(*staff_of[:3])

    assert alarms(acme) == []
    assert mailing.sent() == []


def test_more_than_the_share_within_an_hour_is_one_alarm(staff_of, leave, acme, globex):
    leave(*staff_of[:6])
    watch.look_at_pending()

    [alarm] = alarms(acme)
    assert (alarm.users, alarm.active_before, alarm.outcome) == (6, 10, "open")
    assert alarms(globex) == []


def test_a_deletion_counts_and_who_left_before_does_not(
    staff_of, leave, at_acme, acme, django_capture_on_commit_callbacks
):
    leave(*staff_of[:3])
    for path in staff_of[2:4]:
        with django_capture_on_commit_callbacks(execute=True):
            at_acme.delete(path)

    [alarm] = alarms(acme)
    assert alarm.users == 4


def test_the_same_number_spread_over_hours_is_no_alarm(staff_of, leave, acme, clock):
    for path in staff_of[:6]:
        leave(path)
        clock.shift(timedelta(minutes=31))

    assert alarms(acme) == []


def test_tenant_admins_and_staff_are_told_once_at_once(staff_of, leave, operator):
    people.support_staff(operator)

    leave(*staff_of[:7])

    messages = mailing.sent()
    assert [message.to for message in messages] == [
        ["tara@acme.example"],
        ["alice@mypolicies.example"],
    ]
    subject = "4 of 10 users of Acme Ltd were deactivated within an hour"
    assert {message.subject for message in messages} == {subject}
    own, theirs = (message.body for message in messages)
    assert "http://acme.mypolicies.localhost:8000/admin/tenants/alarm/" in own
    assert "/t/acme/admin/tenants/alarm/" in theirs


def test_by_default_further_ones_pass(staff_of, leave):
    assert leave(*staff_of).status == 200


def test_held_ones_are_answered_429_with_when_to_try_again(staff_of, leave, acme, at_acme):
    _set(acme, holds=True)
    leave(*staff_of[:4])

    answer = leave(staff_of[4])

    assert (answer.status, answer.headers["Retry-After"]) == (429, "2400")
    assert answer.json["detail"].startswith("Unusually many users were deactivated")
    assert active(at_acme) == 6
    assert alarms(acme)[0].refused == 1


def test_a_hold_holds_nothing_but_departures(staff_of, leave, acme, at_acme, at_globex):
    _set(acme, holds=True)
    leave(*staff_of[:4])

    assert at_acme.post("/Users", user("new")).status == 201
    assert at_acme.patch(staff_of[5], replace("title", "Guide")).status == 200
    assert at_acme.patch(staff_of[0], replace("active", "True")).status == 200
    theirs = at_globex.post("/Users", user("theirs")).json
    assert at_globex.patch(f"/Users/{theirs['id']}", replace("active", "False")).status == 200


def test_a_hold_ends_when_the_grace_is_over(staff_of, leave, acme, clock):
    _set(acme, holds=True)
    leave(*staff_of[:4])
    clock.shift(guard.GRACE - timedelta(seconds=1))
    before = leave(staff_of[4]).status
    clock.shift(2)

    assert (before, leave(staff_of[4]).status) == (429, 200)


def test_a_hold_ends_before_entra_would_quarantine(staff_of, leave, acme):
    _set(acme, holds=True)
    leave(*staff_of[:4])
    with in_public():
        Alarm.objects.update(refused=guard.MOST_REFUSED)

    assert leave(staff_of[4]).status == 200


def test_an_alarm_nobody_looked_at_lapses_so_that_the_next_is_told_and_held_anew(
    staff_of, leave, at_acme, acme, clock, django_capture_on_commit_callbacks
):
    _set(acme, holds=True)
    leave(*staff_of[:4])
    told = len(mailing.sent())
    clock.shift(guard.GRACE + timedelta(hours=2))
    with django_capture_on_commit_callbacks(execute=True):
        for path in staff_of[:4]:
            at_acme.patch(path, replace("active", "True"))

    held = [leave(path).status for path in staff_of[4:9]][-1]

    first, second = alarms(acme)
    assert (first.outcome, second.outcome) == ("lapsed", "open")
    assert first.settled_at == first.noticed_at + guard.GRACE
    assert len(mailing.sent()) == told == 1
    assert held == 429
    assert undone(people.COMMAND, acme, first.pk).back == 4
    assert at_acme.get(staff_of[3]).json["active"] is True


def test_let_pass_ends_the_hold_and_counting_starts_anew(staff_of, leave, acme, clock):
    _set(acme, holds=True)
    leave(*staff_of[:4])
    clock.shift(60)
    undoing.let_departures_pass(people.COMMAND, acme, alarms(acme)[0].pk)
    clock.shift(60)

    assert leave(*staff_of[4:6]).status == 200
    assert [alarm.outcome for alarm in alarms(acme)] == ["passed"]


def test_undo_brings_all_of_them_back_with_their_groups(
    staff_of, leave, at_acme, acme, history, events, django_capture_on_commit_callbacks
):
    gone = staff_of[0].removeprefix("/Users/")
    group = at_acme.post("/Groups", {"displayName": "Guides", "members": [{"value": gone}]}).json
    leave(*staff_of[1:4])
    with django_capture_on_commit_callbacks(execute=True):
        at_acme.delete(staff_of[0])
    tara = Actor.account(people.tenant_admin(acme), acme, "203.0.113.9")

    undo = undone(tara, acme, alarms(acme)[0].pk)

    assert (undo.back, undo.left) == (4, 0)
    assert active(at_acme) == PEOPLE
    members = at_acme.get(f"/Groups/{group['id']}").json["members"]
    assert [member["value"] for member in members] == [gone]
    changed = [each for each in history(acme) if each.request_id == undo.request_id]
    assert {each.after for each in changed if each.path == "active"} == {True}
    by = {each.token_label for each in events(acme) if each.request_id == undo.request_id}
    assert by == {"tara@acme.example (acme)"}
    assert [(a.outcome, a.settled_by) for a in alarms(acme)] == [("undone", tara.name)]


def test_users_disabled_before_stay_disabled(staff_of, leave, at_acme, acme, clock):
    leave(staff_of[9])
    clock.shift(timedelta(hours=2))
    leave(*staff_of[:4])

    undone(people.COMMAND, acme, alarms(acme)[0].pk)

    assert at_acme.get(staff_of[9]).json["active"] is False
    assert active(at_acme) == PEOPLE - 1


def test_users_whose_user_name_has_been_taken_stay_disabled_and_are_listed(
    staff_of, leave, at_acme, acme, django_capture_on_commit_callbacks
):
    for path in staff_of[:4]:
        with django_capture_on_commit_callbacks(execute=True):
            at_acme.delete(path)
    at_acme.post("/Users", user("u0"))

    undo = undone(people.COMMAND, acme, alarms(acme)[0].pk)

    assert (undo.back, undo.left) == (3, 1)
    with in_tenant(acme):
        [(user_id, reason)] = left_behind(undo, 10)
    assert f"/Users/{user_id}" == staff_of[0]
    assert reason.startswith("Another user has its userName now")


def test_a_tenant_whose_deactivations_are_delayed_needs_attention(
    staff_of, leave, acme, globex, clock
):
    _set(acme, holds=True)
    leave(*staff_of[:4])
    clock.shift(2)
    leave(staff_of[4])
    traffic.flush()

    found, theirs = (connection_of(each, clocks.now()) for each in (acme, globex))

    assert (found.state.name, found.failure) == ("attention", None)
    assert theirs.state.name == "never"
