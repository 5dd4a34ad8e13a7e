"""`manage.py` offers what knows of tenants and the audit log, and says what to use for the rest."""

import re

import pytest
from django.conf import settings
from django.core.management import get_commands

from config.commands import REFUSED, CommandLine

# What Django and the libraries bring that is let pass: it reads, or is for who develops.
LIBRARIES = {
    "compilemessages",
    "dbshell",
    "findstatic",
    "inspectdb",
    "makemessages",
    "makemigrations",
    "optimizemigration",
    "sendtestemail",
    "shell",
    "showmigrations",
    "sqlmigrate",
    "squashmigrations",
    "startapp",
    "startproject",
}


def ours():
    files = settings.BASE_DIR.glob("[a-z]*/**/management/commands/*.py")
    return {file.stem for file in files} - {"__init__"}


def test_every_command_is_ours_or_was_decided_on():
    """A command that an upgrade brings fails here until someone has looked at it."""
    assert set(get_commands()) == ours() | LIBRARIES | REFUSED.keys()
    assert not REFUSED.keys() & (ours() | LIBRARIES)


def test_help_lists_what_can_be_used_and_nothing_else():
    line = CommandLine(["manage.py", "help"])

    named = re.findall(r"^    (\w+)$", line.main_help_text(), re.MULTILINE)

    assert set(named) == ours() | LIBRARIES
    assert line.main_help_text(commands_only=True).split("\n") == sorted(named)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("createsuperuser", "Use `manage.py create_staff <e-mail>`."),
        ("changepassword", "Use `manage.py set_password <tenant> <e-mail>`."),
        (
            "delete_tenant",
            "Use `manage.py suspend_tenant <tenant>`: its data stay, and nobody is served.",
        ),
    ],
)
def test_a_command_that_goes_around_the_audit_log_names_the_one_to_use(command, sentence):
    with pytest.raises(SystemExit) as refused:
        CommandLine(["manage.py", command]).execute()

    assert refused.value.code == f"{command} is no command here. {sentence}"


def test_help_on_such_a_command_says_the_same():
    with pytest.raises(SystemExit) as refused:
        CommandLine(["manage.py", "help", "migrate_schemas"]).execute()

    assert refused.value.code == "migrate_schemas is no command here. Use `manage.py migrate`."


def test_a_command_that_a_refusal_names_exists():
    named = set(re.findall(r"manage\.py (\w+)", " ".join(REFUSED.values()))) - {"help"}
    made = set(re.findall(r"make (\w+)", " ".join(REFUSED.values())))
    makefile = (settings.BASE_DIR / "Makefile").read_text()

    assert named <= ours()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in made)
