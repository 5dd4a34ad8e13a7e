"""The provisioning log and the audit log: finding an entry and reading it."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from scim.inspector.log_screen import StatusFilter
from scim.models import ProvisioningEvent
from scim.protocol.definitions import USER
from scim.protocol.errors import Uniqueness
from scim.provider import provisioning_log
from scim.provider.provisioning_log import Call
from tenants import clock, resolution
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH, requester
from tests.support.pages import rows_of, table_of

LIST = "/admin/scim/provisioningevent/"


@pytest.fixture
def refuse(acme, minted):
    """Log a refused request, as the API does; `age` ago."""

    def record(age=timedelta(0), **changes):
        sender = replace(requester(acme, minted.token), request_id="6f1c40a4-0002")
        body = JSMITH | {"password": "t0p-secret"}
        with in_tenant(acme):
            event = provisioning_log.refused(
                Call(sender, "create", USER, None, body),
                Uniqueness("user.name-taken", "Another User already has this userName."),
            )
        at = clock.now() - age
        event = replace(event, id=clock.new_id(at), at=at, **changes)
        with transaction.atomic(), in_tenant(acme):
            provisioning_log.record(event)
        return event

    return record


def listed(page):
    """The request in words and the status of each row."""
    return [(row[2], row[3]) for row in rows_of(page)]


def test_the_list_shows_the_newest_request_first(own_host, bjensen, refuse):
    refuse()

    assert listed(own_host.get(LIST)) == [
        ("Creation refused: user name taken", "409"),
        ("Created", "201"),
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"outcome": "ok"}, [("Created", "201")]),
        ({"outcome": "refused"}, [("Update refused: user name taken", "409")]),
        ({"operation": "modify"}, [("Update refused: user name taken", "409")]),
        ({"operation": "delete"}, []),
        ({"status": "409"}, [("Update refused: user name taken", "409")]),
        ({"status": "201"}, [("Created", "201")]),
        ({"status": "x"}, [("Created", "201"), ("Update refused: user name taken", "409")]),
        ({"period": "hour"}, [("Created", "201")]),
        ({"period": "day"}, [("Created", "201"), ("Update refused: user name taken", "409")]),
        ({"period": "1969-12-31"}, []),
        ({"period": "0001-01-01T00"}, []),
        (
            {"period": "9999-12-31"},
            [("Created", "201"), ("Update refused: user name taken", "409")],
        ),
        (
            {"period": "2026-13-01"},
            [("Created", "201"), ("Update refused: user name taken", "409")],
        ),
        ({"q": "6f1c40a4-0002"}, [("Update refused: user name taken", "409")]),
        ({"q": "6f1c40a4"}, []),
        ({"q": "BJensen@acme.example"}, [("Created", "201")]),
        ({"q": "barbara.jensen@acme.example"}, [("Created", "201")]),
        ({"q": "BARBARA JENSEN"}, [("Created", "201")]),
        ({"q": BJENSEN["externalId"]}, [("Created", "201")]),
    ],
)
def test_filters_and_search_narrow_the_list(asked, found, own_host, bjensen, refuse):
    refuse(age=timedelta(hours=2), operation="modify")

    assert listed(own_host.get(LIST, asked)) == found


@pytest.mark.one_node  # plans are asked for
@pytest.mark.parametrize(
    ("status", "index"),
    [
        *((each, "scim_event_status") for each in ("200", "204", "400", "409", "500")),
        ("201", "scim_event_operation"),  # nearly all creations: their index of statuses has no 201
    ],
)
def test_each_status_is_found_by_an_index(status, index, acme):
    _, condition = StatusFilter.conditions[status]

    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = ProvisioningEvent.objects.order_by().filter(condition()).explain()

    assert index in plan


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"userName": "İdil@acme.example"}, "i\u0307dil@ACME.example"),
        ({"userName": "i\u0307dil@acme.example"}, "İDIL@acme.example"),
        ({"userName": "Groß@acme.example"}, "GROSS@acme.example"),
        ({"userName": "rené@acme.example"}, "rene\u0301@acme.example"),
        ({"USERNAME": "Jsmith@acme.example"}, "jsmith@acme.example"),
        ({"userName": "x" * 3_000}, "X" * 3_000),
    ],
)
def test_a_refused_user_is_found_in_the_letter_case_of_scim(sent, asked, own_host, refuse):
    """PostgreSQL's lower() and Python's differ: İ, and what is one letter or two."""
    refuse(sent=sent)

    assert listed(own_host.get(LIST, {"q": asked})) == [
        ("Creation refused: user name taken", "409")
    ]


@pytest.fixture
def log(acme, minted):
    """`log(operation, minutes ago, …)`: log an answered request."""

    def record(operation, minutes, **changes):
        sender = replace(requester(acme, minted.token), request_id=f"{operation}-{minutes}")
        at = clock.now() - timedelta(minutes=minutes)
        with transaction.atomic(), in_tenant(acme):
            event = provisioning_log.answered(Call(sender, operation, USER), 200)
            event = replace(event, id=clock.new_id(at), at=at, **changes)
            provisioning_log.record(event)

    return record


def heads(page):
    return re.findall(r'<tr class="head"><th[^>]*>([^<]+)</th>', page.text)


def test_look_ups_are_left_out_unless_asked_for(own_host, log, refuse):
    refuse()
    log("query", 1)

    assert listed(own_host.get(LIST)) == [("Creation refused: user name taken", "409")]
    assert len(listed(own_host.get(LIST, {"outcome": "all"}))) == 2
    assert listed(own_host.get(LIST, {"operation": "query"})) == [("Looked up", "200")]


def test_equal_look_ups_after_each_other_are_one_row(own_host, log):
    for minutes in (1, 2, 3):
        log("query", minutes, count=4)
    log("discover", 4)

    assert listed(own_host.get(LIST, {"outcome": "all"})) == [
        ("Looked up (12 times)", "200"),
        ("Discovered", "200"),
    ]


@pytest.fixture
def noon():
    with time_machine.travel(datetime(2026, 11, 25, 12, 0, tzinfo=UTC), tick=False):
        yield


def test_a_pause_begins_another_cycle_with_a_line_that_sums_it_up(noon, own_host, log, refuse):
    refuse()
    for minutes in (1, 2, 60, 61, 62):
        log("create", minutes)

    assert heads(own_host.get(LIST)) == [
        "Wednesday, 25 November 2026, 11:58-12:00 UTC: 2 changes, 1 refused",
        "Wednesday, 25 November 2026, 10:58-11:00 UTC: 3 changes",
    ]


REFUSED_ONCE = ("Creation refused: user name taken", "409")


def test_the_same_failure_of_a_user_is_one_row_a_day(noon, own_host, refuse):
    """Entra repeats what was refused in each cycle: 36 rows a day would bury everything else."""
    for hours in (1, 2, 3, 20):
        refuse(age=timedelta(hours=hours))

    page = own_host.get(LIST)
    assert listed(page) == [("Creation refused: user name taken (3 times)", "409"), REFUSED_ONCE]
    assert heads(page) == [
        "Wednesday, 25 November 2026: 3 refused",
        "Tuesday, 24 November 2026: 1 refused",
    ]


def test_the_same_failures_of_several_users_are_a_row_a_day_for_each(noon, own_host, refuse):
    """However many fail in a cycle: one of three requests has a line of its own."""
    for hours in (1, 2, 20):
        for number in range(3):
            refuse(sent={"userName": f"{number}@acme.example"}, age=timedelta(hours=hours))

    page = own_host.get(LIST)
    twice = ("Creation refused: user name taken (2 times)", "409")
    assert listed(page) == [twice] * 3 + [REFUSED_ONCE] * 3
    assert heads(page) == [
        "Wednesday, 25 November 2026, 11:00 UTC: 3 refused",
        "Tuesday, 24 November 2026, 16:00 UTC: 3 refused",
    ]


def test_other_failures_and_users_keep_rows_of_their_own(noon, own_host, refuse):
    refuse(age=timedelta(hours=1))
    refuse(age=timedelta(hours=2), operation="modify")
    refuse(age=timedelta(hours=3), reason="user.email-missing")
    refuse(age=timedelta(hours=4), sent={"userName": "another@acme.example"})

    assert [words for words, _ in listed(own_host.get(LIST))] == [
        "Creation refused: user name taken",
        "Update refused: user name taken",
        "Creation refused: no work e-mail",
        "Creation refused: user name taken",
    ]


@pytest.mark.parametrize(
    "asked", [{"outcome": "refused"}, {"outcome": "all"}, {"q": "6f1c40a4-0002"}, {"status": "409"}]
)
def test_filters_and_a_search_list_each_refusal(asked, noon, own_host, refuse):
    for hours in (1, 2, 3):
        refuse(age=timedelta(hours=hours))

    assert listed(own_host.get(LIST, asked)) == [REFUSED_ONCE] * 3


def test_short_cycles_of_a_day_are_under_one_line(noon, own_host, log):
    for minutes in (1, 60, 120, 121, 12 * 60 + 1):
        log("create", minutes)

    assert heads(own_host.get(LIST)) == [
        "Wednesday, 25 November 2026: 4 changes",
        "Tuesday, 24 November 2026: 1 change",
    ]


def news(browser, page):
    """The answer to the question that the page asks again and again."""
    path = html.unescape(re.findall(r'data-news="([^"]+)"', page.text)[0])
    return browser.get(path)


def test_a_list_is_told_how_many_requests_have_come_that_match_it(own_host, log, refuse):
    log("create", 5)
    everything, refused = (
        own_host.get(LIST, {"outcome": outcome}) for outcome in ("all", "refused")
    )
    assert news(own_host, everything).text == ""

    log("query", -1)
    log("create", -2)
    refuse(age=-timedelta(minutes=3))

    assert news(own_host, everything).text == f'<a href="{LIST}?outcome=all">3 new requests</a>'
    assert news(own_host, refused).text == f'<a href="{LIST}?outcome=refused">1 new request</a>'


def test_a_list_without_rows_and_one_of_the_other_tenant_are_told_of_their_own(
    own_host, log, globex, gus, open_browser
):
    empty = own_host.get(LIST)
    gus_at_home = open_browser(globex, gus)
    other = gus_at_home.get(LIST)
    log("create", -1)

    assert "1 new request<" in news(own_host, empty).text
    assert news(gus_at_home, other).text == ""


def test_news_cost_one_statement_on_the_log(own_host, log, statements):
    page = own_host.get(LIST)
    log("create", -1)

    with statements() as executed:
        news(own_host, page)

    assert sum("scim_provisioningevent" in each for each in executed) == 1


@pytest.mark.parametrize("newest", ["", "x", "9" * 40])
def test_news_after_a_row_that_is_none_are_none(newest, own_host, log):
    log("create", 1)

    assert own_host.get(f"{LIST}news/", {"newer_than": newest}).text == ""


def test_a_further_page_asks_for_no_news(own_host, log):
    for minutes in range(51):
        log("create", minutes)

    assert "data-news" in own_host.get(LIST).text
    assert "data-news" not in own_host.get(LIST, {"p": "2"}).text


def test_only_those_who_may_see_the_log_are_told_of_news(acme, open_browser, own_host):
    assert open_browser(acme).get(f"{LIST}news/").status_code == 302
    assert own_host.post(f"{LIST}news/").status_code == 403


def test_an_update_names_what_it_changed(own_host, bjensen, change):
    change(bjensen, {"Operations": [{"op": "replace", "value": {"title": "a", "locale": "en"}}]})

    (words, _), *_ = listed(own_host.get(LIST))
    assert words in {"Updated title, locale", "Updated locale, title"}


def test_a_search_that_finds_nothing_says_how_to_search(own_host, alice, bjensen):
    for browser, path in ((own_host, LIST), (alice, f"/t/acme{LIST}")):
        assert "Only complete values are found" in browser.get(path, {"q": "barb"}).text


def test_i_with_and_without_a_dot_are_two_letters(own_host, refuse):
    refuse(sent={"userName": "İdil@acme.example"})

    assert listed(own_host.get(LIST, {"q": "idil@acme.example"})) == []


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({}, "jsmith@globex.example"),
        ({"operation": "query", "sent": {"filter": 'userName eq "x"'}}, 'userName eq "x"'),
        ({"sent": None}, "-"),
        ({"resource_type": "Group", "sent": {"displayName": "Guides"}}, "Guides"),
    ],
)
def test_each_row_says_whom_or_what_it_was_about(changes, about, own_host, refuse):
    refuse(**changes)

    assert [row[1] for row in rows_of(own_host.get(LIST))] == [about]


def test_a_row_about_a_user_shows_the_name_that_the_user_has_now(own_host, bjensen, change):
    change(bjensen, {"Operations": [{"op": "replace", "path": "userName", "value": "bj@x.org"}]})

    assert [row[1] for row in rows_of(own_host.get(LIST))] == ["bj@x.org", "bj@x.org"]


def test_the_log_of_one_user_is_found_by_its_id(own_host, bjensen, refuse):
    refuse()

    assert listed(own_host.get(LIST, {"q": str(bjensen.id)})) == [("Created", "201")]


def test_an_events_page_shows_what_was_sent_answered_and_changed(own_host, acme, bjensen):
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()

    answer = own_host.get(f"{LIST}{event.pk}/change/")

    page = answer.text
    line = ["displayName", "Barbara Jensen", "displayName", "-", "Barbara Jensen"]
    assert line in table_of(answer, "Sent values and their changes")
    shown = [
        "POST /scim/Users",
        "Entra provisioning",
        "203.0.113.9",
        f"/admin/scim/user/{bjensen.id}/change/",
        "&quot;userName&quot;: &quot;bjensen@acme.example&quot;",
    ]
    assert [text for text in shown if text not in page] == []


def test_a_refusals_page_shows_the_answer_and_no_password(own_host, refuse):
    event = refuse()

    answer = own_host.get(f"{LIST}{event.id}/change/")

    page = answer.text
    for text in (
        "Creation of John Smith refused: user name taken",
        "uniqueness",
        "Another User already has this userName.",
    ):
        assert text in page
    assert ["userName", "jsmith@globex.example"] in table_of(answer, "Sent values")
    assert "changed nothing" not in page
    assert "t0p-secret" not in page


def test_notes_say_what_was_ignored(own_host, acme, provision):
    provision(acme, BJENSEN | {"shoeSize": 42})
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()

    page = own_host.get(f"{LIST}{event.pk}/change/").text

    assert event.notes
    assert "<h2>Notes</h2>" in page
    assert "shoeSize" in page


def test_the_event_of_another_tenant_is_not_found(globex, gus, bjensen, acme, open_browser):
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()

    assert open_browser(globex, gus).get(f"{LIST}{event.pk}/change/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_log(own_host, bjensen, refuse, statements):
    def queries():
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            own_host.get(LIST)
        return len(executed)

    few = queries()
    for _ in range(20):
        refuse()

    assert queries() == few


def test_a_long_list_is_counted_up_to_a_limit_and_says_so(own_host, refuse, monkeypatch):
    monkeypatch.setattr("accounts.console.listing.COUNTED_ROWS", 2)
    for _ in range(3):
        refuse()

    assert "More than 2 requests. Search or filter to see the others." in re.sub(
        r"\s+", " ", own_host.get(LIST).text
    )


def test_the_audit_log_shows_who_did_what_to_what(alice, acme, minted):
    page = alice.get("/t/acme/admin/accounts/auditentry/", {"q": "minted"}).text

    assert "secret token minted" in page
    assert str(minted.token) in page
    assert "root (command line)" in page


def test_an_audit_entrys_page_shows_its_details_and_its_place_in_the_chain(alice, acme, minted):
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="secret token minted")

    page = alice.get(f"/t/acme/admin/accounts/auditentry/{entry.pk}/change/").text

    assert "tara@acme.example" in page
    assert bytes(entry.hash).hex() in page
    assert bytes(entry.previous_hash).hex() in page


def test_times_are_shown_to_the_second_in_utc(alice, acme, minted):
    page = alice.get(f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/change/").text

    assert f"{minted.token.created_at:%Y-%m-%d %H:%M:%S} UTC" in page
    assert timezone.get_current_timezone_name() == "UTC"
