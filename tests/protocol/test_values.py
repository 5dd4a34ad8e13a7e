"""Reading the body of POST and PUT (RFC 7644 §3.3, RFC 7643 §2): what is taken, noted, refused."""

import json
from typing import Any

import pytest

from scim.protocol import urns, values
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidSyntax
from scim.protocol.patch import Outcome, read_resource

# The user that the Entra provisioning service creates.
from tests.support.reading import read, refusal

CREATE_USER: dict[str, Any] = {
    "schemas": [urns.USER, urns.ENTERPRISE_USER],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "BJensen@Contoso.com",
    "active": True,
    "addresses": [{"type": "work", "primary": True, "country": "Belize"}],
    "emails": [{"primary": True, "type": "work", "value": "BJensen@contoso.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara"},
    "roles": [],
}


def test_a_user_is_read_into_canonical_names_without_schemas_id_and_meta():
    read_user = read_resource(USER, CREATE_USER)

    assert read_user == Outcome(
        {
            "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
            "userName": "BJensen@Contoso.com",
            "active": True,
            "addresses": [{"type": "work", "primary": True, "country": "Belize"}],
            "emails": [{"primary": True, "type": "work", "value": "BJensen@contoso.com"}],
            "name": {"formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        },
        notes=(),
    )


def test_a_value_that_was_read_reads_as_itself():
    once = read_resource(USER, CREATE_USER).resource

    assert read_resource(USER, once).resource == once


def test_names_are_read_in_any_letter_case():
    """RFC 7643 §2.1."""
    read_user = read(USERNAME="bjensen", Name={"FAMILYNAME": "Jensen"})

    assert read_user.resource == {"userName": "bjensen", "name": {"familyName": "Jensen"}}


def test_extension_attributes_stay_under_their_urn():
    read_user = read(**{urns.ENTERPRISE_USER.upper(): {"Department": "Tours", "costcenter": "7"}})

    assert read_user.resource == {
        urns.ENTERPRISE_USER: {"department": "Tours", "costCenter": "7"},
    }


@pytest.mark.quirk("E12")
def test_extension_attributes_are_read_by_their_bare_names():
    read_user = read(userName="bjensen", department="Tours", manager="26118915")

    assert read_user.resource == {
        "userName": "bjensen",
        urns.ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
    }


@pytest.mark.quirk("E6")
def test_members_that_are_paths_are_read_as_in_a_patch():
    read_user = read(
        **{
            "name.givenName": "Barbara",
            "name.familyName": "Jensen",
            'emails[type eq "work"].value': "bjensen@example.com",
            'emails[type eq "work"].primary': True,
            f"{urns.ENTERPRISE_USER}:employeeNumber": "701984",
            f"{urns.USER}:userName": "bjensen",
        },
    )

    assert read_user.resource == {
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"type": "work", "value": "bjensen@example.com", "primary": True}],
        urns.ENTERPRISE_USER: {"employeeNumber": "701984"},
        "userName": "bjensen",
    }


@pytest.mark.quirk("E8")
@pytest.mark.parametrize("nothing", [None, "", []])
def test_null_and_empty_values_leave_an_attribute_unassigned(nothing):
    """RFC 7643 §2.5."""
    read_user = read(
        userName="bjensen",
        displayName=nothing,
        active=nothing,
        name=nothing,
        emails=nothing,
        phoneNumbers=[{"type": "work", "value": nothing}, nothing],
        addresses=[{"type": "work", "country": nothing, "locality": "Hollywood"}],
        **{urns.ENTERPRISE_USER: nothing, urns.USER: nothing},
    )

    assert read_user.resource == {
        "userName": "bjensen",
        "addresses": [{"type": "work", "locality": "Hollywood"}],
    }


@pytest.mark.quirk("E9")
@pytest.mark.parametrize("text", ["upd-1a2b3c4d", " Sierra Leone ", "ML", "İstanbul ß 👩‍💻"])
def test_strings_are_kept_as_they_are_sent(text):
    resource = {
        "userName": text,
        "locale": text,
        "emails": [{"type": text, "value": text}],
        "addresses": [{"country": text}],
    }

    assert read(**resource).resource == resource


@pytest.mark.quirk("E2")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [(True, True), ("True", True), ("true", True), ("False", False), ("false", False)],
)
def test_booleans_are_read_from_strings(sent, stored):
    read_user = read(active=sent, roles=[{"primary": sent, "value": "admin"}])

    assert read_user.resource == {
        "active": stored,
        "roles": [{"primary": stored, "value": "admin"}],
    }


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E5")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("26118915", {"value": "26118915"}),
        ({"value": "26118915"}, {"value": "26118915"}),
        ([{"value": "26118915"}], {"value": "26118915"}),
        (["26118915"], {"value": "26118915"}),
        ({"value": "26118915", "displayName": "John Smith"}, {"value": "26118915"}),
        (
            {"$ref": "https://acme.example/scim/Users/26118915/"},
            {"value": "26118915", "$ref": "https://acme.example/scim/Users/26118915/"},
        ),
        (
            {"$ref": "../Users/26118915", "value": "26118915"},
            {"value": "26118915", "$ref": "../Users/26118915"},
        ),
    ],
)
def test_the_manager_is_read_in_every_spelling(sent, stored):
    read_user = read(**{urns.ENTERPRISE_USER: {"manager": sent}})

    assert read_user.resource == {urns.ENTERPRISE_USER: {"manager": stored}}


