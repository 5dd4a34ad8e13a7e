"""The list of the decision records, docs/decisions/README.md: what each decides, and what changed it later."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

FOLDER: Final[Path] = settings.BASE_DIR / "docs" / "decisions"
PAGE: Final = FOLDER / "README.md"
_TITLE: Final = re.compile(r"# (\d{4}) (.+)\n")
_CHANGED: Final = re.compile(
    r"^(?:- )?\*\*Changed\*\* by \[(\d{4})\]\((.+?)\): .+\.$", re.MULTILINE
)
_HEAD: Final = """\
# Decisions

Why something is as it is: the context, what was decided and measured, and what was rejected. A record tells how it was decided;
what a later one changed is said below its title. `make docs` makes this list.

| | decision | changed by |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A decision record: its file, number and title, and the numbers and files of those that changed it."""

    path: Path
    number: str
    title: str
    changed_by: tuple[tuple[str, str], ...]


def records() -> Iterator[Record]:
    """The records in the order of their numbers. Raises ValueError for one without a title."""
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        text = path.read_text()
        title = _TITLE.match(text)
        if title is None:
            raise ValueError(f"{path.name} does not begin with its number and title.")
        changes = tuple((found[1], found[2]) for found in _CHANGED.finditer(text))
        yield Record(path, title[1], title[2], changes)


def page() -> str:
    """The text of docs/decisions/README.md as it should be."""
    return _HEAD + "".join(f"| {' | '.join(_cells(record))} |\n" for record in records())


def _cells(record: Record) -> tuple[str, str, str]:
    changed = ", ".join(f"[{number}]({name})" for number, name in record.changed_by)
    return record.number, f"[{record.title}]({record.path.name})", changed
