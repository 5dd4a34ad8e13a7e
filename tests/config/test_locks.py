"""The locks: complete, with hashes, and free of any place to download from."""

import re
import tomllib

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
    "requirements-bench.lock",
)


def text_of(lock):
    return (settings.BASE_DIR / lock).read_text()


def requirements_of(lock):
    """Name -> pinned version. Lines that go on with a backslash are one."""
    lines = text_of(lock).replace("\\\n", " ").splitlines()
    pinned = [re.split(r"[=;\s]+", line, maxsplit=2)[:2] for line in lines if line[:1].isalnum()]
    return {canonicalize_name(name): version for name, version in pinned}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_download_from(lock):
    assert "://" not in text_of(lock)
    assert [line for line in text_of(lock).splitlines() if line.startswith("-")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_a_hash(lock):
    lines = text_of(lock).replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line[:1].isalnum()]

    assert requirements
    assert [line for line in requirements if "--hash=sha256:" not in line] == []


def test_the_locks_satisfy_what_the_project_asks_for():
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    runtime, dev = (requirements_of(lock) for lock in LOCKS[:2])

    for asked in map(Requirement, project["project"]["dependencies"]):
        assert asked.specifier.contains(runtime[canonicalize_name(asked.name)])
    for asked in map(Requirement, project["dependency-groups"]["dev"]):
        assert asked.specifier.contains(dev[canonicalize_name(asked.name)])


def test_tests_run_on_the_versions_that_serve():
    runtime, dev = (requirements_of(lock) for lock in LOCKS[:2])

    assert runtime.items() <= dev.items()
