"""Equal reads are logged together (docs/decisions/0004)."""

from scim.api.log import Summaries


def test_the_first_of_a_kind_is_logged_at_once():
    assert Summaries().note("probe", at=0.0) == 1


def test_those_that_follow_wait_and_are_logged_with_the_first_after_the_window():
    summaries = Summaries(window=60)
    summaries.note("probe", at=0.0)

    assert [summaries.note("probe", at) for at in (1.0, 30.0, 59.9)] == [0, 0, 0]
    assert summaries.note("probe", at=60.0) == 4
    assert summaries.note("probe", at=61.0) == 0


def test_kinds_are_counted_apart():
    summaries = Summaries()
    summaries.note(("acme", "query"), at=0.0)

    assert summaries.note(("globex", "query"), at=0.0) == 1


def test_the_kind_that_was_logged_longest_ago_is_forgotten_first():
    summaries = Summaries(max_kinds=2)
    for kind in ("first", "second", "third"):
        summaries.note(kind, at=0.0)

    assert summaries.note("third", at=1.0) == 0
    assert summaries.note("first", at=1.0) == 1


def test_events_given_back_are_counted_until_the_window_of_the_other_process_ends():
    summaries = Summaries(window=60)
    count = summaries.note("probe", at=30.0)

    summaries.give_back("probe", count, logged_at=10.0)

    assert summaries.note("probe", at=69.0) == 0
    assert summaries.note("probe", at=70.0) == 3


def test_a_process_that_comes_second_for_an_hour_logs_its_own():
    summaries = Summaries(window=60)

    logged = [
        count
        for minute in range(62)
        if (count := summaries.note("probe", at=minute * 60 + 30.0))
        if not summaries.give_back("probe", count, logged_at=minute * 60.0)
    ]

    assert logged == [61]
