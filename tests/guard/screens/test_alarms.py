"""Mass deactivations on the screens: seen at once, undone or let pass by those who may."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from accounts.permissions import Role
from scim.guard.guard import settings_of
from scim.guard.models import Departure, Undoing
from scim.models import User
from scim.protocol.definitions import USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from tenants import clock, traffic
from tenants.current import in_public, in_tenant
from tenants.models import Alarm
from tests.guard import undoing
from tests.support.at_screens import BJENSEN
from tests.support.pages import nonce_in

LIST = "/admin/tenants/alarm/"
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


@pytest.fixture
def alarm(acme):
    with in_public():
        return Alarm.objects.create(
            tenant=acme, since=NOW, noticed_at=NOW, users=40, active_before=100
        )


@pytest.fixture
def at_home(acme, tara, open_browser):
    return open_browser(acme, tara)


def send(browser, path, **form):
    return browser.post(path, form | {"nonce": nonce_in(browser.get(path))}, follow=True)


def outcome(alarm):
    with in_public():
        alarm.refresh_from_db()
    return alarm.outcome


def test_it_stands_on_the_overviews_and_on_the_tenants_page(alice, at_home, acme, alarm):
    said = "40 of 100 users were deactivated or deleted within an hour"

    assert said in at_home.get("/admin/").text
    assert f"Acme Ltd: {said}" in alice.get("/admin/").text
    assert said in alice.get(f"/admin/tenants/tenant/{acme.pk}/change/").text
    assert f'href="/t/acme{LIST}{alarm.pk}/change/"' in alice.get("/admin/").text


def most_left(browser):
    """The HTML of the section of the first page about the users who left."""
    caption = ">Most users deactivated or deleted on a day, the last 7 days</h2>"
    return browser.get("/admin/").text.split(caption)[1].split("</section>")[0]


def test_the_days_on_which_most_users_left_come_first(alice, acme, globex):
    now = clock.now()
    traffic.note_departures(acme.id, now, 3)
    traffic.note_departures(globex.id, now, 40)
    traffic.note_departures(globex.id, now - timedelta(days=8), 900)
    traffic.flush()

    left = most_left(alice)

    assert left.index("Globex Inc") < left.index("Acme Ltd")
    assert ">40</td>" in left
    assert f">{now.day} {now:%b}</td>" in left
    assert ">900</td>" not in left


def test_a_week_in_which_nobody_left_is_said_in_words(alice, acme):
    assert "No user was deactivated or deleted." in most_left(alice)


def test_a_tenant_admin_lets_it_pass(at_home, acme, alarm):
    send(at_home, f"{LIST}{alarm.pk}/pass/")

    assert outcome(alarm) == "passed"
    assert "deleted within an hour" not in at_home.get("/admin/").text


def test_a_tenant_admin_undoes_it(at_home, acme, alarm):
    answer = send(at_home, f"{LIST}{alarm.pk}/undo/")

    assert "The undo for 0 users has started." in answer.text
    assert outcome(alarm) == "undoing"
    undoing.finish(acme)
    assert outcome(alarm) == "undone"
    with in_tenant(acme):
        entry = AuditEntry.objects.order_by("-id").first()
    assert (entry.act, entry.subject) == ("mass deactivation undone", "40 of 100 users")


@pytest.fixture
def begun(acme, at_home, alarm, bjensen):
    """An undo that nobody has taken up; bjensen left, and is deleted since."""
    with in_tenant(acme):
        Departure.objects.create(at=NOW, user_id=bjensen.id)
        User.objects.filter(pk=bjensen.id).update(deleted_at=NOW)
    send(at_home, f"{LIST}{alarm.pk}/undo/", people=bjensen.id)
    return f"{LIST}{alarm.pk}/"


def test_the_page_says_how_far_the_undo_is_and_follows_it(at_home, acme, begun):
    page, part = at_home.get(f"{begun}change/").text, at_home.get(f"{begun}progress/").text

    assert "Being undone" in page
    assert f'data-refresh="{begun}progress/"' in page
    assert "The undo is in progress: 0 of 1 user active again." in part
    assert 'data-done="false"' in part
    undoing.finish(acme)
    part = at_home.get(f"{begun}progress/").text
    assert "The undo is done: 1 of 1 user active again." in part
    assert 'data-done="true"' in part
    assert "Undo</a>" not in at_home.get(f"{begun}change/").text


def test_the_page_says_that_no_worker_takes_the_undo_up(at_home, acme, begun):
    with in_tenant(acme):
        Undoing.objects.update(asked_at=NOW)

    assert "The undo is waiting for the worker" in at_home.get(f"{begun}progress/").text


def test_users_who_were_not_brought_back_are_named_with_the_reason(
    at_home, alice, acme, begun, bjensen, command
):
    with in_tenant(acme):
        twin = {**BJENSEN, "externalId": "another"}
        requester = Requester(acme.tenant_url, "r", Origin("POST", "/Users"))
        resources.create(USER, twin, requester)
    undoing.finish(acme)

    own, theirs = (
        browser.get(f"{prefix}{begun}change/").text
        for browser, prefix in ((at_home, ""), (alice, "/t/acme"))
    )
    for page in (own, theirs):
        assert "Users who were not brought back" in page
        assert "Another user has its userName now" in page
        assert f"/admin/scim/user/{bjensen.id}/change/" in page
    assert ("bjensen@acme.example" in own, "bjensen@acme.example" in theirs) == (True, False)
    assert "Try again for the rest" in own


def test_the_progress_is_not_another_tenants(globex, gus, begun, open_browser):
    assert open_browser(globex, gus).get(f"{begun}progress/").status_code == 404


def test_an_alarm_is_resolved_once(at_home, alarm):
    path = f"{LIST}{alarm.pk}/undo/"
    form = {"nonce": nonce_in(at_home.get(path))}
    send(at_home, f"{LIST}{alarm.pk}/pass/")

    answer = at_home.post(path, form)

    assert "This alarm has been resolved already." in answer.text
    assert outcome(alarm) == "passed"


def test_a_tenant_admin_changes_the_guard(at_home, acme, globex):
    send(at_home, f"{LIST}guard/", share_percent="50", least="100", holds="on")

    changed, other = settings_of(acme), settings_of(globex)
    assert (changed.share_percent, changed.least, changed.holds) == (50, 100, True)
    assert (other.share_percent, other.least, other.holds) == (30, 20, False)
    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="guard changed").get()
    assert entry.details == {"share_percent": 50, "least": 100, "holds": True}


def test_another_tenants_alarm_is_not_there(globex, gus, alarm, open_browser):
    browser = open_browser(globex, gus)

    statuses = [
        browser.get(f"{LIST}{alarm.pk}/{end}/").status_code for end in ("change", "undo", "pass")
    ]
    assert statuses == [404, 404, 404]
    assert "40" not in browser.get(LIST).context["cl"].result_list.values_list("users", flat=True)


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.AUDITOR, 403), (Role.SUPPORT, 403), (Role.SUPPORT_LEAD, 200), (Role.OPERATOR, 200)],
)
def test_staff_see_it_and_leads_act_on_it(role, status, operator, staff, alarm, open_browser):
    browser = open_browser(operator, staff[role])
    ends = (f"{alarm.pk}/undo/", f"{alarm.pk}/pass/", "guard/")

    assert browser.get(f"/t/acme{LIST}{alarm.pk}/change/").status_code == 200
    assert {browser.get(f"/t/acme{LIST}{end}").status_code for end in ends} == {status}