@pytest.mark.quirk("E4")
@pytest.mark.parametrize(
    "sent", [None, "", [], {}, {"value": ""}, {"value": None}, [{"value": ""}]]
)
def test_the_manager_is_unassigned_in_every_spelling(sent):
    assert read(**{urns.ENTERPRISE_USER: {"manager": sent}}).resource == {}


@pytest.mark.quirk("E16")
def test_roles_are_read_from_json_in_a_string():
    role = json.dumps({"id": "18d14569", "value": "WindowsAdmin", "displayName": "Admin"})

    read_user = read(roles=[{"value": role, "primary": "False"}])

    assert read_user == Outcome(
        {"roles": [{"value": "WindowsAdmin", "primary": False, "display": "Admin"}]},
        ("Took the text of roles.value for the JSON that it is.",),
    )


def test_json_in_json_in_a_string_is_read_to_the_end():
    role = json.dumps({"value": json.dumps({"value": "Admin"})})

    assert read(roles=[role]).resource == {"roles": [{"value": "Admin"}]}


@pytest.mark.parametrize("text", ["{", "{}", "{admin}", '{"id": 1}', '{"a":' + "[" * 1_000])
def test_text_that_only_begins_like_json_is_a_plain_value(text):
    assert read(roles=[text]).resource == {"roles": [{"value": text}]}


@pytest.mark.parametrize("text", ["{" * 3_000, '{"value":' * 400])
def test_long_or_deep_text_that_begins_like_json_is_refused_as_a_plain_value(text):
    assert refusal(roles=[text]) == "roles.value is longer than 1024 characters."


@pytest.mark.quirk("E20")
@pytest.mark.parametrize("sent", ["admin", ["admin"], {"value": "admin"}, [{"value": "admin"}]])
def test_one_value_is_read_where_an_array_of_objects_is_expected(sent):
    assert read(roles=sent).resource == {"roles": [{"value": "admin"}]}


def test_a_tolerated_spelling_is_noted():
    assert read(roles="admin").notes == (
        "Took the one value of roles for an array.",
        "Took a plain value of roles for its value.",
    )


