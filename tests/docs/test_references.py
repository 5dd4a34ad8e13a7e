"""Files, modules and decisions that code and docs name exist: a reader who follows one arrives."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config.environment import ROOT
from tests.support.modules import comments, statements

PACKAGES = ("accounts", "config", "scim", "tenants", "tests")
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
GENERATED = ROOT / "docs" / "conformance.md"  # tests/conformance compares it with the tests
FILE = re.compile(r"(?<![\w./*<{@:-])(?:[\w.-]+/)*[\w-]+\.(?:md|py|toml|yaml)\b(?![/*])")
MODULE = re.compile(rf"(?<![\w./@\"'-])(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
DECISION = re.compile(r"\b[Dd]ecisions? ((?:\d{4}(?:, | and )?)+)")
NO_MODULES = re.compile(r"\.example$|^scim\.(?:read|write)$")  # host names, scopes


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page, or those of a module's comments and docstrings, with their numbers."""
    text = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    yield from comments(text)
    for node in statements(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                yield from enumerate(docstring.splitlines(), node.lineno)


@cache
def lines() -> tuple[tuple[Path, int, str], ...]:
    """All prose that code and pages hold, line by line."""
    modules = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    sources = [*modules, *ROOT.glob("*.py"), *(page for page in PAGES if page != GENERATED)]
    return tuple((source, number, text) for source in sources for number, text in prose(source))


def is_file(name: str, source: Path) -> bool:
    """True if the name leads to a file, from the root or from the page that has it.

    The bare name of a module suffices; the label of a link in a decision is a page of docs/.
    """
    above = (source.parent, source.parent.parent) if source.suffix == ".md" else ()
    if any((folder / name).exists() for folder in (ROOT, *above)):
        return True
    is_bare = "/" not in name and name.endswith(".py")
    return is_bare and any(next((ROOT / each).rglob(name), None) for each in PACKAGES)


def is_module(name: str) -> bool:
    """True if the name is a module or package, or something that one of them names."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if path.is_dir() and length == len(parts):
            return True
        if module.exists():
            rest = parts[length:]
            return not rest or re.search(rf"\b{rest[0]}\b", module.read_text()) is not None
    return False


def mentions(pattern: re.Pattern[str]) -> Iterator[tuple[str, Path, str]]:
    for source, number, text in lines():
        for found in pattern.finditer(text):
            yield f"{source.relative_to(ROOT)}:{number}: {found[0]}", source, found[0]


def test_every_file_that_is_named_exists():
    assert [at for at, source, name in mentions(FILE) if not is_file(name, source)] == []


def test_every_module_that_is_named_exists():
    named = [(at, name) for at, _, name in mentions(MODULE) if not NO_MODULES.search(name)]

    assert [at for at, name in named if not is_module(name)] == []


def test_every_decision_that_is_named_exists():
    decisions = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}

    missing = [
        at
        for at, _, text in mentions(DECISION)
        if not decisions.issuperset(re.findall(r"\d{4}", text))
    ]

    assert missing == []
