"""`manage.py` offers the commands that know tenants and the audit log, and names them for the rest."""

import io
import re
import shlex
import signal
import sys
from threading import Event

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands

import manage
from config.commands import REFUSED, CommandLine, former_names, groups
from tenants.management import kit
from tenants.management.kit import HouseCommand
from tests.support.commands import assert_former_names
from tests.support.waiting import WITHIN

# Commands of Django and the libraries that are allowed: they read, or are for developers.
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


# The names that README, tutorial and operators' scripts used before there were groups; features have
# theirs in tests of their own.
FORMER = {
    "create_tenant": "tenant create",
    "list_tenants": "tenant list",
    "suspend_tenant": "tenant suspend",
    "resume_tenant": "tenant resume",
    "add_host": "tenant add-host",
    "remove_host": "tenant remove-host",
    "mint_token": "token mint",
    "list_tokens": "token list",
    "revoke_token": "token revoke",
    "create_oauth_client": "client create",
    "list_oauth_clients": "client list",
    "add_client_secret": "client add-secret",
    "revoke_oauth_client": "client revoke",
    "create_account": "account create",
    "create_staff": "account create-staff",
    "set_password": "account set-password",
    "send_invitation": "account invite",
    "verify_audit": "audit verify",
    "list_mails": "mail list",
}


def ours():
    files = settings.BASE_DIR.glob("[a-z]*/**/management/commands/*.py")
    return {file.stem for file in files} - {"__init__"}


def test_every_command_is_ours_or_was_decided_on():
    """A command that an upgrade brings fails here until someone has looked at it."""
    former = dict(former_names()).keys()
    assert set(get_commands()) - former == ours() | LIBRARIES | REFUSED.keys()
    assert not REFUSED.keys() & (ours() | LIBRARIES | former)


def test_help_lists_what_can_be_used_and_nothing_else():
    line = CommandLine(["manage.py", "help"])

    named = re.findall(r"^    (\w+)", line.main_help_text(), re.MULTILINE)

    assert set(named) == ours() | LIBRARIES
    assert line.main_help_text(commands_only=True).split("\n") == sorted(named)


def test_help_names_the_verbs_of_a_group_beside_it():
    text = CommandLine(["manage.py", "help"]).main_help_text()

    assert "\n    token    mint, generate, list, restrict, revoke, approval\n" in text
    assert all(f"{name}," in text or f"{name}." in text for name, _ in former_names())


def test_every_verb_answers_to_the_name_that_it_had_before():
    assert_former_names(FORMER)


@pytest.mark.parametrize("name", ["list_tokens", "token list"])
def test_a_former_name_takes_the_same_arguments_and_prints_the_same(name, acme, capsys):
    """Base arguments included, which a script may give."""
    CommandLine(["manage.py", *name.split(), "acme", "--no-color"]).execute()

    assert (
        capsys.readouterr().out
        == "ID  LABEL  STATE  FOR  EXPIRES  LAST USED  REQUESTS  WORKS FROM\n"
    )


@pytest.mark.parametrize("name", ["list_tokens", "token list"])
@pytest.mark.django_db
def test_a_former_name_ends_with_the_same_status_and_sentence(name, capsys):
    with pytest.raises(SystemExit) as ended:
        CommandLine(["manage.py", *name.split(), "nowhere"]).execute()

    assert ended.value.code == 1
    sentence = "CommandError: There is no tenant 'nowhere'; `tenant list` shows all.\n"
    assert capsys.readouterr().err == sentence


def test_a_group_without_a_verb_names_them(capsys):
    with pytest.raises(SystemExit) as ended:
        CommandLine(["manage.py", "token"]).execute()

    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        "error: Name one of: mint, generate, list, restrict, revoke, approval.\n"
    )


@pytest.mark.parametrize("line", ["token mint --help", "help token mint", "mint_token --help"])
def test_help_on_a_verb_shows_its_arguments_and_examples_alone(line, capsys):
    with pytest.raises(SystemExit) as ended:
        CommandLine(["manage.py", *line.split()]).execute()

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert re.search(r"^usage: manage.py (token mint|mint_token) \[-h\] --label LABEL", text)
    assert text.index("positional arguments:") < text.index("options:") < text.index("examples:")
    assert '\n  manage.py token mint acme --label "Microsoft Entra ID" --days 365\n' in text
    assert "--verbosity" not in text
    assert "--settings" not in text


def house_commands():
    """Each command of ours that does something, by the name that is typed."""
    for name in sorted(ours()):
        command = CommandLine([]).fetch_command(name)
        if isinstance(command, kit.Group):
            yield from ((f"{name} {verb}", kind()) for verb, kind in command.verbs.items())
        else:
            yield name, command


@pytest.mark.parametrize(("name", "command"), [*house_commands()])
def test_each_command_has_help_and_examples_that_it_understands(name, command):
    assert isinstance(command, HouseCommand)
    assert command.help
    assert command.examples
    for example in command.examples:
        before, _, arguments = example.partition(f"manage.py {name}")
        assert before in {"", "PORT=8100 "}, example
        arguments = shlex.split(arguments.partition(" < ")[0])
        command.create_parser("manage.py", name).parse_args(arguments)


def test_every_list_has_a_json_document():
    lists = [kind for _, group in groups() for verb, kind in group.verbs.items() if verb == "list"]

    assert len(lists) > 3
    assert all("--json" in kind().create_parser("", "list").format_help() for kind in lists)


class Slow(HouseCommand):
    """Says on standard error how far it is."""

    def handle(self, *args, **options):
        for each in self.progress("ab", "Letters"):
            self.stdout.write(each)
        with self.waiting("Counting"):
            self.said.wait(WITHIN)


def test_a_command_that_lasts_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(kit, "SILENCE", 0.0)
    monkeypatch.setattr(kit, "SAY_EVERY", 0.0)
    slow, out, err = Slow(), io.StringIO(), io.StringIO()
    slow.said = Event()
    note = slow.note
    slow.note = lambda line: (note(line), slow.said.set() if "Counting" in line else None)

    call_command(slow, stdout=out, stderr=err)

    assert out.getvalue() == "a\nb\n"
    lines = err.getvalue().splitlines()
    assert lines[:2] == ["Letters: 0 done …", "Letters: 1 done …"]
    assert re.fullmatch(r"Counting: \d+ s so far …", lines[2])


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("createsuperuser", "Use `manage.py account create-staff <e-mail>`."),
        ("changepassword", "Use `manage.py account set-password <tenant> <e-mail>`."),
        (
            "delete_tenant",
            "Use `manage.py tenant suspend <tenant>`: its data stay, and nobody is served.",
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
    verbs = re.findall(r"manage\.py (\w+) ([a-z][\w-]*)", " ".join(REFUSED.values()))
    made = set(re.findall(r"make (\w+)", " ".join(REFUSED.values())))
    makefile = (settings.BASE_DIR / "Makefile").read_text()

    assert named <= ours()
    assert verbs
    assert all(verb in CommandLine([]).fetch_command(name).verbs for name, verb in verbs)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in made)


@pytest.mark.parametrize("told", [SystemExit(143), KeyboardInterrupt()])
def test_a_signal_ends_a_command_quietly_while_classes_are_made(told, monkeypatch):
    class Interrupted:
        def __set_name__(self, owner, name):
            raise told

    monkeypatch.setattr(sys, "argv", ["manage.py", "help"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(
        CommandLine, "execute", lambda _: type("Model", (), {"field": Interrupted()})
    )
    with pytest.raises(SystemExit) as ended:
        manage.main()

    assert ended.value.code == (143 if isinstance(told, SystemExit) else 130)
