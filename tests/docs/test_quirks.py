"""docs/entra.md, the code and the tests name the same quirks."""

import re
from collections.abc import Iterator
from pathlib import Path

from config.environment import ROOT

ROW = re.compile(r"^\| (E\d+) \|.*\| (?P<where>[^|]*) \|$", re.MULTILINE)
MARK = re.compile(r'quirk\("(E\d+)"\)')
MENTION = re.compile(r"\bE\d+\b")


def sources(folder: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.read_text()


def documented() -> dict[str, str]:
    """The ids of the table and the files that it sends the reader to."""
    text = (ROOT / "docs" / "entra.md").read_text()
    return {row[1]: row["where"] for row in ROW.finditer(text)}


def test_every_quirk_of_the_table_has_a_marked_test():
    marked = {mark for text in sources("tests") for mark in MARK.findall(text)}

    assert marked == documented().keys()


def test_every_quirk_of_the_table_stands_in_the_files_it_names():
    for quirk, where in documented().items():
        for name in re.findall(r"`([^`]+)`", where):
            files = sorted((ROOT / "scim").rglob(Path(name).name if "." in name else "*.py"))
            inside = [f for f in files if name.removesuffix("/") in f.as_posix()]
            texts = "".join(file.read_text() for file in inside)
            assert quirk in MENTION.findall(texts), f"{quirk} is not in {name}"


def test_no_comment_names_a_quirk_that_the_table_does_not_have():
    mentioned = {mention for text in sources("scim") for mention in MENTION.findall(text)}

    assert mentioned <= documented().keys()
