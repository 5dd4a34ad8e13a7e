"""The users who left in a mass deactivation: who, how, by which request, chosen to be brought back."""

import re
from datetime import timedelta

import pytest

from scim.guard import alarm_screen, leavers, undoing
from scim.guard.models import Departure
from scim.models import User
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Alarm, Guard
from tests.guard.undoing import finish
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import exported, nonce_in, rows_of, table_of

DISABLE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}
LIST = "/admin/tenants/alarm/"
LEAVERS = "/admin/scim/departure/"
CAPTION = "Users who left: 2"


@pytest.fixture
def alarm(acme):
    """An alarm that began a minute ago."""
    since = clock.now() - timedelta(minutes=1)
    with in_public():
        return Alarm.objects.create(
            tenant=acme, since=since, noticed_at=clock.now(), users=2, active_before=5
        )


@pytest.fixture
def departed(acme, alarm, provision, change, remove, bjensen):
    """bjensen was disabled, and jsmith was deleted; their ids."""
    change(bjensen, DISABLE)
    jsmith = provision(acme, JSMITH)
    remove(jsmith)
    return str(bjensen.id), str(jsmith.id)


def active(tenant):
    with in_tenant(tenant):
        found = User.objects.filter(active=True, deleted_at=None).order_by("display_name")
        return list(found.values_list("document__displayName", flat=True))


def undo(browser, alarm, **form):
    path = f"{LIST}{alarm.pk}/undo/"
    return browser.post(path, {"nonce": nonce_in(browser.get(path)), **form}, follow=True)


def test_disabled_and_deleted_users_are_listed_with_their_requests(own_host, alarm, departed):
    page = own_host.get(f"{LIST}{alarm.pk}/change/")

    rows = table_of(page, CAPTION)
    assert [(*row[:3], *row[4:6]) for row in rows] == [
        (BJENSEN["displayName"], "Tour Operations", "Deactivated", "Disabled", "-"),
        (JSMITH["displayName"], "-", "Deleted", "Deleted", "-"),
    ]
    assert all(row[6] for row in rows)
    request = re.findall(r'href="(/admin/scim/provisioningevent/[^"]+/change/)"', page.text)[0]
    assert "Barbara Jensen" in own_host.get(request).text


def test_names_are_masked_for_support(alice, alarm, departed):
    page = alice.get(f"/t/acme{LIST}{alarm.pk}/change/")
    listed = alice.get(f"/t/acme{LEAVERS}?alarm={alarm.pk}")

    assert [row[0] for row in table_of(page, CAPTION)] == ["B•••", "J•••"]
    assert "Jensen" not in listed.text
    assert alice.get(f"/t/acme{LEAVERS}export/").status_code == 403


def test_departures_before_the_alarm_and_after_its_end_are_left_out(own_host, acme, alarm, bjensen):
    with in_tenant(acme):
        for minutes in (2, -60):
            at = clock.now() - timedelta(minutes=minutes)
            Departure.objects.create(at=at, user_id=bjensen.id)
    with in_public():
        Alarm.objects.update(settled_at=clock.now(), outcome=Alarm.Outcome.PASSED)

    assert table_of(own_host.get(f"{LIST}{alarm.pk}/change/"), CAPTION) == []
    assert rows_of(own_host.get(f"{LEAVERS}?alarm={alarm.pk}")) == []


def test_the_page_leads_to_a_list_of_all(own_host, alarm, departed, monkeypatch):
    monkeypatch.setattr(leavers, "SHOWN", 1)
    page = own_host.get(f"{LIST}{alarm.pk}/change/")
    (path,) = re.findall(rf'href="({LEAVERS}[^"]+)"', page.text)

    assert [row[0] for row in table_of(page, CAPTION)] == ["Barbara Jensen"]
    assert [row[0] for row in rows_of(own_host.get(path))] == ["John Smith", "Barbara Jensen"]


def test_the_list_is_searched_and_filtered_by_result(own_host, acme, alarm, departed):
    bjensen, jsmith = departed
    undo(own_host, alarm, people=[bjensen])
    finish(acme)

    def names(query):
        return [row[0] for row in rows_of(own_host.get(f"{LEAVERS}?alarm={alarm.pk}&{query}"))]

    assert names("result=back") == ["Barbara Jensen"]
    assert names("result=left") == ["John Smith"]
    assert names("result=open") == []
    assert names("q=barb") == ["Barbara Jensen"]
    assert names(f"q={jsmith}") == ["John Smith"]
    assert names("q=nobody") == []


def test_the_list_is_exported(own_host, alarm, departed):
    _, lines = exported(own_host, f"{LEAVERS}?alarm={alarm.pk}")

    told = ("userName", "department", "how", "state now", "result")
    assert [[line[name] for name in told] for line in lines] == [
        [JSMITH["userName"], "", "Deleted", "Deleted", ""],
        [BJENSEN["userName"], "Tour Operations", "Deactivated", "Disabled", ""],
    ]
    assert all(line["request"] for line in lines)


