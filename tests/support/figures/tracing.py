"""Figures of a run: the product's files that it passes through, and how often it changes file."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from django.conf import settings

from tests.support.figures.source import PACKAGES

_PRODUCT: Final = tuple(f"{settings.BASE_DIR / package}/" for package in PACKAGES)


@dataclass(frozen=True, slots=True)
class Way:
    """The files of the product in which something was called, and the changes between them."""

    files: frozenset[str]
    changes: int


def traced(run: Callable[[], Any]) -> Way:
    """The way that a run takes through the product; calls into libraries do not count as changes."""
    passed: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(_PRODUCT) and passed[-1:] != [name]:
            passed.append(name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    root = f"{settings.BASE_DIR}/"
    return Way(frozenset(each.removeprefix(root) for each in passed), max(len(passed) - 1, 0))
