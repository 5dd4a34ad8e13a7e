"""`compare REV`: an operation in this tree and in a commit, side by side, and the ratio of their costs.

One process a tree on a copy of the same database, without HTTP. They take turns: in each round both run
the operation on the same users, for a twentieth of a second; the tree that goes first changes with the
round. Each round has a ratio; printed are the median with the bounds of its error (95 %), and the
quartiles. So what else the machine does meets both, and a difference is one when it exceeds the error.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from tests.support.bench import databases, people, seeding, trees
from tests.support.bench.databases import Cluster, Filled
from tests.support.bench.inprocess import Cost
from tests.support.bench.operations import OPERATIONS
from tests.support.bench.progress import say
from tests.support.bench.statistics import Spread, ratios, uncertainty
from tests.support.bench.trees import Tree, Worker

_WARM: Final = 40  # requests
_BATCH_SECONDS: Final = 0.06  # of one tree in one round
_LEAST: Final = 20  # requests of a batch: a multiple of the mix's five


@dataclass
class Side:
    """One of the trees: its process, its database, and its costs by round."""

    worker: Worker
    cluster: Cluster
    database: str
    filled: Filled
    costs: list[Cost] = field(default_factory=list)
    statements: tuple[float, float] = (0.0, 0.0)
    _stock: int = people.STOCK

    def cost(self, operation: str, count: int) -> Cost:
        """The cost of so many requests; what they use up is laid in first."""
        return Cost(**self.worker.ask("cost", **self._told(operation, count)))

    def count(self, operation: str, count: int) -> None:
        """Count the statements of a request."""
        self.statements = tuple(self.worker.ask("statements", **self._told(operation, count)))

    def samples(self, operation: str, count: int, detail: str) -> dict[str, list[int]]:
        """The samples of so many requests and their nanoseconds, by place."""
        found: dict[str, list[int]] = self.worker.ask(
            "samples", **self._told(operation, count), detail=detail
        )
        return found

    def _told(self, operation: str, count: int) -> dict[str, object]:
        start, self._stock = self._stock, self._stock
        if OPERATIONS[operation].uses_stock:
            self._stock += count
            with self.cluster.connected(self.database) as connection:
                [schema] = self.filled.schemas
                for _ in seeding.fill(connection, schema, self.filled.model, start, self._stock):
                    pass
        return {"operation": operation, "count": count, "stock": start}


def compare(
    revision: str, operations: Sequence[str], users: int, rounds: int, url: str
) -> Iterator[str]:
    """The lines of the report."""
    with ExitStack() as stack:
        cluster = stack.enter_context(databases.running(url))
        theirs = side(stack, cluster, stack.enter_context(trees.of_commit(revision)), users)
        mine = side(stack, cluster, trees.here(), users)
        yield f"this tree against {theirs.worker.tree.name}: µs a request, medians of {rounds} rounds, {users:,} users"
        yield ""
        yield "| operation | | Python | PostgreSQL | both | wall | statements | round trips |"
        yield "|---|---|---|---|---|---|---|---|"
        for operation in operations:
            _run((theirs, mine), operation, rounds)
            yield from _lines(operation, theirs, mine)


def side(stack: ExitStack, cluster: Cluster, tree: Tree, users: int) -> Side:
    """The tree, ready to run; everything of it ends with the stack."""
    filled = cluster.filled(tree, users)
    database = stack.enter_context(cluster.copied(filled.name))
    worker = stack.enter_context(tree.worker(cluster.url(database), filled.places[0]))
    return Side(worker, cluster, database, filled)


def batch(side: Side, operation: str) -> int:
    """The number of requests that take about as long as a batch should, after some to warm up."""
    side.cost(operation, _WARM)
    wall = side.cost(operation, _WARM).wall
    count = int(_BATCH_SECONDS * 1e6 / wall)
    return max(_LEAST, count - count % 5)


def _run(sides: tuple[Side, Side], operation: str, rounds: int) -> None:
    counts = [batch(each, operation) for each in sides]
    for each in sides:
        each.costs.clear()
        each.count(operation, _LEAST)
    for number in range(rounds):
        say(f"{operation}: round {number + 1} of {rounds}")
        for each in sides if number % 2 else reversed(sides):
            each.costs.append(each.cost(operation, min(counts)))


def _lines(operation: str, theirs: Side, mine: Side) -> Iterator[str]:
    for each in (theirs, mine):
        python, postgresql, both, wall = (
            f"{Spread.of(figures).median:,.0f}" for figures in _figures(each)
        )
        statements, trips = (f"{count:.1f}" for count in each.statements)
        yield f"| {operation} | {each.worker.tree.name} | {python} | {postgresql} | {both} | {wall} | {statements} | {trips} |"
    cells = (
        _ratio(ratios(one, other))
        for one, other in zip(_figures(mine), _figures(theirs), strict=True)
    )
    yield f"| {operation} | **ratio** | {' | '.join(cells)} | | |"


def _figures(side: Side) -> tuple[list[float], ...]:
    """Python, PostgreSQL, both and wall, each by round."""
    return (
        [cost.python for cost in side.costs],
        [cost.postgresql for cost in side.costs],
        [cost.processors for cost in side.costs],
        [cost.wall for cost in side.costs],
    )


def _ratio(figures: Sequence[float]) -> str:
    spread = Spread.of(figures)
    return (
        f"**{spread.median:.2f}** ±{uncertainty(figures):.2f} ({spread.low:.2f}-{spread.high:.2f})"
    )
