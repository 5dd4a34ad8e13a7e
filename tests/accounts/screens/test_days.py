"""The requests of a day, all tenants: where the bars of staff's chart lead."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from tenants import resolution
from tenants.current import in_public
from tenants.models import TrafficDay
from tests.support.installed import needs
from tests.support.pages import table_of

DAY = date(2026, 11, 20)
PAGE = "/admin/days/2026-11-20/"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(datetime(2026, 11, 25, 10, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def counted(acme, globex):
    """Acme's requests of the day, some refused; Globex' that were all answered."""
    with in_public():
        TrafficDay.objects.create(tenant=acme, day=DAY, requests=40, failures=7)
        TrafficDay.objects.create(tenant=globex, day=DAY, requests=90)
        TrafficDay.objects.create(tenant=globex, day=date(2026, 11, 21), requests=5, failures=5)


def test_bars_of_the_chart_lead_to_their_day(alice):
    page = alice.get("/admin/").text

    assert f'<a href="{PAGE}" tabindex="-1" aria-label="20 Nov: 123 Answered">' in page
    assert f'<a href="{PAGE}?outcome=refused">7</a>' in page


def test_a_day_lists_its_tenants_with_their_numbers_the_busiest_first(alice):
    page = alice.get(PAGE)

    assert "<h1>Requests on Friday, 20 November 2026 (UTC)" in page.text
    assert [row[:3] for row in table_of(page, "Tenants")] == [
        ["Globex Inc", "90", "0"],
        ["Acme Ltd", "40", "7"],
    ]


def test_the_refused_ones_leave_out_tenants_without(alice):
    page = alice.get(f"{PAGE}?outcome=refused")

    assert [row[:3] for row in table_of(page, "Tenants")] == [["Acme Ltd", "40", "7"]]


@needs("inspector")
def test_a_row_leads_to_the_tenants_log_of_that_day(alice):
    page = alice.get(f"{PAGE}?outcome=refused").text

    path = "/t/acme/admin/scim/provisioningevent/?period=2026-11-20&amp;outcome=refused"
    assert f'<a href="{path}">View log</a>' in page
    assert alice.get(path.replace("&amp;", "&")).status_code == 200


def test_days_lead_to_the_nearest_days_with_requests(alice, acme):
    with in_public():
        TrafficDay.objects.create(tenant=acme, day=date(2026, 11, 2), requests=1)

    page, first = alice.get(PAGE).text, alice.get("/admin/days/2026-11-02/").text

    assert 'href="/admin/days/2026-11-21/">Newer</a>' in page
    assert 'href="/admin/days/2026-11-02/">Older</a>' in page
    assert f'href="{PAGE}">Newer</a>' in first
    assert "Older</a>" not in first


def test_a_day_without_requests_says_so(alice):
    assert "No request came." in alice.get("/admin/days/2026-11-01/").text


@pytest.mark.parametrize("day", ["2026-13-01", "today", "99999-01-01"])
def test_anything_but_a_day_is_not_found(alice, day):
    assert alice.get(f"/admin/days/{day}/").status_code == 404


def test_tenant_admins_have_no_such_page(own_host):
    assert own_host.get(PAGE).status_code == 404


def test_a_day_is_for_people_who_have_signed_in(operator, open_browser):
    answer = open_browser(operator).get(PAGE)

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={PAGE}")


def test_the_page_costs_the_same_whatever_the_number_of_tenants(alice, acme, globex, statements):
    resolution.forget()  # so each time the host is looked up
    with statements() as two:
        alice.get(PAGE)
    with in_public():
        TrafficDay.objects.filter(tenant=acme).delete()
    resolution.forget()
    with statements() as one:
        alice.get(PAGE)

    assert len(one) == len(two)
