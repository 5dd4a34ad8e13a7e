"""The files of deploy/ name commands, settings and folders that exist, and leave no service out."""

import os
import re
import subprocess
from configparser import ConfigParser

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from config.variables import VARIABLES
from scim.provider.features import features
from tests.newcomer.image import DOCKERFILE, instructions
from tests.newcomer.production import DOCUMENT, lines_of

DEPLOY = settings.BASE_DIR / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("*.timer"))
OPERATIONS = DOCUMENT.read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {"migrate", "web", "events", "jobs", "timers"}
SERVER = "gunicorn config.wsgi -c config/gunicorn.py"


def read(unit):
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(unit)
    return parser


def started(unit):
    return read(unit)["Service"]["ExecStart"].removeprefix("/srv/mypolicies-scim/.venv/bin/")


def of_manage(lines):
    return {name for line in lines for name in re.findall(r"manage(?:\.py)?\W+(\w+)", line)}


def in_compose():
    return [str(COMPOSE["services"][name].get("command", "")) for name in OURS]


def followed():
    """The commands that docs/operations.md has run as services and by timers."""
    blocks = re.findall(r"^```sh\n(.*?)^```", OPERATIONS, re.MULTILINE | re.DOTALL)
    running = [block for block in blocks if "deliver_events" in block or "clearsessions" in block]
    return of_manage("".join(running).splitlines())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_as_a_user_who_may_change_nothing(unit):
    service = read(unit)["Service"]

    command = started(unit)
    assert command == SERVER or of_manage([command]) < set(get_commands())
    assert service["User"] == "mypolicies"
    assert "EnvironmentFile=/etc/mypolicies.env\n" in unit.read_text()
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "true")
    assert service["CapabilityBoundingSet"] == ""


def test_the_owner_s_login_is_given_to_the_jobs_alone():
    """Whoever takes the server over must not find it there."""
    holders = {unit.stem for unit in UNITS if "mypolicies-owner.env" in unit.read_text()}
    containers = {name for name in OURS if "owner.env" in COMPOSE["services"][name]["env_file"]}

    assert holders == {"mypolicies-jobs"}
    assert containers == {"migrate", "jobs"}


def test_each_service_and_timer_of_the_document_has_its_unit_and_its_container():
    workers = {command for feature in features() for command in feature.workers} | {"run_jobs"}

    assert (
        of_manage(map(started, UNITS)) - {"metrics"}
        == followed()
        == of_manage(in_compose()) - {"migrate"}
    )
    assert workers < followed()


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.stem)
def test_a_timer_starts_a_service_that_ends(timer):
    assert read(timer.with_suffix(".service"))["Service"]["Type"] == "oneshot"
    assert read(timer)["Timer"]["Persistent"] == "true"


def test_the_server_is_replaced_without_an_outage():
    service = read(DEPLOY / "systemd" / "mypolicies.service")["Service"]

    # The shell's own kill: a minimal Debian has no /bin/kill.
    assert service["ExecReload"] == "/bin/sh -c 'kill -USR2 \"$$MAINPID\"'"
    assert service["Type"] == "notify"


@pytest.mark.parametrize("section", ["First deployment", "Upgrading", "Backups"])
def test_the_lines_to_type_name_files_and_commands_that_exist(section):
    """tests/newcomer/production.py types them."""
    typed = lines_of(section, OPERATIONS)

    named = {each for line in typed for each in re.findall(r"deploy/[\w./-]+\w", line)}
    assert "deploy/manage" in named
    assert [each for each in named if not (settings.BASE_DIR / each).exists()] == []
    assert of_manage(typed) <= set(get_commands())
    assert of_manage(typed)


def test_the_owner_s_file_has_the_owner_s_login_alone():
    lines = (DEPLOY / "mypolicies-owner.env").read_text().splitlines()

    [assigned] = [line for line in lines if not line.startswith("#")]
    assert assigned.startswith("MIGRATION_DATABASE_URL=postgresql://mypolicies:")


def test_only_root_runs_commands_with_the_settings_of_production():
    command = [DEPLOY / "manage", "settings"]
    somebody = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}

    done = subprocess.run(command, capture_output=True, text=True, check=False, **somebody)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Only root may read the settings: sudo {DEPLOY}/manage settings\n"


def test_each_unit_is_named_in_the_document():
    names = {each.name for each in (*UNITS, *TIMERS)}

    enabled = set(re.findall(r"mypolicies[\w-]*\.(?:service|timer)", OPERATIONS))
    assert {name for name in names if name.endswith(".timer")} < enabled
    assert enabled <= names


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_has_no_rights_and_known_settings(name):
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["environment"].keys() <= VARIABLES.keys()


def test_the_image_runs_as_a_user_of_its_own_and_serves():
    steps = instructions(DOCKERFILE.read_text())

    last = dict(steps)
    assert last["USER"] == "mypolicies"
    assert last["CMD"] == '[".venv/bin/gunicorn", "config.wsgi", "-c", "config/gunicorn.py"]'


def test_the_image_holds_what_exists_and_nothing_that_is_ignored():
    kept = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    copied = [
        source
        for word, rest in instructions(DOCKERFILE.read_text())
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]

    assert all((settings.BASE_DIR / each).exists() for each in copied)
    assert sorted(f"!{each}" for each in copied) == sorted(
        line for line in kept if line.startswith("!")
    )


def test_the_proxy_has_the_shipped_configuration_and_what_that_names():
    proxy = COMPOSE["services"]["proxy"]
    places = {each.split(":")[1]: each.split(":")[0] for each in proxy["volumes"]}
    configuration = (DEPLOY / places.pop("/etc/nginx/conf.d/default.conf")).read_text()

    assert all(place in configuration for place in places)
    assert "server 127.0.0.1:8000;" in configuration
    assert proxy["network_mode"] == "service:web"
    assert COMPOSE["services"]["web"]["environment"]["TRUSTED_PROXIES"] == "127.0.0.1"
