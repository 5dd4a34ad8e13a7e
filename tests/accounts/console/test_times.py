"""Times on screens: relative words, the moment in UTC, and both in a `<time>`."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.console.times import absolute, in_details, in_list, relative

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "22 Nov"),
        (timedelta(days=365), "29 Nov 2025"),
        (-timedelta(seconds=30), "in less than a minute"),
        (-timedelta(days=6), "in 6 days"),
        (-timedelta(days=40), "8 Jan 2027"),
    ],
)
def test_a_near_moment_is_a_distance_and_a_far_one_a_date(distance, words):
    assert relative(NOW - distance, NOW) == words


def test_a_moment_of_another_zone_is_told_in_utc():
    assert (
        absolute(datetime.fromisoformat("2026-11-29T01:00:00+02:00")) == "2026-11-28 23:00:00 UTC"
    )


def test_a_list_has_the_moment_in_the_title():
    assert in_list(NOW - timedelta(minutes=4), NOW) == (
        '<time datetime="2026-11-29T11:56:00+00:00" title="2026-11-29 11:56:00 UTC">4 min ago</time>'
    )


def test_a_page_of_details_says_both():
    shown = in_details(NOW - timedelta(minutes=4), NOW)

    assert ">2026-11-29 11:56:00 UTC</time>" in shown
    assert "4 min ago" in shown