@pytest.mark.quirk("E13")
@pytest.mark.quirk("E19")
def test_read_only_attributes_are_ignored_with_a_note_and_those_of_the_server_silently():
    """RFC 7644 §3.3: readOnly attributes are ignored."""
    read_user = read(
        id="26118915",
        meta={"version": 'W/"3"'},
        userName="bjensen",
        password="t1meMa$heen",
        groups=[{"value": "e9e30dba"}],
        shoeSize=42,
        name={"familyName": "Jensen", "maidenName": "Smith"},
        **{
            urns.ENTERPRISE_USER: {"manager": {"value": "2", "displayName": "J"}, "desk": "4"},
            'emails[colour eq "red"].value': "bjensen@example.com",
            "urn:example:Car": {"wheels": 4},
            "€": 1,
        },
    )

    assert read_user == Outcome(
        {
            "userName": "bjensen",
            "name": {"familyName": "Jensen"},
            urns.ENTERPRISE_USER: {"manager": {"value": "2"}},
        },
        (
            "Ignored write-only attribute password.",
            "Ignored read-only attribute groups.",
            "Ignored unknown attribute shoeSize.",
            "Ignored unknown attribute name.maidenName.",
            f"Ignored read-only attribute {urns.ENTERPRISE_USER}:manager.displayName.",
            f"Ignored unknown attribute {urns.ENTERPRISE_USER}:desk.",
            "Ignored unknown attribute emails[…].value.",
            "Ignored unknown attribute urn:example:Car.",
            "Ignored unknown attribute with a name that cannot be shown.",
        ),
    )


def test_notes_of_one_request_are_few():
    read_user = read(**{f"unknown{i}": i for i in range(1_000)})

    assert len(read_user.notes) == values.MAX_NOTES


def test_values_with_the_same_type_and_value_are_one():
    """RFC 7643 §2.4; the later completes the earlier."""
    read_user = read(
        emails=[
            {"type": "work", "value": "bjensen@example.com", "primary": True},
            {"type": "home", "value": "bjensen@example.com"},
            {"type": "Work", "value": "BJensen@example.com", "display": "Babs"},
        ],
    )

    assert read_user.resource["emails"] == [
        {"type": "Work", "value": "BJensen@example.com", "primary": True, "display": "Babs"},
        {"type": "home", "value": "bjensen@example.com"},
    ]


def test_a_value_that_is_only_a_label_is_none():
    assert read(emails=[{"type": "work", "primary": True}]).resource == {}


# --- schemas ---------------------------------------------------------------------------------


@pytest.mark.quirk("E26")
@pytest.mark.parametrize("members", [{}, {"schemas": []}, {"Schemas": None}])
def test_a_body_without_schemas_is_what_the_endpoint_says(members):
    read_user = read_resource(USER, {"userName": "bjensen", **members})

    assert read_user == Outcome(
        {"userName": "bjensen"},
        ("The body has no schemas; took it for a User.",),
    )


@pytest.mark.quirk("E18")
def test_unknown_schemas_beside_a_known_one_are_noted_but_not_microsofts():
    microsoft = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    body = {"schemas": [urns.USER.lower(), microsoft, "urn:example:Car"], "userName": "bjensen"}

    assert read_resource(USER, body) == Outcome(
        {"userName": "bjensen"},
        ("Ignored unknown schema urn:example:Car.",),
    )


@pytest.mark.parametrize(
    ("schemas", "detail"),
    [
        ([1], "schemas must be an array of URNs."),
        ({}, "schemas must be an array of URNs."),
        ([urns.PATCH_OP], f"schemas must name {urns.USER}."),
        (["urn:example:unheard"], f"schemas must name {urns.USER}."),
        ("urn:example:unheard", f"schemas must name {urns.USER}."),
        ([[urns.USER]], "schemas must be an array of URNs."),
        ([None], "schemas must be an array of URNs."),
    ],
)
def test_schemas_of_something_else_are_refused(schemas, detail):
    with pytest.raises(InvalidSyntax) as caught:
        read_resource(USER, {"schemas": schemas, "userName": "bjensen"})

    assert caught.value.detail == detail


@pytest.mark.parametrize("body", [None, [], "bjensen", 1, True])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidSyntax) as caught:
        read_resource(USER, body)

    assert caught.value.detail == "The body must be a JSON object that describes a User."
