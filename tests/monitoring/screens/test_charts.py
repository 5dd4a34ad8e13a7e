"""The charts of a tenant's first page, and the way from a bar to its requests."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from scim.monitoring.charts import charts
from tenants import clock
from tenants.current import in_tenant
from tests.support.payloads import user

NOW = datetime(2026, 11, 25, 10, 20, tzinfo=UTC)
LOG = "/admin/scim/provisioningevent/"


@pytest.fixture(autouse=True)
def traveller():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def three_days(entra, traveller):
    """Two users the day before yesterday, one yesterday, and a refusal; one of the first is deleted today."""
    traveller.move_to(NOW - timedelta(days=2))
    first = entra.post("/Users", user("one")).json["id"]
    entra.post("/Users", user("two"))
    traveller.move_to(NOW - timedelta(days=1))
    entra.post("/Users", user("three"))
    entra.post("/Users", user("three"))  # 409
    traveller.move_to(NOW)
    entra.delete(f"/Users/{first}")


def bars(text):
    """The titles of the bars."""
    return re.findall(r"<rect class=\"bar\"[^>]*><title>([^<]+)</title>", text)


def test_users_are_counted_at_the_end_of_each_day(at_home, gus_at_home, three_days):
    shown = [bar for bar in bars(at_home.get("/admin/?period=7d").text) if bar.endswith("Users")]

    assert shown == ["23 Nov: 2 Users", "24 Nov: 3 Users", "25 Nov: 2 Users"]
    assert "No users yet" in gus_at_home.get("/admin/?period=7d").text


def test_the_last_24_hours_are_counted_by_the_hour(at_home, gus_at_home, three_days):
    page = at_home.get("/admin/?period=24h").text

    assert "Requests an hour, the last 24 hours (UTC)" in page
    assert [bar for bar in bars(page) if re.search("Answered|Refused", bar)] == [
        "10:00: 1 Answered"
    ]
    assert "No request has come in the last 24 hours." in gus_at_home.get("/admin/?period=24h").text


def test_answer_times_have_the_half_and_the_slowest_twentieth(at_home, three_days):
    page = at_home.get("/admin/?period=7d").text

    assert re.search(r"24 Nov: [\d.]+ 95 % within", page)
    assert re.search(r"24 Nov: [\d.]+ Half within", page)


@pytest.mark.parametrize(
    ("period", "outcome", "found"),
    [
        ("2026-11-24", "all", ["409", "201"]),
        ("2026-11-24", "refused", ["409"]),
        ("2026-11-24T10", "all", ["409", "201"]),
        ("2026-11-24T11", "all", []),
        ("2026-11-25", "all", ["204"]),
        ("2026-13-45", "all", ["204", "409", "201", "201", "201"]),  # no day: nothing is filtered
    ],
)
def test_the_log_of_a_day_or_an_hour_has_its_requests_alone(
    period, outcome, found, at_home, three_days
):
    page = at_home.get(LOG, {"period": period, "outcome": outcome}).text

    assert re.findall(r'class="badge" data-state="\w+">(\d+)</span>', page) == found


def test_a_bar_leads_to_the_requests_of_its_day(at_home, three_days):
    page = at_home.get("/admin/?period=24h").text

    assert f'<a href="{LOG}?period=2026-11-25T10&amp;outcome=all" tabindex="-1"' in page
    assert "Period: <strong>25 Nov 2026, 10:00-11:00 UTC</strong>" in re.sub(
        r"\s+", " ", at_home.get(LOG, {"period": "2026-11-25T10"}).text
    )


def test_the_usual_period_is_shown_for_one_that_is_not_known(at_home, acme):
    page = at_home.get("/admin/?period=1y").text

    assert '<a href="?period=30d" aria-current="true">30 days</a>' in page


def test_the_charts_cost_four_statements_whatever_the_period(acme, three_days, statements):
    with in_tenant(acme):
        for period in ("24h", "7d", "90d"):
            with statements() as executed:
                charts(acme, clock.now(), period)

            assert len(executed) == 4
