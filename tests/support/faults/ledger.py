"""The ledger of a run: each write on disk before it is sent, and again when its answer is there.

Whatever becomes of the driver, what was acknowledged can be read from the file.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class State(StrEnum):
    """The fate of a write, as its sender knows it."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # 4xx: nothing was changed
    UNKNOWN = "unknown"  # no answer, or 5xx


@dataclass(slots=True)
class Write:
    """A write of one attribute of a user; a creation writes all of them."""

    number: int
    user: str  # userName
    attribute: str
    value: Any
    state: State = State.SENT
    status: int = 0  # 0 for no answer
    id: str = ""
    request_id: str = ""
    seconds: float = 0.0
    at: float = 0.0  # steady seconds, when it was sent
    problem: str = ""  # what is wrong with the answer itself


@dataclass(slots=True)
class Ledger:
    """All writes, in the order in which they were sent."""

    file: Path
    writes: list[Write] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def send(self, user: str, attribute: str, value: Any, at: float) -> Write:
        """Note a write before it is sent."""
        with self.lock:
            write = Write(len(self.writes) + 1, user, attribute, value, at=at)
            self.writes.append(write)
            self._keep(write)
        return write

    def settle(self, write: Write) -> None:
        """Note what became of it."""
        with self.lock:
            self._keep(write)

    def count(self, state: State) -> int:
        return sum(write.state is state for write in self.writes)

    def _keep(self, write: Write) -> None:
        with self.file.open("a") as file:
            file.write(json.dumps(asdict(write)) + "\n")
            file.flush()
            os.fsync(file.fileno())
