"""The environment is made whole or not at all, by whatever installer the machine has."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from django.conf import settings

import install

# A stand-in for pip, uv and apt-get, in a few lines; it records each call.
PROGRAM = '#!/bin/sh\nset -e\necho "$(basename "$0") $*" >> \'{calls}\'\n{script}\n'
UV = """
env | grep -E '^(UV|PIP|REQUESTS)_' | sort > '{folder}/environment'
python="$5"
cp "$(dirname "$python")/activate" "$(dirname "$python")/greet"
printf '#!%s\\nprint("hello")\\n' "$python" > "$(dirname "$python")/greet"
chmod +x "$(dirname "$python")/greet"
test ! -e '{folder}/fail'
"""
FAILED = (
    "The packages could not be installed; nothing was changed. Repeat the command when the "
    "reason above is out of the way."
)


@pytest.fixture
def clone(tmp_path):
    """A clone that holds install.py and two locks, on a machine with a uv of its own."""
    return Clone(tmp_path)


class Clone:
    def __init__(self, folder):
        self.folder = folder / "clone"
        self.folder.mkdir()
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        shutil.copy(settings.BASE_DIR / "install.py", self.folder)
        self.lock("requirements.lock", "django==5.2.19")
        self.lock("requirements-dev.lock", "django==5.2.19\npytest==9.2.0")
        self.add_program("uv", UV)

    def lock(self, name, content):
        (self.folder / name).write_text(content)

    def add_program(self, name, script):
        program = self.programs / name
        script = script.format(folder=self.folder)
        program.write_text(PROGRAM.format(calls=self.calls_file, script=script))
        program.chmod(0o755)

    def start(self, kind="runtime", **variables):
        path = f"{self.programs}:/usr/bin:/bin"
        return subprocess.Popen(
            [sys.executable, "install.py", kind],
            cwd=self.folder,
            env={"PATH": path, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def install(self, kind="runtime", **variables):
        """Exit status and the last line that the person sees."""
        process = self.start(kind, **variables)
        _, said = process.communicate()
        return process.returncode, (said.splitlines() or [""])[-1]

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines()

    @property
    def environments(self):
        return sorted(each.name for each in self.folder.glob(".venv*") if each.is_dir())

    def greet(self):
        done = subprocess.run(
            [self.folder / ".venv" / "bin" / "greet"], capture_output=True, check=True, text=True
        )
        return done.stdout

    def stamps(self):
        return sorted(each.name for each in (self.folder / ".venv").glob("*.stamp"))


def test_the_packages_of_the_lock_are_installed_and_run_in_place(clone):
    assert clone.install() == (0, "Installing the packages of requirements.lock into .venv, once …")

    draft = clone.folder / ".venv.new"
    locked = f"--require-hashes -r {clone.folder}/requirements.lock"
    assert clone.calls == [f"uv pip install --quiet --python {draft}/bin/python {locked}"]
    assert clone.greet() == "hello\n"
    assert (clone.environments, clone.stamps()) == ([".venv"], ["runtime.stamp"])


def test_nothing_in_the_environment_names_the_place_where_it_was_made(clone):
    clone.install()

    files = [each for each in (clone.folder / ".venv").rglob("*") if each.is_file()]
    assert [each for each in files if b".venv.new" in each.read_bytes()] == []


def test_a_second_run_does_and_says_nothing(clone):
    clone.install()

    assert clone.install() == (0, "")
    assert len(clone.calls) == 1


def test_the_lock_of_the_tests_includes_that_of_serving(clone):
    clone.install("dev")

    assert clone.stamps() == ["dev.stamp", "runtime.stamp"]
    assert clone.install("runtime") == (0, "")


def test_packages_of_the_tests_are_kept_when_the_locks_change(clone):
    clone.install("dev")
    clone.lock("requirements.lock", "django==5.2.20")

    clone.install("runtime")

    assert clone.calls[-1].endswith("requirements-dev.lock")
    assert clone.stamps() == ["dev.stamp", "runtime.stamp"]


def test_a_failure_leaves_no_half_environment_and_the_next_run_succeeds(clone):
    (clone.folder / "fail").touch()

    assert clone.install() == (1, FAILED)
    assert clone.environments == []

    (clone.folder / "fail").unlink()
    assert clone.install()[0] == 0
    assert clone.greet() == "hello\n"


def test_a_failure_leaves_the_present_environment_as_it_is(clone):
    clone.install()
    clone.lock("requirements.lock", "django==5.2.20")
    (clone.folder / "fail").touch()

    assert clone.install()[0] == 1

    assert clone.environments == [".venv"]
    assert clone.greet() == "hello\n"


@pytest.mark.parametrize("left", [".venv/bin", ".venv.new/bin", ".venv.old/bin"])
def test_leftovers_of_an_interrupted_run_or_another_program_are_replaced(left, clone):
    """So did `make run` of old: it failed, and failed again after the advice had been followed."""
    (clone.folder / left).mkdir(parents=True)
    (clone.folder / left / "python").symlink_to(sys.executable)

    assert clone.install()[0] == 0

    assert clone.environments == [".venv"]
    assert clone.greet() == "hello\n"


def test_it_is_made_anew_for_another_lock_another_python_and_another_place(clone):
    clone.install()

    clone.lock("requirements.lock", "django==5.2.20")
    clone.install()
    assert len(clone.calls) == 2

    python = clone.folder / ".venv" / "bin" / "python3"
    python.unlink()
    python.symlink_to("/usr/bin/python3.99")
    (clone.folder / ".venv" / "bin" / "python").unlink()
    (clone.folder / ".venv" / "bin" / "python").symlink_to("python3")
    clone.install()
    assert len(clone.calls) == 3

    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    clone.add_program("uv", UV)
    clone.install()
    assert len(clone.calls) == 4
    assert clone.greet() == "hello\n"


def test_of_several_runs_at_once_one_installs(clone):
    runs = [clone.start() for _ in range(3)]

    said = [process.communicate()[1] for process in runs]

    assert [process.returncode for process in runs] == [0, 0, 0]
    assert len(clone.calls) == 1
    assert sorted(map(bool, said)) == [False, False, True]


def test_the_systems_certificates_count_unless_the_person_names_others(clone):
    clone.install()
    of_machine = (clone.folder / "environment").read_text().splitlines()
    clone.lock("requirements.lock", "django==5.2.20")
    clone.install(UV_SYSTEM_CERTS="false", REQUESTS_CA_BUNDLE="/mine.pem", UV_INDEX="file:///mine")
    of_person = (clone.folder / "environment").read_text().splitlines()

    assert {"UV_SYSTEM_CERTS=true", "UV_NATIVE_TLS=true"} <= set(of_machine)
    assert {"UV_SYSTEM_CERTS=false", "REQUESTS_CA_BUNDLE=/mine.pem"} <= set(of_person)
    assert "UV_INDEX=file:///mine" in of_person


# --- no uv ------------------------------------------------------------------------------------


@pytest.fixture
def bare(clone, monkeypatch):
    """The same machine without uv and without any pip, for calls of functions in this process."""
    (clone.programs / "uv").unlink()
    (clone.folder.parent / "wheels").mkdir()
    monkeypatch.setattr(install, "ROOT", clone.folder)
    monkeypatch.setattr(install, "WHEELS", clone.folder.parent / "wheels")
    monkeypatch.setattr(install, "find_spec", {}.get)
    monkeypatch.setenv("PATH", str(clone.programs))
    for name in ("basename", "sh", "env", "mkdir", "cp"):
        (clone.programs / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    return clone


def pip_at(path, calls):
    """A pip that notes how it was called, as a wheel: Python runs the folder in it."""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            "pip/__main__.py",
            f"import sys\nopen({str(calls)!r}, 'a').write(' '.join(['pip', *sys.argv[1:]]) + '\\n')",
        )


def test_the_pip_that_the_system_keeps_fills_an_environment_without_one(bare):
    pip_at(install.WHEELS / "pip-25.1.1-py3-none-any.whl", bare.calls_file)

    install.main("runtime")

    assert bare.calls == [f"pip install -qq --require-hashes -r {bare.folder}/requirements.lock"]
    assert bare.stamps() == ["runtime.stamp"]


def test_without_any_pip_debians_is_fetched_by_apt_and_taken_for_this_only(bare):
    """The machine's list of packages is missing, as in a minimal root: a list of our own is read."""
    pip_at(bare.folder.parent / "pip-23.0.1-py3-none-any.whl", bare.calls_file)
    bare.add_program(
        "apt-get",
        """case "$*" in
            *lists=*update) touch_ () {{ : > lists/there; }}; touch_ ;;
            *download*) : < lists/there; : > python3-pip-whl_23.0.1_all.deb ;;
        esac""",
    )
    bare.add_program("dpkg-deb", 'mkdir -p "$3/usr"; cp {folder}/../pip-23.0.1*.whl "$3/usr"')

    install.main("runtime")

    assert [call.split()[0] for call in bare.calls] == ["apt-get"] * 3 + ["dpkg-deb", "pip"]
    assert "install" not in " ".join(bare.calls[:3])
    assert bare.stamps() == ["runtime.stamp"]


