"""The state of a run on standard error: one line that is rewritten at a terminal, else a line a step."""

import sys
from typing import Final

_IS_TERMINAL: Final = sys.stderr.isatty()
_START: Final = "\r\033[K" if _IS_TERMINAL else ""
_END: Final = "" if _IS_TERMINAL else "\n"


def say(words: str) -> None:
    """Say what is being done."""
    sys.stderr.write(f"{_START}{words} …{_END}")
    sys.stderr.flush()


def done() -> None:
    """Leave an empty line to what follows."""
    sys.stderr.write(_START)
