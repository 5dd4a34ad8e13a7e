"""README.md names each setting and each command that exists, and none that does not."""

import re
from itertools import chain

import pytest
from django.conf import settings

from config.commands import groups

README = (settings.BASE_DIR / "README.md").read_text()
OF_MAKE = {"up"}  # reached by `make run`


def rows(heading):
    """The first cells of the table below a heading."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]


def documented(heading):
    names = (re.findall(r"`(\w[\w-]*(?: [\w-]+)?)`", row) for row in rows(heading))
    return sorted(chain.from_iterable(names))


def test_the_table_of_commands_names_what_manage_py_has():
    files = settings.BASE_DIR.glob("[a-z]*/**/management/commands/*.py")
    with_verbs = dict(groups())
    commands = {file.stem for file in files} - {"__init__"} - OF_MAKE - with_verbs.keys()
    verbs = {f"{name} {verb}" for name, group in with_verbs.items() for verb in group.verbs}

    assert documented("Commands") == sorted(commands | verbs)


@pytest.mark.parametrize(
    "target",
    [
        "run",
        "install",
        "test",
        "check",
        "docs",
        "figures",
        "bench",
        "seed",
        "screenshots",
        "sbom",
        "audit",
    ],
)
def test_targets_of_make_in_the_readme_are_in_the_makefile(target):
    makefile = (settings.BASE_DIR / "Makefile").read_text()

    assert re.search(rf"^make {target}\b", README, re.MULTILINE)
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
