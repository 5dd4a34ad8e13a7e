"""`make faults`: what it counts as lost and wrong, and one fault for real."""

from collections import Counter

import pytest

from tests.support.faults import checks
from tests.support.faults.ledger import Ledger, State
from tests.support.faults.running import p95_beside, run
from tests.support.faults.writers import ACTIVE, CREATED, FAMILY
from tests.support.payloads import user

NAME = "bjensen@acme.example"


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


def write(ledger, attribute, value, state, **changes):
    made = ledger.send(NAME, attribute, value, at=0.0)
    made.state, made.request_id = state, f"r{made.number}"
    for name, changed in changes.items():
        setattr(made, name, changed)
    ledger.settle(made)


def found(**changes):
    return {NAME: [user("bjensen") | {"id": "1", "meta": {"version": "1"}} | changes]}


LOGGED = Counter({"r1": 1, "r2": 1})


def test_an_acknowledged_creation_that_is_not_found_is_lost(ledger):
    write(ledger, CREATED, {}, State.ACKNOWLEDGED)

    assert list(checks.lost(ledger, {})) == [f"{NAME}: created"]
    assert list(checks.lost(ledger, found())) == []


def test_an_unknown_creation_may_be_there_or_not(ledger):
    write(ledger, CREATED, {}, State.UNKNOWN)

    assert list(checks.lost(ledger, {})) == list(checks.lost(ledger, found())) == []
    assert list(checks.wrong(ledger, found(), Counter())) == []


@pytest.mark.parametrize(("attribute", "value"), [(FAMILY, "Jensen"), (ACTIVE, False)])
def test_an_acknowledged_change_that_does_not_show_is_lost(ledger, attribute, value):
    write(ledger, CREATED, {}, State.ACKNOWLEDGED)
    write(ledger, attribute, value, State.ACKNOWLEDGED)
    changed = found(name={"familyName": "Jensen"}, active=False)

    assert len(list(checks.lost(ledger, found()))) == 1
    assert list(checks.lost(ledger, changed)) == []


@pytest.mark.parametrize(
    ("users", "logged", "problem"),
    [
        ({NAME: found()[NAME] * 2}, LOGGED, f"{NAME}: 2 users"),
        (found(emails=[]), LOGGED, f"{NAME}: without emails"),
        (
            found() | {"x@acme.example": found()[NAME]},
            LOGGED,
            "x@acme.example: nobody has written it",
        ),
        (found(), Counter(), "write 1: 0 rows of the log"),
        (found(), Counter({"r1": 2}), "write 1: 2 rows of the log"),
    ],
)
def test_whatever_else_is_wrong_is_named(ledger, users, logged, problem):
    write(ledger, CREATED, {}, State.ACKNOWLEDGED)

    assert list(checks.wrong(ledger, found(), LOGGED)) == []
    assert list(checks.wrong(ledger, users, logged)) == [problem]


def test_a_conflict_without_a_user_is_wrong(ledger):
    write(ledger, CREATED, {}, State.REFUSED, status=409)

    assert list(checks.wrong(ledger, {}, LOGGED)) == ["write 1: 409, and no user is found"]


def test_the_time_beside_a_fault_leaves_out_what_met_it_and_what_failed(ledger):
    """The fault lasts from 10 to 20: writes 1 to 20 are before and after it."""
    for at in (*range(10), *range(20, 30)):
        write(ledger, FAMILY, "Jensen", State.ACKNOWLEDGED, at=float(at) + 0.5, seconds=0.1)
    write(ledger, FAMILY, "Jensen", State.ACKNOWLEDGED, at=9.9, seconds=9.0)
    write(ledger, FAMILY, "Jensen", State.ACKNOWLEDGED, at=15.0, seconds=4.0)
    write(ledger, FAMILY, "Jensen", State.UNKNOWN, at=25.0, seconds=5.0)

    assert p95_beside(ledger, began=10.0, ended=20.0) == pytest.approx(0.1)


def test_the_ledger_is_on_the_disk_before_and_after(ledger):
    write(ledger, CREATED, {}, State.ACKNOWLEDGED)

    before, after = ledger.file.read_text().splitlines()
    assert '"state": "sent"' in before
    assert '"state": "acknowledged"' in after


@pytest.mark.e2e
def test_when_all_workers_are_killed_nothing_acknowledged_is_lost():
    outcome = run("workers-killed", before=1, after=0.5, writers=4)

    assert outcome.problems == ()
    assert outcome.ledger.count(State.ACKNOWLEDGED) > 0
    assert outcome.ledger.count(State.REFUSED) == 0
