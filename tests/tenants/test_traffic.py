"""Counts of tenants' requests: kept in memory, and written together."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, InterfaceError

from tenants import traffic
from tenants.current import in_public
from tenants.models import Traffic, TrafficDay
from tenants.traffic import Exchange, Kind

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def at(seconds, kind=Kind.READ, **fields):
    return Exchange(NOW + timedelta(seconds=seconds), kind, **fields)


def note(tenant, *exchanges):
    for exchange in exchanges:
        traffic.note(tenant.id, exchange)


def counted(tenant):
    """Per day: requests, failures, departures."""
    with in_public():
        days = TrafficDay.objects.filter(tenant=tenant).order_by("day")
        return {str(each.day): (each.requests, each.failures, each.departures) for each in days}


def written(tenant):
    with in_public():
        return Traffic.objects.filter(tenant=tenant).first()


def test_requests_are_counted_by_tenant_and_day(acme, globex):
    midnight = 14 * 3600
    note(acme, at(0), at(1, Kind.CHANGE), at(2, Kind.PASSING), at(midnight))
    note(globex, at(3, Kind.PASSING))
    traffic.note_departures(globex.id, NOW, 2)

    traffic.flush()

    assert counted(acme) == {"2026-11-25": (3, 1, 0), "2026-11-26": (1, 0, 0)}
    assert counted(globex) == {"2026-11-25": (1, 1, 2)}


def test_later_writes_are_added(acme):
    for _ in range(3):
        note(acme, at(0), at(1, Kind.REFUSED))
        traffic.flush()

    assert counted(acme) == {"2026-11-25": (6, 3, 0)}


def test_the_newest_of_everything_is_kept(acme):
    note(
        acme,
        at(10),
        at(20, Kind.CHANGE),
        at(30, Kind.REFUSED, reason="server.failed", request_id="r30"),
    )
    traffic.flush()
    note(acme, at(40), at(25, Kind.REFUSED, reason="server.busy", request_id="r25"))
    traffic.flush()

    row = written(acme)

    moments = (row.first_request_at, row.last_change_at, row.failed_at)
    assert moments == tuple(NOW + timedelta(seconds=each) for each in (10, 20, 30))
    assert (row.failed_reach, row.failed_reason, row.failed_request_id) == (
        "all",
        "server.failed",
        "r30",
    )


def test_a_newer_failure_takes_the_place_of_an_older_one(acme):
    note(acme, at(30, Kind.REFUSED, reason="server.failed", request_id="r30"))
    traffic.flush()
    note(acme, at(50, Kind.REFUSED, reason="server.busy", request_id="r50"))
    traffic.flush()

    row = written(acme)

    assert (row.failed_reach, row.failed_reason, row.failed_request_id) == (
        "all",
        "server.busy",
        "r50",
    )


def test_a_request_without_a_token_of_the_tenant_is_no_request_of_its_client(acme):
    note(acme, at(0, Kind.STRANGE, reason="token.unknown"))
    traffic.flush()

    row = written(acme)

    assert (row.first_request_at, row.last_request_at, row.failed_at) == (None, None, None)
    assert (row.stranger_at, row.stranger_reason) == (NOW, "token.unknown")
    assert counted(acme) == {"2026-11-25": (1, 1, 0)}


def test_marks_gather_with_the_time_of_the_last(acme):
    note(acme, at(0, Kind.CHANGE, marks=frozenset({"userName", "active"})))
    traffic.flush()
    note(acme, at(60, Kind.CHANGE, marks=frozenset({"active"})))
    traffic.flush()

    assert written(acme).marks == {
        "userName": "2026-11-25T10:00:00+00:00",
        "active": "2026-11-25T10:01:00+00:00",
    }


def test_all_tenants_are_written_in_one_statement_and_nothing_in_none(acme, globex, statements):
    note(acme, at(0))
    note(globex, at(0))

    with statements() as executed:
        traffic.flush()
        traffic.flush()

    assert len(executed) == 1


def test_the_first_request_of_a_tenant_is_due_at_once_and_the_next_are_not(acme, statements):
    note(acme, at(0))
    traffic.flush(only_due=True)

    note(acme, at(1), at(2), at(3))

    with statements() as executed:
        traffic.flush(only_due=True)
    assert executed == []
    assert counted(acme) == {"2026-11-25": (1, 0, 0)}


def test_waiting_counts_are_due_after_five_seconds(acme):
    note(acme, at(0))
    traffic.flush(only_due=True)
    note(acme, at(1), at(5.9))
    traffic.flush(only_due=True)
    assert counted(acme) == {"2026-11-25": (1, 0, 0)}

    note(acme, at(6))
    traffic.flush(only_due=True)

    assert counted(acme) == {"2026-11-25": (4, 0, 0)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Kind.READ, Kind.REFUSED),
        (Kind.READ, Kind.CHANGE),
        (Kind.READ, Kind.STRANGE),
        (Kind.REFUSED, Kind.READ),
        (Kind.CHANGE, Kind.REFUSED),
        (Kind.REFUSED, Kind.CHANGE),
    ],
)
def test_a_change_of_state_is_due_at_once(before, after, acme, statements):
    note(acme, at(0, before))
    traffic.flush(only_due=True)

    note(acme, at(2, after))

    with statements() as executed:
        traffic.flush(only_due=True)
    assert len(executed) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Kind.CHANGE, Kind.READ),
        (Kind.CHANGE, Kind.PASSING),
        (Kind.READ, Kind.PASSING),
        (Kind.REFUSED, Kind.REFUSED),
    ],
)
def test_a_request_without_news_waits(before, after, acme, statements):
    note(acme, at(0, before))
    traffic.flush(only_due=True)

    note(acme, at(2, after))

    with statements() as executed:
        traffic.flush(only_due=True)
    assert executed == []


def test_a_state_that_goes_back_and_forth_is_written_once_a_second(acme, statements):
    with statements() as executed:
        for number in range(40):
            kind = Kind.STRANGE if number % 2 else Kind.READ
            note(acme, at(number / 20, kind))
            traffic.flush(only_due=True)

    assert len(executed) == 2


def test_many_tenants_that_are_new_to_a_process_are_written_together_once_a_second(
    acme, globex, operator, statements
):
    tenants = [acme, globex, operator]
    with statements() as executed:
        for number, tenant in enumerate(tenants):
            note(tenant, at(number / 10))
            traffic.flush(only_due=True)
    assert len(executed) == 1
    assert [counted(each) for each in tenants] == [{"2026-11-25": (1, 0, 0)}, {}, {}]

    with statements() as executed:
        note(acme, at(1))
        traffic.flush(only_due=True)

    assert len(executed) == 1
    assert [counted(each) for each in tenants] == [
        {"2026-11-25": (2, 0, 0)},
        {"2026-11-25": (1, 0, 0)},
        {"2026-11-25": (1, 0, 0)},
    ]


def test_a_tenant_that_is_gone_meanwhile_keeps_nothing_from_being_written(acme, globex):
    note(globex, at(0))
    note(acme, at(0))
    with in_public():
        globex.delete()

    traffic.flush()

    assert counted(acme) == {"2026-11-25": (1, 0, 0)}


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_a_database_that_does_not_answer_is_logged_and_nothing_else(
    error, acme, caplog, monkeypatch
):
    def fail(*_args):
        raise error

    monkeypatch.setattr(traffic, "_parameters", fail)
    note(acme, at(0))

    traffic.flush()

    assert "could not be written" in caplog.text


def test_processes_that_write_at_once_lose_nothing(real_tenants, django_db_blocker):
    def work(_number):
        ledger = traffic.Ledger()
        for _ in range(20):
            for tenant in real_tenants:
                ledger.note(tenant.id, at(0, Kind.CHANGE))
            traffic.write(ledger.take())
        traffic.connection.close()

    with django_db_blocker.unblock():
        threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [counted(tenant) for tenant in real_tenants] == [
            {str(date(2026, 11, 25)): (80, 0, 0)}
        ] * 2
