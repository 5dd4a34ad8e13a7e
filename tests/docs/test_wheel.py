"""`make wheel`: one commit, one file, to the byte; it holds the program and runs where nothing else is."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from django.conf import settings

PARTS = ("config", "tenants", "accounts", "scim", "templates", "manage.py")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")
SHOWN = """
import django
django.setup()
from django.core.management import call_command
from django.template.loader import get_template
call_command("check")
print(get_template("admin/login.html").origin.name)
"""


def program():
    """The files of the program that are in the repository."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PARTS]
    done = subprocess.run(listed, cwd=settings.BASE_DIR, check=True, capture_output=True, text=True)
    return {each for each in done.stdout.splitlines() if (settings.BASE_DIR / each).exists()}


def built(folder, umask):
    """The wheel of a copy of the program at another place, made at another time by somebody else."""
    for each in (*program(), *BESIDE):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.BASE_DIR / each, folder / each)
        (folder / each).chmod(0o666 & ~umask)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "made"],
        cwd=folder,
        env={"PATH": os.defpath, "SOURCE_DATE_EPOCH": "1700000000", "TZ": f"UTC{umask % 9}"},
        umask=umask,
        check=True,
        capture_output=True,
    )
    [wheel] = (folder / "made").iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("one"), 0o022)


def test_the_same_program_is_the_same_file_wherever_and_by_whomever_it_is_made(wheel, tmp_path):
    assert built(tmp_path, 0o077).read_bytes() == wheel.read_bytes()


def test_a_wheel_holds_every_file_of_the_program_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as file:
        held = {each for each in file.namelist() if ".dist-info/" not in each}

    assert held == program()


def test_an_unpacked_wheel_finds_its_own_templates(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(tmp_path / "site"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path / "data"),
    }

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SHOWN],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.splitlines()[-1] == str(tmp_path / "site/templates/admin/login.html")
