"""The attributes that a client gets to see, and their order (RFC 7644 §3.9, RFC 7643 §7)."""

import json
from typing import Any

import pytest

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.representation import (
    EVERYTHING,
    MAX_NAMES,
    MAX_NAMES_LENGTH,
    Projection,
    project,
    read_projection,
)
from scim.protocol.schema import Attribute, ResourceType, Returned, Schema, Type

META = {"resourceType": "User", "location": "https://acme.example/scim/Users/2819c223"}

# In the order in which JSONB gives it back: shorter names first.
BJENSEN: dict[str, Any] = {
    "id": "2819c223",
    "meta": META,
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "active": False,
    "emails": [{"type": "work", "value": "bjensen@example.com", "primary": True}, {"type": "home"}],
    "schemas": [urns.USER, urns.ENTERPRISE_USER],
    "userName": "bjensen",
    "externalId": "701984",
    urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}, "department": "Tours"},
}

MINIMUM = {"schemas": [urns.USER, urns.ENTERPRISE_USER], "id": "2819c223"}


def only(attributes: str) -> dict[str, Any]:
    return project(USER, BJENSEN, read_projection(attributes))


def without(excluded: str) -> dict[str, Any]:
    return project(USER, BJENSEN, read_projection(None, excluded))


def test_without_a_projection_everything_is_shown_in_the_schemas_order():
    in_order = {
        "schemas": [urns.USER, urns.ENTERPRISE_USER],
        "id": "2819c223",
        "externalId": "701984",
        "userName": "bjensen",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "active": False,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"type": "home"},
        ],
        urns.ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
        "meta": {"resourceType": "User", "location": META["location"]},
    }

    assert json.dumps(project(USER, BJENSEN)) == json.dumps(in_order)


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ("userName", {"userName": "bjensen"}),
        (
            "USERNAME , meta.location",
            {"userName": "bjensen", "meta": {"location": META["location"]}},
        ),
        (f"{urns.USER}:name.givenName", {"name": {"givenName": "Barbara"}}),
        ("emails.value", {"emails": [{"value": "bjensen@example.com"}]}),
        ('emails[type eq "work"].value', {"emails": [{"value": "bjensen@example.com"}]}),
        (
            f"{urns.ENTERPRISE_USER}:manager",
            {urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}}},
        ),
        (urns.ENTERPRISE_USER, {urns.ENTERPRISE_USER: BJENSEN[urns.ENTERPRISE_USER]}),
        ("displayName,phoneNumbers,emails.display,name.formatted", {}),
        ("id", {}),
        ("password", {}),
        (urns.USER, {n: BJENSEN[n] for n in BJENSEN if n not in {"id", urns.ENTERPRISE_USER}}),
    ],
)
def test_attributes_names_what_is_shown_beside_the_minimum(attributes, shown):
    assert only(attributes) == {**MINIMUM, **shown}


@pytest.mark.quirk("E12")
def test_an_extension_attribute_is_named_bare():
    assert only("department") == {**MINIMUM, urns.ENTERPRISE_USER: {"department": "Tours"}}


@pytest.mark.quirk("E27")
def test_unknown_names_are_passed_over():
    names = "userName,shoeSize,name.maidenName,urn:example:1.0:Car,urn:example:Car:wheels,[,members"

    assert only(names) == {**MINIMUM, "userName": "bjensen"}
    assert only("shoeSize") == MINIMUM
    assert without("members,shoeSize") == BJENSEN


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("emails,meta", {"emails", "meta"}),
        (urns.ENTERPRISE_USER.lower(), {urns.ENTERPRISE_USER}),
        ("manager,department", {urns.ENTERPRISE_USER}),
        ("name.givenName,name.familyName", {"name"}),
        ("id,schemas", set()),
    ],
)
def test_excluded_attributes_are_left_out_but_never_the_minimum(excluded, gone):
    assert without(excluded) == {n: value for n, value in BJENSEN.items() if n not in gone}


def test_a_sub_attribute_can_be_excluded():
    assert without("emails.primary,emails.type")["emails"] == [{"value": "bjensen@example.com"}]


_DOOR = ResourceType(
    "Door",
    "/Doors",
    "Has an attribute of each kind of returned.",
    Schema(
        "urn:example:Door",
        "Door",
        "",
        (
            Attribute("number", returned=Returned.ALWAYS),
            Attribute("color"),
            Attribute("history", returned=Returned.REQUEST),
            Attribute("code", returned=Returned.NEVER),
            Attribute(
                "lock",
                Type.COMPLEX,
                sub_attributes=(
                    Attribute("maker", returned=Returned.ALWAYS),
                    Attribute("model"),
                    Attribute("serial", returned=Returned.REQUEST),
                    Attribute("pin", returned=Returned.NEVER),
                ),
            ),
            Attribute(
                "safe",
                Type.COMPLEX,
                returned=Returned.NEVER,
                sub_attributes=(Attribute("model"),),
            ),
        ),
    ),
)
_FRONT = {
    "number": "1",
    "color": "red",
    "history": "painted",
    "code": "0000",
    "lock": {"maker": "Acme", "model": "M", "serial": "7", "pin": "0000"},
    "safe": {"model": "S"},
}


@pytest.mark.parametrize(
    ("attributes", "excluded", "shown"),
    [
        (None, None, {"number": "1", "color": "red", "lock": {"maker": "Acme", "model": "M"}}),
        ("history,code,safe.model,safe", None, {"number": "1", "history": "painted"}),
        ("lock.model", None, {"number": "1", "lock": {"maker": "Acme", "model": "M"}}),
        ("lock.serial,lock.pin", None, {"number": "1", "lock": {"maker": "Acme", "serial": "7"}}),
        (
            None,
            "number,lock.maker",
            {"number": "1", "color": "red", "lock": {"maker": "Acme", "model": "M"}},
        ),
        (None, "lock,color", {"number": "1"}),
    ],
)
def test_always_never_and_request_are_kept(attributes, excluded, shown):
    assert project(_DOOR, _FRONT, read_projection(attributes, excluded)) == shown


# --- the parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", ["userName, Name.GivenName,,username", ["userName", "NAME.givenName "]]
)
def test_names_are_read_from_text_or_from_a_list(sent):
    names = ("username", "name.givenname")

    assert read_projection(sent, None) == Projection(attributes=names)
    assert read_projection(None, sent) == Projection(excluded=names)


@pytest.mark.parametrize("sent", [None, "", " ,", []])
def test_an_empty_parameter_counts_as_not_given(sent):
    assert read_projection(sent, sent) == EVERYTHING


@pytest.mark.parametrize(
    ("attributes", "excluded", "detail"),
    [
        (
            "userName",
            "emails",
            "attributes and excludedAttributes exclude each other; send one.",
        ),
        (
            ",".join(f"a{i}" for i in range(MAX_NAMES + 1)),
            None,
            "attributes has more than 200 names.",
        ),
        (
            None,
            ["userName", "x" * MAX_NAMES_LENGTH],
            "excludedAttributes is longer than 32768 characters.",
        ),
    ],
)
def test_parameters_that_say_nothing_clear_are_refused(attributes, excluded, detail):
    with pytest.raises(InvalidValue) as caught:
        read_projection(attributes, excluded)

    assert caught.value.detail == detail


@pytest.mark.parametrize("wrong", [1, True, {}, ["emails", 1], [None]])
def test_names_of_another_kind_of_json_are_refused(wrong):
    with pytest.raises(InvalidSyntax) as caught:
        read_projection(None, wrong)

    assert caught.value.detail == "excludedAttributes must be a list of attribute names."
