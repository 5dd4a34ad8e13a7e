"""The packages that production installs are listed, their licenses allow it, and none comes without a hash."""

import re
import tomllib

import pytest
from django.conf import settings

from tests.support import supply

PACKAGES = list(supply.packages())
SECURITY = (settings.BASE_DIR / "docs" / "security.md").read_text()


def test_the_bill_of_materials_names_each_package_of_the_lock():
    pins = re.findall(r"^([\w.-]+)==", supply.LOCK.read_text(), re.MULTILINE)

    bill = supply.bill()

    assert [each["name"] for each in bill["components"]] == pins
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert len({each["bom-ref"] for each in bill["components"]}) == len(pins)
    assert bill == supply.bill()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_has_hashes_and_a_license_that_allows_its_use(package):
    assert package.hashes
    expression = supply.license_of(package.name)
    assert expression or package.marker, f"{package.name} is not installed, and no marker says why"
    if expression:
        assert any(way <= supply.ALLOWED for way in supply.alternatives(expression)), expression


@pytest.mark.parametrize(
    ("expression", "ways"),
    [
        ("MIT", [{"MIT"}]),
        ("Apache-2.0 OR BSD-3-Clause", [{"Apache-2.0"}, {"BSD-3-Clause"}]),
        ("(MIT AND PSF-2.0)", [{"MIT", "PSF-2.0"}]),
    ],
)
def test_a_license_is_read_with_its_alternatives(expression, ways):
    assert supply.alternatives(expression) == ways


def test_each_package_that_is_asked_for_has_its_reason():
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    groups = (project["project"]["dependencies"], *project["dependency-groups"].values())
    names = {re.match(r"[\w.-]+", each)[0] for group in groups for each in group}
    reasons = (settings.BASE_DIR / "docs/decisions/0002-dependencies.md").read_text().lower()

    assert len(names) > 30
    assert [
        each
        for each in sorted(names)
        if not re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", reasons)
    ] == []


def test_each_promise_names_a_test_that_exists():
    table = SECURITY.split("\n## Promises\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if re.match(r"\| \d+ ", line)]

    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    for number, promise, tests in rows:
        named = re.findall(r"`(tests/[\w/.]+)`", tests)
        assert named, (number, promise)
        assert [each for each in named if not (settings.BASE_DIR / each).exists()] == []