@pytest.mark.parametrize("has_apt", [True, False])
def test_without_any_pip_the_package_is_named_and_nothing_is_left(has_apt, bare):
    if has_apt:
        bare.add_program("apt-get", "exit 100")
        bare.add_program("dpkg-deb", "exit 2")

    with pytest.raises(install.NotInstalledError) as refused:
        install.main("runtime")

    assert str(refused.value) == (
        "This Python has no pip, and none could be fetched. Install one package, then repeat: "
        "python3-venv on Debian and Ubuntu, python3-pip elsewhere."
    )
    assert bare.environments == []


# --- old Pythons ------------------------------------------------------------------------------


def test_an_old_python_hands_on_to_a_newer_one_of_the_machine(bare, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["install.py", "dev"])
    monkeypatch.setattr(os, "execv", leave)
    for minor in (10, 11, 13):
        bare.add_program(f"python3.{minor}", "")

    with pytest.raises(SystemExit) as left:
        install.prefer_newer_python()

    newest = str(bare.programs / "python3.13")
    assert left.value.code == (newest, [newest, "install.py", "dev"])


def leave(program, arguments):
    raise SystemExit((program, arguments))


def test_an_old_python_alone_is_refused_in_one_line(bare, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    with pytest.raises(install.NotInstalledError) as refused:
        install.prefer_newer_python()

    assert str(refused.value) == (
        f"Python 3.11 or newer is needed, and {sys.executable} is 3.9.2. "
        "Where there is another: make PYTHON=/path/to/python3 …"
    )


def test_the_programs_it_installs_with_need_every_hash_of_the_lock(clone):
    """pip itself, where this Python has one: a package whose hash is another's is refused."""
    (clone.programs / "uv").unlink()
    wheels = clone.folder.parent / "index"
    wheels.mkdir()
    digest = make_package(wheels / "greeting-1.0-py3-none-any.whl")
    variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}

    clone.lock("requirements.lock", f"greeting==1.0 --hash=sha256:{'0' * 64}\n")
    assert clone.install(**variables)[0] == 1
    assert clone.environments == []

    clone.lock("requirements.lock", f"greeting==1.0 --hash=sha256:{digest}\n")
    assert clone.install(**variables)[0] == 0
    assert list((clone.folder / ".venv").rglob("greeting.py"))


def make_package(path):
    """The digest of a wheel with one module."""
    about = "greeting-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("greeting.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()
