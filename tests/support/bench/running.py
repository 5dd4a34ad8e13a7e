"""`run`: the product beside the floor, and beside peers if they are asked for."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.bench import databases, processes, report, trees
from tests.support.bench.contestants import PEERS_ENVIRONMENT, Contestant, Floor, Product
from tests.support.bench.operations import OPERATIONS
from tests.support.bench.peer_servers import Durable, Memory, Peer
from tests.support.bench.rounds import Race

# Copying a larger one takes minutes: it is measured itself, and tidied as far as can be.
_COPIED: Final = 300_000  # users


@dataclass(frozen=True, slots=True)
class Run:
    operations: Sequence[str]
    users: int
    tenants: int
    rounds: int
    seconds: float
    with_peers: bool
    json: Path | None
    url: str


def run(asked: Run) -> Iterator[str]:
    """The lines of the report. Raises TreeError, WrongAnswerError."""
    if not (PEERS_ENVIRONMENT / "gunicorn").exists():
        raise trees.TreeError(
            "The floor's environment is missing: run `make bench`, which makes it."
        )
    began = report.machine()
    with ExitStack() as stack:
        cluster = stack.enter_context(databases.running(asked.url))
        contestants = list(_started(stack, cluster, asked))
        race = Race(contestants, cluster.process(), asked.seconds)
        race.run(measurable(asked.operations, asked.tenants), asked.rounds)
        memory = {each.name: _memory(each) for each in contestants}
        caption = (
            f"{asked.users:,} users in each of {asked.tenants:,} tenants, medians of {asked.rounds}"
            f" rounds of {asked.seconds:g} s; {began} before and {os.getloadavg()[0]:.1f} after"
        )
        # Printed before anything is tidied up, which may fail.
        yield from (caption, "", *report.lines(race.turns, memory))
        if asked.json:
            asked.json.write_text(report.as_json(race.turns, memory, _told(asked, caption)))


def measurable(operations: Sequence[str], tenants: int) -> list[str]:
    """The operations without those whose stock of users would have to be laid in in each tenant."""
    return [each for each in operations if tenants == 1 or not OPERATIONS[each].uses_stock]


def _started(stack: ExitStack, cluster: databases.Cluster, asked: Run) -> Iterator[Contestant]:
    bare = Floor(cluster, asked.tenants, asked.users)
    bare.start(stack)
    yield bare
    filled = cluster.filled(trees.here(), asked.users, asked.tenants)
    is_copied = asked.users * asked.tenants <= _COPIED
    name = stack.enter_context(cluster.copied(filled.name)) if is_copied else filled.name
    product = Product(cluster, name, filled)
    product.start(stack)
    yield product
    peers: tuple[Peer, ...] = (Memory(), Durable(cluster)) if asked.with_peers else ()
    for peer in peers:
        peer.start(stack, asked.users)
        yield peer


def _memory(each: Contestant) -> list[float]:
    """The memory of the first process and of each worker."""
    return [processes.megabytes([number]) for number in processes.family(each.process.pid)]


def _told(asked: Run, caption: str) -> dict[str, Any]:
    return {
        "caption": caption,
        "operations": list(asked.operations),
        "users": asked.users,
        "tenants": asked.tenants,
        "rounds": asked.rounds,
        "seconds": asked.seconds,
    }
