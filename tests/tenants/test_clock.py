"""Times and ids."""

from datetime import UTC, datetime, timedelta

from scim.provider import clock


def test_now_has_the_precision_that_meta_shows():
    assert clock.now().microsecond % 1000 == 0
    assert clock.now().tzinfo is UTC


def test_ids_are_random_uuids_of_version_7():
    moment = datetime(2026, 11, 25, 10, 53, 26, 123000, tzinfo=UTC)

    ids = {clock.new_id(moment) for _ in range(1000)}

    assert len(ids) == 1000
    assert {identifier.version for identifier in ids} == {7}
    assert {identifier.variant for identifier in ids} == {"specified in RFC 4122"}
    assert {identifier.int >> 80 for identifier in ids} == {int(moment.timestamp() * 1000)}


def test_ids_sort_by_the_time_they_were_made():
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    times = [moment + timedelta(milliseconds=step) for step in range(100)]

    ids = [clock.new_id(each) for each in times]

    assert ids == sorted(ids)


def test_ids_of_one_millisecond_sort_by_the_order_in_which_they_were_made():
    moment = datetime(2026, 11, 25, tzinfo=UTC)

    ids = [clock.new_id(moment) for _ in range(1000)]

    assert ids == sorted(ids)
