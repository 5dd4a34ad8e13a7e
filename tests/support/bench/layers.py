"""`layers`: what an operation costs in statements and microseconds, by layer.

One process without HTTP. What a request costs is measured in batches, as `compare` does; in a run of its
own the process is sampled (`sampling`), and the elapsed time is divided as the samples fell. Statements
are counted in libpq's trace.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from tests.support.bench import databases, trees
from tests.support.bench.comparing import Side, batch, side
from tests.support.bench.progress import say
from tests.support.bench.statistics import quantile

_BATCHES: Final = 7
_SAMPLED_BATCHES: Final = 12
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
    yield f"| {detail} | elapsed µs | share |"
    yield "|---|---|---|"
    yield from _rows(samples, wall)
    yield ""


def _rows(samples: dict[str, int], wall: float) -> Iterator[str]:
    total = sum(samples.values())
    rest = 0
    for place, number in sorted(samples.items(), key=lambda each: -each[1]):
        if number < total * _LEAST_SHARE:
            rest += number
            continue
        yield _row(place, number / total, wall)
    if rest:
        yield _row("all else", rest / total, wall)


def _row(place: str, share: float, wall: float) -> str:
    return f"| {place} | {wall * share:,.0f} | {share:.1%} |"
