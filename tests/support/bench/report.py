"""The tables that a run prints, and the same as JSON."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from tests.support.bench.operations import OPERATIONS
from tests.support.bench.rounds import Turn, Turns
from tests.support.bench.statistics import Spread

FLOOR: Final = "floor"
_HEAD: Final = (
    "| operation | server | req/s | share of the floor | p50 ms | p99 ms"
    " | CPU µs a request: server + database | in floors | driver µs |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def medians(turns: Sequence[Turn]) -> Turn:
    """The median of each figure over the rounds."""
    figures = zip(*(asdict(turn).values() for turn in turns), strict=True)
    return Turn(*(Spread.of(each).median for each in figures))


def share(turns: Mapping[str, Sequence[Turn]], name: str) -> Spread | None:
    """The contestant's requests a second as a share of the floor's in the same round."""
    if name == FLOOR or FLOOR not in turns:
        return None
    pairs = zip(turns[name], turns[FLOOR], strict=True)
    return Spread.of([mine.rate / floor.rate for mine, floor in pairs])


def burden(turns: Mapping[str, Sequence[Turn]], name: str) -> str:
    """The contestant's processor time for a request, of server and of database, in floor's."""
    if name == FLOOR or FLOOR not in turns:
        return ""
    pairs = list(zip(turns[name], turns[FLOOR], strict=True))
    server = Spread.of([mine.server / max(floor.server, 1) for mine, floor in pairs])
    database = Spread.of([mine.database / max(floor.database, 1) for mine, floor in pairs])
    return f"{server.median:.1f} x + {database.median:.1f} x"


def lines(turns: Turns, memory: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """The tables."""
    yield _HEAD
    for operation, by_name in turns.items():
        for name in by_name:
            yield _row(OPERATIONS[operation].title, name, by_name)
    yield ""
    yield "| server | memory at the end, PSS in MB: first process, workers |"
    yield "|---|---|"
    for name, sizes in memory.items():
        yield f"| {name} | {', '.join(f'{size:.0f}' for size in sizes)} |"


def as_json(turns: Turns, memory: Mapping[str, Sequence[float]], run: Mapping[str, Any]) -> str:
    """Every turn of every round, with what was run."""
    told = {
        operation: {name: [asdict(turn) for turn in each] for name, each in by_name.items()}
        for operation, by_name in turns.items()
    }
    return json.dumps({"run": run, "turns": told, "memory_mb": memory}, indent=1) + "\n"


def machine() -> str:
    """The machine, in the words of a table's caption."""
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, load {loads}"


def _row(title: str, name: str, by_name: Mapping[str, Sequence[Turn]]) -> str:
    turn = medians(by_name[name])
    spread = share(by_name, name)
    shown = (
        "" if spread is None else f"**{spread.median:.2f}** ({spread.low:.2f}-{spread.high:.2f})"
    )
    cells = (
        *(title, name, f"{turn.rate:,.0f}", shown, f"{turn.p50 / 1000:.1f}"),
        *(f"{turn.p99 / 1000:.1f}", f"{turn.server:,.0f} + {turn.database:,.0f}"),
        *(burden(by_name, name), f"{turn.driver:,.0f}"),
    )
    return f"| {' | '.join(cells)} |"
