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


def logged(summaries, moments):
    return [(at, count) for at in moments if (count := summaries.note("probe", at))]


def test_the_window_of_a_kind_that_keeps_coming_doubles_up_to_the_longest():
    summaries = Summaries(window=60, longest=240)

    every_ten_seconds = range(0, 1000, 10)

    assert logged(summaries, every_ten_seconds) == [
        (0, 1),
        (60, 6),
        (180, 12),
        (420, 24),
        (660, 24),
        (900, 24),
    ]


def test_a_kind_that_was_quiet_for_a_window_is_logged_at_once_and_starts_anew():
    summaries = Summaries(window=60, longest=240)
    logged(summaries, range(0, 200, 10))

    assert logged(summaries, [250, 280, 310, 330, 400]) == [(250, 2), (310, 2), (400, 2)]


def test_a_kind_waits_for_a_minute_where_no_longer_window_is_given():
    assert logged(Summaries(window=60), range(0, 200, 10)) == [(0, 1), (60, 6), (120, 6), (180, 6)]


def test_rows_of_other_processes_count_as_far_back_as_the_kind_was_not_logged():
    summaries = Summaries(window=60, longest=240)

    moments = [*range(0, 430, 10), 500]
    waited = [(at, summaries.waited("probe")) for at in moments if summaries.note("probe", at)]

    assert waited == [(0, 60), (60, 60), (180, 120), (420, 240), (500, 60)]
    assert summaries.waited("never heard of") == 60


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
