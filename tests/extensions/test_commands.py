"""`manage.py schema define|list|remove`: what they print where, and how they refuse."""

import io
import sys

import pytest
import time_machine
from django.core.management.base import CommandError

from tests.extensions.definitions import definition
from tests.support.commands import assert_former_names, run
from tests.support.schemas import ACME


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(definition({"name": "shirt"}).text)
    return str(path)


@time_machine.travel("2026-11-25T09:30:00Z", tick=False)
def test_a_schema_is_defined_listed_and_removed(acme, globex, operator, file):
    assert run("schema", "define", "acme", file, "--type", "Group", "--required") == (
        "",
        (
            f"{ACME} extends each Group of acme now.\n"
            f"It is shown at http://acme.mypolicies.localhost:8000/scim/Schemas/{ACME}\n"
        ),
    )
    heading, row = run("schema", "list", "acme")[0].splitlines()
    assert heading.split() == ["URN", "EXTENDS", "REQUIRED", "ATTRIBUTES", "CHANGED", "BY"]
    assert row.split()[:6] == [ACME, "Group", "yes", "1", "2026-11-25", "09:30"]
    assert run("schema", "list", "globex")[0].splitlines() == [
        "URN  EXTENDS  REQUIRED  ATTRIBUTES  CHANGED  BY"
    ]
    assert run("schema", "remove", "acme", ACME.upper()) == ("", f"{ACME} is removed.\n")
    assert len(run("schema", "list", "acme")[0].splitlines()) == 1


def test_the_definition_may_come_from_standard_input(acme, operator, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(definition({"name": "shirt"}).text))

    assert run("schema", "define", "acme", "-")[1].startswith(
        f"{ACME} extends each User of acme now."
    )


def test_refusals_are_sentences(acme, operator, file, tmp_path):
    for arguments, sentence in (
        (("schema", "define", "acme", str(tmp_path)), f"{tmp_path} cannot be read."),
        (
            ("schema", "define", "nobody", file),
            "There is no tenant 'nobody'; `tenant list` shows all.",
        ),
        (("schema", "remove", "acme", ACME), f"Acme Ltd has no schema {ACME}."),
    ):
        with pytest.raises(CommandError) as refusal:
            run(*arguments)
        assert str(refusal.value) == sentence


def test_every_verb_answers_to_the_name_that_it_had_before():
    assert_former_names(
        {
            "define_schema": "schema define",
            "list_schemas": "schema list",
            "remove_schema": "schema remove",
        }
    )
