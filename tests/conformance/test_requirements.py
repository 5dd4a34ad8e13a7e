"""docs/conformance.md and its source: complete, up to date, and naming tests that exist."""

import ast
from functools import lru_cache

from django.conf import settings

from tests.support import conformance, documents

SECTIONS = [each for rfc in conformance.SENTENCES for each in conformance.sections(rfc)]
ROWS = [(each.number, row) for each in SECTIONS for row in each.requirements]
LEVELS = {
    "MUST",
    "MUST NOT",
    "SHALL",
    "SHALL NOT",
    "SHOULD",
    "SHOULD NOT",
    "REQUIRED",
    "RECOMMENDED",
}


@lru_cache
def named_in(path):
    """The names of the test functions of a file below tests/."""
    tree = ast.parse((settings.BASE_DIR / "tests" / path).read_text())
    functions = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    return {each for each in functions if each.startswith("test_")}


def test_the_page_is_what_its_source_says():
    assert documents.CONFORMANCE.read_text() == conformance.page(), "run `make docs`"


def test_no_sentence_is_missing():
    assert [len(each.requirements) for each in SECTIONS] == [each.sentences for each in SECTIONS]
    counted = {
        rfc: sum(each.sentences for each in conformance.sections(rfc))
        for rfc in conformance.SENTENCES
    }
    assert counted == conformance.SENTENCES


def test_each_requirement_has_a_test_or_a_reason():
    unproven = [(number, row.note or row.differs) for number, row in ROWS if not row.tests]

    assert [each for each in unproven if not each[1].endswith(".")] == []
    assert {row.level for _, row in ROWS} <= LEVELS


def test_every_test_that_is_named_exists():
    named = {test for _, row in ROWS for test in row.tests}
    named |= {each.test for each in conformance.suites()}

    missing = [
        each for each in named if each.partition("::")[2] not in named_in(each.partition("::")[0])
    ]
    assert missing == []


def test_tests_that_remarks_name_exist():
    for _, row in ROWS:
        for word in f"{row.note} {row.differs}".replace("(", " ").replace(")", " ").split():
            path, separator, name = word.strip(".:;,").partition("::")
            assert not separator or name in named_in(path)