def test_alarms_of_another_tenant_have_no_list(own_host, globex, alarm, departed):
    with in_public():
        Alarm.objects.update(tenant=globex)

    assert rows_of(own_host.get(f"{LEAVERS}?alarm={alarm.pk}")) == []


def test_a_user_of_whom_nothing_is_left_is_named_by_id(own_host, acme, alarm):
    gone = clock.new_id(clock.now())
    with in_tenant(acme):
        Departure.objects.create(at=clock.now(), user_id=gone)

    rows = table_of(own_host.get(f"{LIST}{alarm.pk}/change/"), CAPTION)
    assert rows[0][:3] == [str(gone), "-", "-"]


def test_chosen_users_are_brought_back_and_each_has_a_result(own_host, acme, alarm, departed):
    bjensen, _ = departed
    form = own_host.get(f"{LIST}{alarm.pk}/undo/")
    undo(own_host, alarm, people=[bjensen])
    finish(acme)

    assert re.findall(r"<label for=\"id_people_\d\">\s*(.*?)</label>", form.text) == [
        "Barbara Jensen, Tour Operations, deactivated",
        "John Smith, deleted",
    ]
    assert form.text.count(" checked") == 2
    assert active(acme) == ["Barbara Jensen"]
    page = own_host.get(f"{LIST}{alarm.pk}/change/")
    assert [row[5] for row in table_of(page, CAPTION)] == [
        "Active again",
        "Not brought back: Left out by tara@acme.example (acme).",
    ]
    assert "1 of 2 users active again, 1 stays as before" in page.text


def test_users_who_were_left_out_are_brought_back_later(own_host, acme, alarm, departed):
    bjensen, jsmith = departed
    undo(own_host, alarm, people=[bjensen])
    finish(acme)

    undo(own_host, alarm, people=[jsmith])
    finish(acme)

    assert active(acme) == ["Barbara Jensen", "John Smith"]


def test_an_undo_of_nobody_is_refused(own_host, acme, alarm, departed):
    assert "Choose at least one user to bring back." in undo(own_host, alarm).text
    with in_public():
        assert Alarm.objects.get().outcome == "open"


def test_of_many_users_those_to_leave_out_are_named(own_host, acme, alarm, departed, monkeypatch):
    monkeypatch.setattr(alarm_screen, "MOST_OFFERED", 1)
    refused = undo(own_host, alarm, left_out="bjensen@acme.example\nnobody@acme.example")
    undo(own_host, alarm, left_out=f" BJENSEN@acme.example \n\n{departed[0]}")
    finish(acme)

    assert "Nobody who left is called &#x27;nobody@acme.example&#x27;." in refused.text
    assert active(acme) == ["John Smith"]


def test_those_to_leave_out_are_limited(own_host, acme, alarm, departed, monkeypatch):
    monkeypatch.setattr(alarm_screen, "MOST_OFFERED", 1)
    monkeypatch.setattr(alarm_screen, "MOST_NAMED", 1)

    assert "Name up to 1 users." in undo(own_host, alarm, left_out="a\nb").text


def test_all_but_none_is_refused_by_the_action_as_well(acme, alarm, departed, command):
    with pytest.raises(undoing.ActionRefused, match="Choose at least one user"):
        undoing.undo_departures(command, acme, alarm.pk, departed)


def test_the_time_until_delays_end_is_counted_down(own_host, acme, alarm, guarded):
    guarded(acme)
    with in_public():
        Guard.objects.filter(tenant=acme).update(holds=True)
        Alarm.objects.update(noticed_at=clock.now() - timedelta(minutes=30), refused=7)

    page = own_host.get(f"{LIST}{alarm.pk}/change/")
    part = own_host.get(f"{LIST}{alarm.pk}/progress/")

    for text in (page.text, part.text):
        assert "New deactivations are delayed for 3 h 30 min more, or until 2,500 requests" in text
        assert "were delayed (7 so far)." in text
    assert re.search(r'max="14400" value="18\d\d"', part.text)


def test_without_delay_or_undo_nothing_is_followed(own_host, alarm):
    assert "data-refresh" not in own_host.get(f"{LIST}{alarm.pk}/change/").text
    assert own_host.get(f"{LIST}{alarm.pk}/progress/").status_code == 404


def test_page_list_and_form_cost_the_same_for_any_number(own_host, acme, alarm, statements):
    counts = []
    for number in (1, 1, 30):  # the first time, more is looked up
        with in_tenant(acme):
            Departure.objects.bulk_create(
                Departure(at=clock.now(), user_id=clock.new_id(clock.now())) for _ in range(number)
            )
        with statements() as executed:
            own_host.get(f"{LIST}{alarm.pk}/change/")
            own_host.get(f"{LEAVERS}?alarm={alarm.pk}")
            own_host.get(f"{LIST}{alarm.pk}/undo/")
        counts.append(len(executed))

    assert counts[1] == counts[2]
