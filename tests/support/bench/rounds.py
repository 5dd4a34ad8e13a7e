"""Rounds: contestants take turns in each operation, and each turn is measured."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from config.environment import ROOT
from tests.support.bench import people, processes
from tests.support.bench.contestants import Contestant
from tests.support.bench.driving import Job, Result
from tests.support.bench.operations import OPERATIONS, WrongAnswerError
from tests.support.bench.progress import say
from tests.support.bench.statistics import quantile

_WARM: Final = (("mix", 2.0), ("get", 1.0))  # seconds of each before the first round
# Users that are there to be deactivated or deleted, for each second of a turn.
_STOCK_A_SECOND: Final = 1500


@dataclass(frozen=True, slots=True)
class Turn:
    """The figures of one operation on one contestant in one round; times in microseconds."""

    rate: float  # requests a second
    p50: float
    p99: float
    server: float  # processor time of a request
    database: float
    driver: float

    @property
    def processors(self) -> float:
        return self.server + self.database


# By operation and contestant, a turn a round.
Turns = dict[str, dict[str, list[Turn]]]


@dataclass
class Race:
    """The contestants on one PostgreSQL, whose first process is known if it is on this machine."""

    contestants: Sequence[Contestant]
    postgresql: int | None
    seconds: float
    turns: Turns = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    _fresh: int = people.FRESH
    _stock: int = people.STOCK
    _seed: int = 0

    def run(self, operations: Sequence[str], rounds: int) -> None:
        """Measure all operations in each round; who comes first changes. Raises WrongAnswerError."""
        with ExitStack() as stack:
            drivers = {each.name: stack.enter_context(_driver()) for each in self.contestants}
            for each in self.contestants:
                say(f"{each.name}: warming up")
                for operation, seconds in _WARM:
                    self._turn(each, drivers[each.name], operation, seconds)
            for number in range(rounds):
                for operation in operations:
                    for each in _turned(self.contestants, number):
                        if operation not in each.lacks:
                            say(f"round {number + 1} of {rounds}: {operation}, {each.name}")
                            turn = self._turn(each, drivers[each.name], operation, self.seconds)
                            self.turns[operation][each.name].append(turn)

    def _turn(self, each: Contestant, driver: "Driver", operation: str, seconds: float) -> Turn:
        stock = (self._stock, self._stock)
        if OPERATIONS[operation].uses_stock:
            stock = (self._stock, self._stock + int(_STOCK_A_SECOND * seconds))
            each.lay_in(*stock)
        self._stock = stock[1]
        self._seed += 1
        before = self._spent(each)
        result = driver.drive(each, Job(operation, seconds, self._fresh, stock, self._seed))
        after = self._spent(each)
        self._fresh = result.fresh
        each.tidy()
        return _figures(result, after[0] - before[0], after[1] - before[1])

    def _spent(self, each: Contestant) -> tuple[int, int]:
        """Processor time until now, of the server and of PostgreSQL."""
        database = processes.microseconds(self.postgresql) if self.postgresql else 0
        return processes.microseconds(each.process.pid), database


def _figures(result: Result, server: int, database: int) -> Turn:
    count = len(result.latencies)
    return Turn(
        rate=count / result.seconds,
        p50=quantile(result.latencies, 0.5),
        p99=quantile(result.latencies, 0.99),
        server=server / count,
        database=database / count,
        driver=result.driver / count,
    )


def _turned(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """The contestants, beginning with another in each round."""
    first = number % len(contestants)
    return [*contestants[first:], *contestants[:first]]


class Driver:
    """A process that sends the requests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._told: Any = None  # the target that it knows

    def drive(self, contestant: Contestant, job: Job) -> Result:
        """The result of the job. Raises WrongAnswerError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told: dict[str, Any] = {"job": asdict(job)}
        if self._told != contestant.target:
            self._told = contestant.target
            told["target"] = asdict(contestant.target)
        self._process.stdin.write(json.dumps(told) + "\n")
        found = json.loads(self._process.stdout.readline() or '{"wrong": "The driver ended."}')
        if "wrong" in found:
            raise WrongAnswerError(f"{contestant.name}, {job.operation}: {found['wrong']}")
        return Result(**found)


@contextmanager
def _driver() -> Iterator[Driver]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.bench.driving"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with process:
        yield Driver(process)
