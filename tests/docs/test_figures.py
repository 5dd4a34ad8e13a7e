"""The sizes that the house keeps to; `make figures` prints all of them."""

import pytest

from config import environment
from tenants import lettercase
from tests.support.figures.source import PACKAGES, function_lines, is_typed, source_files
from tests.support.figures.tracing import traced

FILES = [file for package in PACKAGES for file in source_files(package)]
FUNCTIONS = [(file, function) for file in FILES for function in file.functions]


def test_no_file_has_more_than_600_lines():
    assert [file.name for file in FILES if file.lines > 600] == []


def test_no_function_has_more_than_50_lines():
    long = [(file.name, f.name) for file, f in FUNCTIONS if function_lines(f) > 50]

    assert long == []


def test_every_function_says_its_types():
    untyped = [(file.name, f.name) for file, f in FUNCTIONS if not is_typed(f)]

    assert untyped == []


def test_a_way_names_the_files_of_the_product_alone():
    way = traced(lambda: [lettercase.fold("İ"), sorted(["b", "a"])])

    assert way.files == {"tenants/lettercase.py"}
    assert way.changes == 0


def test_a_way_counts_each_change_of_file():
    def back_and_forth():
        lettercase.fold("a")
        environment.data_dir()
        lettercase.fold("b")

    way = traced(back_and_forth)

    assert way.files == {"tenants/lettercase.py", "config/environment.py"}
    assert way.changes == 2


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_measured(package):
    assert len(list(source_files(package))) > 10
