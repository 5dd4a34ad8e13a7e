"""Targets of PATCH paths, and attributes that may not be written (RFC 7644 §3.5.2, §3.10)."""

from typing import Any

import pytest

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    Mutability,
)
from scim.protocol.schema import Attribute, ResourceType, Schema, Type
from scim.protocol.schema import Mutability as Mutable
from tests.support.patching import BJENSEN, add, message, patched, remove, replace

# --- paths (§3.10) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["NAME.givenname", f"{urns.USER}:name.givenName", f"{urns.USER.upper()}:Name.GivenName"],
)
def test_paths_are_read_in_any_letter_case_with_or_without_the_urn(path):
    assert patched(replace(path, "Babs"))["name"] == {"familyName": "Jensen", "givenName": "Babs"}


@pytest.mark.parametrize("path", [urns.ENTERPRISE_USER, None])
def test_an_extension_is_patched_through_its_urn(path):
    extension = {"department": "Sales", "costCenter": "4130", "manager": {"value": "9"}}
    value = extension if path else {urns.ENTERPRISE_USER: extension}

    after = patched({"op": "replace", "path": path, "value": value})

    assert after == {**BJENSEN, urns.ENTERPRISE_USER: extension}


def test_an_extension_keeps_what_is_not_sent_and_goes_with_null():
    kept = patched({"op": "replace", "value": {urns.ENTERPRISE_USER: {}, urns.USER: None}})
    gone = patched({"op": "replace", "value": {urns.ENTERPRISE_USER: None}})

    assert kept == BJENSEN
    assert gone == {k: v for k, v in BJENSEN.items() if k != urns.ENTERPRISE_USER}


def test_another_manager_does_not_keep_the_reference_to_the_former_one():
    reference = {"value": "1", "$ref": "../Users/1"}
    resource = {"userName": "b", urns.ENTERPRISE_USER: {"manager": reference}}
    path = f"{urns.ENTERPRISE_USER}:manager"

    same = patched(replace(path, {"value": "1"}), resource=resource)
    other = patched(replace(f"{path}.value", "2"), resource=resource)
    both = patched(replace(path, {"$ref": "../Users/2"}), resource=resource)

    assert same == resource
    assert other[urns.ENTERPRISE_USER] == {"manager": {"value": "2"}}
    assert both[urns.ENTERPRISE_USER] == {"manager": {"value": "2", "$ref": "../Users/2"}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("shoeSize", "shoeSize"),
        ("name.maidenName", "name.maidenName"),
        ('emails[value eq "b@x.org"].colour', "emails[…].colour"),
        ("urn:example:Car:wheels", "urn:example:Car:wheels"),
        ("urn:example:params:2.0:Car", "urn:example:params:2.0:Car"),
    ],
)
def test_a_path_to_an_unknown_attribute_is_refused(path, shown):
    with pytest.raises(InvalidPath) as caught:
        patched(replace(path, "x"))

    assert caught.value.detail == f"{shown} is not an attribute of User."


def test_a_filter_on_a_simple_attribute_is_refused():
    with pytest.raises(InvalidPath) as caught:
        patched(replace('userName[value eq "x"]', "x"))

    assert caught.value.detail == "userName has no sub-attributes to select its values by."


def test_a_filter_on_an_unknown_sub_attribute_is_refused_though_there_is_no_value():
    with pytest.raises(InvalidFilter):
        patched(replace('photos[colour eq "red"].value', "x"))


@pytest.mark.parametrize("path", ["", "emails[", "emails[type eq]", "1", "name..givenName"])
def test_a_path_that_cannot_be_read_is_refused(path):
    with pytest.raises(InvalidPath):
        patched(replace(path, "x"))


# --- mutability (RFC 7643 §7) -----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "meta",
        "meta.created",
        "schemas",
        "groups",
        "groups.value",
        f"{urns.ENTERPRISE_USER}:manager.displayName",
    ],
)
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_a_path_to_what_cannot_be_written_is_refused(op, path):
    with pytest.raises(Mutability) as caught:
        patched({"op": op, "path": path, "value": "x"})

    assert caught.value.detail == f"{path} is read-only."


def test_a_password_is_discarded_and_noted_without_its_value():
    operations = patch.read_request(
        message(replace("password", "t1meMa$heen"), {"op": "add", "value": {"password": "x"}}),
    )

    applied = patch.apply(USER, BJENSEN, operations)

    assert applied.resource == BJENSEN
    assert applied.notes == ("Ignored write-only attribute password.",)


def test_an_operation_with_nothing_but_what_is_ignored_changes_nothing():
    after = patched(
        replace(f"{urns.ENTERPRISE_USER}:manager", {"displayName": "John Smith"}),
        replace('emails[type eq "work"]', {"colour": "red"}),
    )

    assert after == BJENSEN


_IMMUTABLE = ResourceType(
    "Ticket",
    "/Tickets",
    "Has immutable attributes, which a User has not.",
    Schema(
        "urn:example:Ticket",
        "Ticket",
        "",
        (
            Attribute("number", mutability=Mutable.IMMUTABLE),
            Attribute(
                "holders",
                Type.COMPLEX,
                multi_valued=True,
                mutability=Mutable.IMMUTABLE,
                sub_attributes=(Attribute("value"),),
            ),
            Attribute(
                "seats",
                Type.COMPLEX,
                multi_valued=True,
                sub_attributes=(Attribute("value", mutability=Mutable.IMMUTABLE),),
            ),
            Attribute("tags", multi_valued=True),
        ),
    ),
)


def apply_to_ticket(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return patch.apply(_IMMUTABLE, resource, patch.read_request(message(*operations))).resource


def test_an_immutable_attribute_is_given_a_value_once():
    """§3.5.2: a client may add a value to an immutable attribute that has none."""
    ticket = apply_to_ticket(
        {},
        add("number", "7"),
        add("number", "7"),
        add("seats", [{"value": "12A"}]),
        add("holders.value", "b"),
    )

    assert ticket == {"number": "7", "seats": [{"value": "12A"}], "holders": [{"value": "b"}]}
    for operation, name in (
        (replace("number", "8"), "number"),
        (remove("number"), "number"),
        (remove("holders"), "holders"),
        (replace('seats[value eq "12A"].value', "12B"), "seats.value"),
    ):
        with pytest.raises(Mutability) as caught:
            apply_to_ticket(ticket, operation)
        assert caught.value.detail == f"{name} cannot be changed once it has a value."


def test_an_array_of_simple_values_is_patched_as_a_whole():
    ticket = apply_to_ticket(
        {},
        add("tags", ["red", "Blue"]),
        add("tags", "blue"),
        add("tags", ["green"]),
        {"op": "remove", "path": "tags", "value": ["RED"]},
    )

    assert ticket == {"tags": ["blue", "green"]}
    assert apply_to_ticket({}, {"op": "remove", "path": "tags", "value": ["red"]}) == {}
