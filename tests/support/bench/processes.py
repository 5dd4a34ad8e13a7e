"""Processes, as /proc tells of them: processor time and memory of one and all that it has started."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/…/stat behind the name: parent; own time, then that of children that have ended.
_PARENT: Final = 1
_OWN: Final = slice(11, 13)
_ENDED: Final = slice(13, 15)


def family(process: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            number = int(stat.parent.name)
            children.setdefault(int(_fields(number)[_PARENT]), []).append(number)
    found = [process]
    for each in found:
        found += children.get(each, ())
    return found


def microseconds(process: int) -> int:
    """Processor time of the process and its descendants, those that have ended among them."""
    ticks = 0
    for each in family(process):
        with suppress(OSError):
            fields = _fields(each)
            ticks += sum(map(int, fields[_OWN] + fields[_ENDED]))
    return ticks * 1_000_000 // _TICKS


def megabytes(processes: Iterable[int]) -> float:
    """Memory of the processes, with their part of what they share (PSS)."""
    kilobytes = 0
    for each in processes:
        with suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def _fields(process: int) -> list[str]:
    """The fields of the state; the name before them, in parentheses, may hold anything."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
