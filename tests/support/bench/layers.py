"""`layers`: what an operation costs in statements and microseconds, by layer.

One process without HTTP. What a request costs is measured in batches, as `compare` does; in a run of its
own the process is sampled (`sampling`), and the times are divided as the samples fell. Statements
are counted in libpq's trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from tests.support.bench import databases, trees
from tests.support.bench.comparing import Side, batch, side
from tests.support.bench.progress import say
from tests.support.bench.statistics import quantile

_BATCHES: Final = 7
# A dozen seconds: Linux notes the processor's time 250 times a second.
_SAMPLED_BATCHES: Final = 200
_COUNTED: Final = 20  # requests
_LEAST_SHARE: Final = 0.005  # of a line of its own


def layers(operations: Sequence[str], users: int, detail: str, url: str) -> Iterator[str]:
    """The lines of the report."""
    with ExitStack() as stack:
        cluster = stack.enter_context(databases.running(url))
        mine = side(stack, cluster, trees.here(), users)
        for operation in operations:
            yield from _of_operation(mine, operation, detail)


def _of_operation(mine: Side, operation: str, detail: str) -> Iterator[str]:
    say(f"{operation}: measuring")
    count = batch(mine, operation)
    costs = [mine.cost(operation, count) for _ in range(_BATCHES)]
    mine.count(operation, _COUNTED)
    say(f"{operation}: sampling")
    samples = mine.samples(operation, count * _SAMPLED_BATCHES, detail)
    wall, python, postgresql = (
        quantile(figures, 0.5)
        for figures in zip(*((c.wall, c.python, c.postgresql) for c in costs), strict=True)
    )
    statements, trips = mine.statements
    yield (
        f"{operation}: {statements:.1f} statements in {trips:.1f} round trips; Python {python:,.0f} µs,"
        f" PostgreSQL {postgresql:,.0f} µs, elapsed {wall:,.0f} µs a request"
    )
    yield ""
    yield f"| {detail} | Python µs | share | elapsed µs |"
    yield "|---|---|---|---|"
    yield from rows(samples, python, wall)
    yield ""


def rows(samples: Mapping[str, Sequence[int]], python: float, wall: float) -> Iterator[str]:
    """The table's rows: both times of a request, divided as the samples fell; the dearest first.

    Samples are, by place, those of the time that elapsed and those of the processor's.
    """
    elapsed, worked = (max(sum(each), 1) for each in zip(*samples.values(), strict=True))
    shares = [(place, cpu / worked, number / elapsed) for place, (number, cpu) in samples.items()]
    shares.sort(key=lambda each: -each[1])
    small = [each for each in shares if max(each[1:]) < _LEAST_SHARE]
    shown = [each for each in shares if each not in small]
    if small:
        shown.append(("all else", sum(cpu for _, cpu, _ in small), sum(n for *_, n in small)))
    for place, cpu, number in shown:
        yield f"| {place} | {python * cpu:,.0f} | {cpu:.1%} | {wall * number:,.0f} |"
