"""The clock of made-up data, which goes where the story is; and how far the story has come."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final
from unittest.mock import patch

from tenants import clock

_SECONDS: Final = 5.0  # between lines that go into a file


class Travel:
    """The product's clock during the journey."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def move_to(self, moment: datetime) -> None:
        """It is that moment from now on."""
        self._moment = moment

    def read(self) -> datetime:
        return self._moment


@contextmanager
def traveling(moment: datetime) -> Iterator[Travel]:
    """Have the product's clock show that moment until it is moved."""
    travel = Travel(moment)
    with patch.object(clock, "_read", travel.read):
        yield travel


class Progress:
    """One line on standard error: rewritten at a terminal, a new one each few seconds elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._next = 0.0

    def tell(self, words: str) -> None:
        """Say how far it has come; may be called as often as there is news."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (0.1 if self._is_terminal else _SECONDS)
        start, end = ("\r\033[K", " …") if self._is_terminal else ("", " …\n")
        sys.stderr.write(f"{start}{words}{end}")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave an empty line to what follows."""
        if self._is_terminal:
            sys.stderr.write("\r\033[K")
