"""Marks in bodies of the mapping configured in Entra: names of attributes, the format of PATCH."""

import pytest
from hypothesis import given

from scim.monitoring.exchanges import (
    COMPLIANT,
    CREATE,
    LEGACY,
    MANAGER,
    MAPPING,
    WORK_COUNTRY,
    WORK_EMAIL,
    marks_of,
)
from tests.protocol.test_any_message import MESSAGES

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WHOLE = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "userName": "bjensen@acme.example",
    "externalId": "0a21f0f2",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "bjensen@acme.example"}],
    "name": {"givenName": "Barbara", "familyName": "Jensen", "formatted": "Barbara Jensen"},
    "addresses": [{"type": "work", "primary": True, "country": "Belize"}],
    ENTERPRISE: {"manager": {"value": "019ab8c4-0000-7000-8000-000000000001"}},
}


def operation(op, path, value):
    return {"Operations": [{"op": op, "path": path, "value": value}]}


def test_a_whole_user_carries_the_whole_mapping_of_the_tutorial():
    assert marks_of("POST", WHOLE) == {CREATE, *MAPPING}


def test_an_empty_value_or_one_of_another_type_is_no_mark():
    body = {"userName": "b", "externalId": "", "emails": [{"type": "home", "value": "b@x.org"}]}

    assert marks_of("POST", body | {"addresses": [{"type": "work"}]}) == {CREATE, "userName"}


@pytest.mark.parametrize(
    ("path", "value", "mark"),
    [
        ("active", "False", "active"),
        ('emails[type eq "work"].value', "b@acme.example", WORK_EMAIL),
        ("name.givenName", "Barbara", "name.givenName"),
        ('addresses[type eq "work"].country', "ML", WORK_COUNTRY),
        (f"{ENTERPRISE}:manager", "019ab8c4", MANAGER),
        (f"{ENTERPRISE}.manager", "019ab8c4", MANAGER),
        ("manager", [{"value": "019ab8c4"}], MANAGER),
    ],
)
def test_the_legacy_flavor_shows_by_its_capitals_and_names_an_attribute_by_its_path(
    path, value, mark
):
    assert marks_of("PATCH", operation("Replace", path, value)) == {LEGACY, mark}


def test_the_compliant_flavor_shows_by_small_letters_and_names_attributes_in_the_value():
    value = {"name.givenName": "Barbara", f"{ENTERPRISE}:manager": "019ab8c4", "title": "Guide"}

    marks = marks_of("PATCH", {"Operations": [{"op": "add", "value": value}]})

    assert marks == {COMPLIANT, "name.givenName", MANAGER}


def test_another_type_of_address_is_not_the_work_address():
    body = operation("Add", 'addresses[type eq "home"].country', "ML")

    assert marks_of("PATCH", body) == {LEGACY}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"Operations": 7},
        {"Operations": [7, {"op": 7, "path": [], "value": 7}]},
    ],
)
def test_a_body_that_is_no_patch_tells_nothing(body):
    assert marks_of("PATCH", body) == frozenset()


@given(MESSAGES)
def test_any_json_leaves_marks_or_none(body):
    for method in ("POST", "PATCH"):
        marks_of(method, body)


@pytest.mark.parametrize("name", ["op", "OP", "Op"])
def test_bodies_of_one_outline_are_told_apart_by_what_their_marks_follow_from(name):
    def body(op, path, value):
        return {"Operations": [{name: op, "Path": path, "value": value}]}

    for _ in range(2):  # as it is read, and as it is remembered
        assert marks_of("PATCH", body("Add", "active", "x")) == {LEGACY, "active"}
        assert marks_of("PATCH", body("add", "active", "y")) == {COMPLIANT, "active"}
        assert marks_of("PATCH", body("add", "userName", "z")) == {COMPLIANT, "userName"}
        assert marks_of("PATCH", body("add", "userName", "")) == {COMPLIANT}
        assert marks_of("POST", {"emails": [{"type": "work", "value": "a"}]}) == {
            CREATE,
            WORK_EMAIL,
        }
        assert marks_of("POST", {"emails": [{"type": "home", "value": "a"}]}) == {CREATE}
        assert marks_of("PUT", {"emails": [{"type": "work", "value": "a"}]}) == {WORK_EMAIL}
