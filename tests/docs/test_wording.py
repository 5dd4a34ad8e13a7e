"""The countable rules of the prose: docstrings begin with a verb or a noun, tests are sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import ROOT
from tests.support.modules import statements

FOLDERS = ("accounts", "config", "scim", "tenants", "tests")
CLAUSE = re.compile(r"(What|Whether|Who|Whom|Whose|How|Where|When|Which|Why|That)\b")
# None of these is on a screen, in an e-mail or in an error.
UNPLAIN = re.compile(
    r"\b(?:mend(?:s|ed|ing)?|anew|by (?:itself|themselves)|thing that|flavou?rs?|not foreseeable)\b"
    r"|\bif this is not meant\b|\bcopied whole\b|\bin a safe way\b|\bnothing was done\b",
    re.IGNORECASE,
)
NAME = re.compile(r"\bdef (test_(?:what|whether|whom?|whose|how|where|which|why|that)_\w*)")


def sources() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text()


def docstrings(text: str) -> Iterator[tuple[int, str]]:
    """Each docstring with the line of its module, class or function."""
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield getattr(node, "lineno", 1), docstring


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """The strings of a module, but for its docstrings."""
    tree = ast.parse(text)
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(string)) if id(node) not in statements:
                yield node.lineno, string


def test_docstrings_begin_with_a_verb_or_a_noun_and_not_with_a_clause():
    found = [
        f"{path}:{line}: {docstring.splitlines()[0]}"
        for path, text in sources()
        for line, docstring in docstrings(text)
        if CLAUSE.match(docstring)
    ]

    assert found == []


@pytest.mark.parametrize("docstring", ["What is left.", "Whether it is there.", "Who was deleted."])
def test_a_docstring_that_begins_with_a_clause_is_found(docstring):
    text = f'"""{docstring}"""\n\n\ndef left():\n    """{docstring}"""\n'

    assert [line for line, each in docstrings(text) if CLAUSE.match(each)] == [1, 4]


def test_names_of_tests_have_a_noun_as_subject():
    names = [f"{path}: {name}" for path, text in sources() for name in NAME.findall(text)]

    assert names == []


def test_people_read_plain_words():
    strings = [
        (f"{path}:{line}", string)
        for path, text in sources()
        if path.parts[0] != "tests"
        for line, string in sentences(text)
    ]
    templates = [
        (str(path.relative_to(ROOT)), path.read_text())
        for folder in ("templates", *FOLDERS)
        for kind in ("html", "txt")
        for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
    ]

    assert [at for at, text in (*strings, *templates) if UNPLAIN.search(text)] == []


# In an f-string a number that is followed by a plural, or by an s of its own; limits are never 1.
PLURAL = re.compile(
    r"\{(?![^{}]*(?:[A-Z]{3}|max_|counted\())[^{}]*\} (?:accounts|cells|columns|days|e-mails|entries|events|groups|hours"
    r"|lines|members|messages|minutes|months|requests|rows|seconds|tenants|times|tokens|users|values)\b(?! per)"
    r"|\{'' if \w+(?:\([^)]*\))? == 1 else 's'\}"
)


def test_a_number_in_a_sentence_agrees_with_its_noun():
    found = {
        (str(path), match.group())
        for path, text in sources()
        if path.parts[0] != "tests"
        for match in PLURAL.finditer(text)
    }

    assert found == set()


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('f"After {days} days"', True),
        ('f"{len(found):,} users of {tenant}"', True),
        ("f\"{number} user{'' if number == 1 else 's'}\"", True),
        ("f\"After {counted(days, 'day')}\"", False),
        ('f"At most {MOST_DAYS} days"', False),
    ],
)
def test_a_plural_behind_any_number_is_found(text, is_found):
    assert bool(PLURAL.search(text)) is is_found
