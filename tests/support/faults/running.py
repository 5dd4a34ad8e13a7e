"""One run: writers, the fault in the middle, and the reckoning."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.faults import checks
from tests.support.faults.installation import TENANT, Installation, installed, pause
from tests.support.faults.ledger import Ledger, State
from tests.support.faults.scenarios import SCENARIOS, Scenario
from tests.support.faults.writers import ACTIVE, CREATED, FAMILY, Writers
from tests.support.waiting import wait_until

WRITERS: Final = 8
HEAD: Final = (
    f"{'scenario':<24}{'sent':>7}{'acknowledged':>14}{'refused':>9}{'unknown':>9}{'lost':>6}"
    f"{'p95 ms':>8}{'longest s':>11}{'recovery s':>12}  answers"
)
_SHOWN: Final = 10  # problems
_OF_USERS: Final = (CREATED, FAMILY, ACTIVE)  # writes that are events of a user


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers of a run, and what was wrong."""

    line: str
    problems: tuple[str, ...]
    ledger: Ledger


def run(
    name: str, before: float, after: float, *, writers: int = WRITERS, pooler: bool = False
) -> Outcome:
    """Let a fault happen after so many seconds of writing, and write on for so many after it."""
    scenario = SCENARIOS[name]
    with (
        TemporaryDirectory(prefix="mypolicies-ledger-") as folder,
        installed(
            pooler=pooler or scenario.needs_pooler,
            megabytes=scenario.megabytes,
            has_clock=scenario.has_clock,
        ) as made,
    ):
        ledger = Ledger(Path(folder) / "ledger")
        with Writers(ledger, made.send, writers).writing():
            pause(before)
            began = time.monotonic()
            scenario.happen(made)
            ended = time.monotonic()
            wait_until(lambda: _goes_on(ledger, ended), "writes were acknowledged again")
            pause(after)
        wait_until(made.answers, "it served again")
        made.wait_for_deliveries()
        return _reckon(name, scenario, made, ledger, (began, ended))


def _goes_on(ledger: Ledger, since: float) -> bool:
    return any(
        write.at >= since and write.state is State.ACKNOWLEDGED for write in ledger.writes[-50:]
    )


def _reckon(
    name: str, scenario: Scenario, made: Installation, ledger: Ledger, fault: tuple[float, float]
) -> Outcome:
    users = made.users()
    lost = list(checks.lost(ledger, users))
    problems = [f"lost: {each}" for each in lost]
    problems += checks.wrong(ledger, users, made.logged())
    problems += _undelivered(ledger, made.delivered())
    chain = made.deployment.run(f"python manage.py audit verify {TENANT}")
    if chain.returncode:
        problems.append(f"audit chain: {chain.stdout} {chain.stderr}")
    if scenario.fails_none and ledger.count(State.UNKNOWN):
        problems.append(f"{ledger.count(State.UNKNOWN)} requests failed, and none may")
    return Outcome(_line(name, ledger, len(lost), fault), tuple(problems[:_SHOWN]), ledger)


def _undelivered(ledger: Ledger, delivered: Counter[str]) -> list[str]:
    """The users of whose acknowledged changes an event is missing."""
    made = {write.user: write.id for write in ledger.writes if write.id}
    changes = Counter(
        made.get(write.user, "")
        for write in ledger.writes
        if write.state is State.ACKNOWLEDGED and write.attribute in _OF_USERS
    )
    return [
        f"user {user}: {delivered[user]} events for {number} changes"
        for user, number in changes.items()
        if delivered[user] < number
    ]


def p95_beside(ledger: Ledger, began: float, ended: float) -> float:
    """The seconds in which 95 of 100 writes were acknowledged, before a fault and after it; 0 of one or none."""
    seconds = [
        write.seconds
        for write in ledger.writes
        if write.state is State.ACKNOWLEDGED
        and (write.at + write.seconds < began or write.at > ended)
    ]
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else 0.0


def _line(name: str, ledger: Ledger, lost: int, fault: tuple[float, float]) -> str:
    answers = Counter(write.status or "none" for write in ledger.writes)
    shown = ", ".join(f"{status}: {number}" for status, number in sorted(answers.items(), key=str))
    began, ended = fault
    first = min(
        write.at + write.seconds
        for write in ledger.writes
        if write.state is State.ACKNOWLEDGED and write.at >= ended
    )
    beside = p95_beside(ledger, began, first)
    longest = max(write.seconds for write in ledger.writes)
    return (
        f"{name:<24}{len(ledger.writes):>7}{ledger.count(State.ACKNOWLEDGED):>14}"
        f"{ledger.count(State.REFUSED):>9}{ledger.count(State.UNKNOWN):>9}{lost:>6}"
        f"{beside * 1000:>8.0f}{longest:>11.1f}{first - ended:>12.1f}  {shown}"
    )
