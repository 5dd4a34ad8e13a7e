"""The statements and comments of a module, for tests that read the whole program."""

import ast
import re
from collections.abc import Iterator
from typing import Final

# As the formatter writes them. A line of a text that looks like one is taken for one, too.
_COMMENT: Final = re.compile(r"(?:^| {2}) *#.*", re.MULTILINE)
_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements in a tree, itself first, without their expressions, which are ten times as many."""
    yield tree
    for block in _BLOCKS:
        within = getattr(tree, block, ())
        if isinstance(within, list):
            for each in within:
                yield from statements(each)


def comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a module, with the numbers of their lines."""
    for number, line in enumerate(text.splitlines(), 1):
        if "#" in line and (found := _COMMENT.search(line)):
            yield number, found[0]
