"""Figures of the source: lines, files and functions of the product's packages, without migrations."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from django.conf import settings

PACKAGES: Final = ("config", "tenants", "accounts", "scim")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """A file of the product."""

    path: Path

    @property
    def name(self) -> str:
        """The path below the repository, such as "scim/api/views.py"."""
        return self.path.relative_to(settings.BASE_DIR).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def functions(self) -> list[Function]:
        """Every function and method, nested ones included."""
        tree = ast.parse(self.text)
        return [node for node in ast.walk(tree) if isinstance(node, Function)]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the 90th percentile and the largest of some sizes."""

    median: int
    p90: int
    most: int

    @classmethod
    def of(cls, sizes: Iterable[int]) -> "Spread":
        ordered = sorted(sizes) or [0]
        return cls(ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10], ordered[-1])

    def __str__(self) -> str:
        return f"{self.median} / {self.p90} / {self.most}"


def source_files(package: str) -> Iterator[SourceFile]:
    """The package's files that hold something, without migrations."""
    for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
        if "migrations" not in path.parts and path.stat().st_size:
            yield SourceFile(path)


def function_lines(function: Function) -> int:
    """The lines from the `def` to the end, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def is_typed(function: Function) -> bool:
    """True if the result and every argument but `self` and `cls` has a type."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    unknown = [
        each for each in named if each.annotation is None and each.arg not in {"self", "cls"}
    ]
    return function.returns is not None and not unknown


def repeated_names() -> dict[str, list[str]]:
    """The module names that stand more than once in the house, with their files."""
    files = [file for package in PACKAGES for file in source_files(package)]
    own = [file for file in files if "management" not in file.path.parts]
    counts = Counter(file.path.stem for file in own)
    return {
        stem: [file.name for file in own if file.path.stem == stem]
        for stem, times in sorted(counts.items())
        if times > 1 and stem != "__init__"
    }
