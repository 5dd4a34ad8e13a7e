"""Passwords on a list of leaked ones are refused wherever one is chosen."""

import hashlib
import os
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import (
    get_default_password_validators,
    password_validators_help_texts,
)

from accounts import actions, leaked
from accounts.actions import ActionRefused
from config import checks
from tenants.current import in_tenant
from tests.support.people import COMMAND, tenant_admin

SAFE = "no list has this one yet"
LEAKED = "correct horse battery staple"
REFUSAL = (
    "This password has leaked from some service, so it is on lists that attackers try."
    " Choose another one."
)


def line(password, count=3):
    return f"{hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()}:{count}"


@pytest.fixture
def listed(tmp_path, settings):
    """`listed(*passwords)`: the file of these, which is in force."""

    def write(*passwords, end="\r\n"):
        path: Path = tmp_path / "leaked.txt"
        lines = sorted(line(each, count) for count, each in enumerate(passwords))
        path.write_text(end.join((*lines, "")), newline="")
        name = "accounts.leaked.LeakedPasswordValidator"
        validators = [each for each in settings.AUTH_PASSWORD_VALIDATORS if each["NAME"] != name]
        settings.LEAKED_PASSWORDS_FILE = path
        settings.AUTH_PASSWORD_VALIDATORS = [*validators, {"NAME": name, "OPTIONS": {"path": path}}]
        get_default_password_validators.cache_clear()
        return path

    yield write
    get_default_password_validators.cache_clear()


def test_a_leaked_password_is_refused_and_the_former_one_stays(listed, acme):
    listed(LEAKED, "hunter2")
    tara = tenant_admin(acme)
    with in_tenant(acme):
        before = tara.password

        with pytest.raises(ActionRefused) as refused:
            actions.set_password(COMMAND, acme, tara.email, LEAKED)

        tara.refresh_from_db()
    assert str(refused.value) == REFUSAL
    assert tara.password == before


def test_another_password_is_taken(listed, acme, globex):
    listed(LEAKED)

    for tenant in (acme, globex):
        tara = tenant_admin(tenant)
        actions.set_password(COMMAND, tenant, tara.email, SAFE)
        with in_tenant(tenant):
            tara.refresh_from_db()
            assert tara.check_password(SAFE)


@pytest.mark.parametrize("number", [1, 2, 3, 10, 1_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_password_of_a_list_is_found_and_no_other(listed, number, end):
    passwords = [f"password {each}" for each in range(number)]
    path = listed(*passwords, end=end)

    assert all(leaked.holds(path, each) for each in passwords)
    assert not any(leaked.holds(path, f"other {each}") for each in range(100))


def test_the_last_line_needs_no_end_and_letter_case_does_not_count(listed):
    path = listed("a", "b", "c")
    path.write_text(path.read_text().strip().lower())

    assert [leaked.holds(path, each) for each in "abcd"] == [True, True, True, False]


def test_no_password_is_set_unchecked_while_the_list_cannot_be_read(listed, acme):
    listed(LEAKED).unlink()

    with pytest.raises(ActionRefused, match="leaked passwords cannot be read") as refused:
        actions.set_password(COMMAND, acme, tenant_admin(acme).email, SAFE)

    assert SAFE not in str(refused.value)


def test_a_list_that_is_overwritten_while_it_is_searched_ends_no_server(listed, monkeypatch):
    """A memory map of the file would: the system ends a program that reads beyond its end."""
    path, read = listed("a", "b", "c"), os.pread

    def overwritten(*place):
        os.truncate(path, 0)
        return read(*place)

    monkeypatch.setattr(os, "pread", overwritten)

    with pytest.raises(OSError, match="has become shorter"):
        leaked.holds(path, "a")


@pytest.mark.parametrize("around", ["{}", "\n{}\n", "A\n{}"])
def test_a_file_with_longer_lines_is_no_list(around, tmp_path):
    path: Path = tmp_path / "leaked.txt"
    path.write_text(around.format("B" * 100_000))

    with pytest.raises(OSError, match="longer than a digest and a count"):
        leaked.holds(path, "a")


def test_an_empty_list_holds_nothing(listed):
    assert not leaked.holds(listed(), LEAKED)


def test_the_rule_is_among_those_that_are_shown_where_there_is_a_list(listed):
    rule = "Your password must not be on a list of leaked passwords."
    before = password_validators_help_texts()
    listed()

    assert password_validators_help_texts() == [*before, rule]
    assert rule not in before
    assert all(before)  # an empty one would be an empty line of a page


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory."),
        ("password\n", "does not begin with a SHA-1 digest and a count."),
        ("", "does not begin with a SHA-1 digest and a count."),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error_of_the_check(content, problem, tmp_path, settings):
    settings.LEAKED_PASSWORDS_FILE = path = tmp_path / "leaked.txt"
    if content is not None:
        path.write_text(content)

    [found] = checks.check_leaked_passwords()

    assert (found.id, found.msg) == ("config.E006", f"{path} {problem}")


def test_a_list_of_the_form_that_can_be_downloaded_is_none(listed, settings):
    listed(LEAKED)

    assert checks.check_leaked_passwords() == []
