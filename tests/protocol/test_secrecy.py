"""Secret attributes, and resources without them (RFC 7643 §7)."""

from dataclasses import replace

import pytest

from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluation import validate
from scim.protocol.filters import parse_filter
from scim.protocol.patch import apply, read_request, read_resource
from scim.protocol.redaction import remembering, secret_paths, without_secrets
from scim.protocol.representation import project, read_projection
from scim.protocol.schema import Extension
from tests.support.payloads import patch
from tests.support.schemas import ACME, SECRETS, schema

SCHEMA = schema(ACME, *SECRETS)
PERSON = replace(USER, extensions=(*USER.extensions, Extension(SCHEMA)))
# As it may have been stored before the attributes became secret.
FORMER = {
    "userName": "bjensen",
    ACME: {
        "badge": "7",
        "pin": "1",
        "answers": ["1"],
        "vault": [{"code": "1", "type": "a"}, {"code": "2"}],
        "locker": {"value": "1"},
        "safe": {"floor": "2"},
    },
}


def test_an_attribute_that_is_write_only_or_never_returned_is_secret_with_its_parts():
    assert secret_paths(SCHEMA) == {
        *("pin", "hash", "answers", "year", "vault.code", "locker.value", "safe")
    }
    assert secret_paths(USER.schema) == {"password"}


def test_a_resource_without_secrets_lacks_what_is_left_of_nothing():
    assert without_secrets(PERSON, FORMER) == {
        "userName": "bjensen",
        ACME: {"badge": "7", "vault": [{"type": "a"}]},
    }
    assert without_secrets(PERSON, {"title": "x", ACME: {"pin": "1"}}) == {"title": "x"}
    assert without_secrets(USER, FORMER) is FORMER


@pytest.mark.parametrize("projection", [{}, {"attributes": f"{ACME}:pin,{ACME}:vault.code,{ACME}"}])
def test_no_projection_shows_a_secret(projection):
    shown = project(PERSON, FORMER, read_projection(**projection))

    assert shown[ACME] == {"badge": "7", "vault": [{"type": "a"}]}


def test_a_body_with_secrets_is_read_without_them_and_says_so():
    vault = [{"code": "1", "type": "a", "value": "v"}, {"code": "2"}]
    values = {
        **FORMER[ACME],
        "vault": vault,
        "hash": "x",
        "year": "no number",
        "locker": {"$ref": "../Lockers/7"},
    }

    read = read_resource(PERSON, {"schemas": [USER.schema.id], "userName": "b", ACME: values})

    assert read.resource == {
        "userName": "b",
        ACME: {"badge": "7", "vault": [{"type": "a", "value": "v"}]},
    }
    assert f"Ignored write-only attribute {ACME}:hash." in read.notes
    assert f"Ignored write-only attribute {ACME}:vault.code." in read.notes


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "hash", "value": "1"},
        {"op": "replace", "path": f"{ACME}:vault.code", "value": "1"},
        {"op": "replace", "path": f'{ACME}:vault[type eq "a"].code', "value": "1"},
        {"op": "remove", "path": "safe"},
        {"op": "add", "value": {"safe.floor": "3", ACME: {"year": 1999}}},
        {"op": "replace", "path": "locker", "value": "1"},
    ],
)
def test_a_patch_of_a_secret_is_accepted_and_changes_nothing(operation):
    before = {"userName": "b", ACME: {"vault": [{"type": "a", "value": "v"}]}}

    applied = apply(PERSON, before, read_request(patch(operation)))

    assert applied.resource == before
    assert any("write-only" in note for note in applied.notes)


@pytest.mark.parametrize(
    "text",
    [
        'pin eq "1"',
        "hash pr",
        'answers eq "1"',
        'vault.code sw "1"',
        'vault[code eq "1"]',
        "vault[code pr]",
        'vault[type eq "a"].code eq "1"',
        'locker eq "1"',
        'locker.value ne "1"',
        'safe.floor eq "1"',
        'safe[floor eq "1"]',
        "safe pr",
        "not (year gt 1)",
    ],
)
def test_no_filter_guesses_a_secret(text):
    """Its matches would tell what the attribute holds (RFC 7644 §7.5)."""
    with pytest.raises(InvalidFilter, match="is never returned and cannot be filtered by"):
        validate(parse_filter(text), PERSON)


def test_a_schema_remembers_the_secrets_that_it_had():
    now = schema(ACME, {"name": "badge"})

    remembered = remembering(now, ["pin", "vault.code", "badge.inner"])

    assert secret_paths(remembered) == {"pin", "vault.code", "badge.inner"}
    assert not remembered.find("badge").is_secret
