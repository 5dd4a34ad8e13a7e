"""Schemas that tenants define: what is read, what is refused and how it is said (RFC 7643 §7)."""

import json
from typing import Any

import pytest

from scim.extensions.reader import DefinitionRefused, incompatibilities, read_schema
from scim.protocol.discovery import schema_representation

URN = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"


def definition(*attributes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"id": URN, "name": "Acme", "description": "", "attributes": list(attributes)}
    return {**body, **changes}


def schema(*attributes: dict[str, Any]):
    return read_schema(definition(*attributes))


EVERYTHING = definition(
    {
        "name": "badge",
        "type": "string",
        "multiValued": False,
        "description": "The door card.",
        "required": True,
        "canonicalValues": ["red", "green"],
        "caseExact": True,
        "mutability": "immutable",
        "returned": "request",
        "uniqueness": "server",
    },
    {
        "name": "desks",
        "type": "complex",
        "multiValued": True,
        "description": "Where somebody sits.",
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        "subAttributes": [
            {
                "name": "$ref",
                "type": "reference",
                "multiValued": False,
                "description": "",
                "required": False,
                "caseExact": True,
                "mutability": "readWrite",
                "returned": "default",
                "uniqueness": "none",
                "referenceTypes": ["external"],
            },
        ],
    },
    schemas=["urn:ietf:params:scim:schemas:core:2.0:Schema"],
)


def test_schemas_shows_the_definition_as_it_is():
    shown = schema_representation(read_schema(EVERYTHING), (), "https://acme.mypolicies.com/scim")

    assert {name: shown[name] for name in EVERYTHING} == EVERYTHING


def test_characteristics_that_are_left_out_have_the_defaults_of_the_rfc():
    (attribute,) = schema({"name": "badge"}).attributes

    assert schema_representation(schema({"name": "badge"}), (), "")["attributes"] == [
        {
            "name": "badge",
            "type": "string",
            "multiValued": False,
            "description": "",
            "required": False,
            "caseExact": False,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "none",
        }
    ]
    assert not attribute.sub_attributes


def test_references_and_binaries_are_case_exact_without_being_told():
    found = schema(
        {"name": "site", "type": "reference", "referenceTypes": ["external"]},
        {"name": "seal", "type": "binary"},
    )

    assert [attribute.case_exact for attribute in found.attributes] == [True, True]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "The definition must be a JSON object, as /Schemas shows one."),
        (definition({"name": "a"}, multivalued=True), "The definition has an unknown member"),
        (
            definition({"name": "a"}, id="acme"),
            "id must be a URN that ends in a version and a name",
        ),
        (definition({"name": "a"}, id=f"{URN}:badge"), "id must be a URN that ends in"),
        (definition({"name": "a"}, id=URN + " "), "id must be a URN that ends in"),
        (
            definition({"name": "a"}, id="URN:ietf:params:scim:schemas:CORE:2.0:User"),
            "URN:ietf:params:scim:schemas:CORE:2.0:User is a schema of the standard",
        ),
        (
            definition(
                {"name": "a"}, id="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            ),
            "is a schema of the standard; choose a URN of your own.",
        ),
        (definition(), "attributes must be an array of one attribute or more."),
        (definition(attributes="a"), "attributes must be an array of one attribute or more."),
        (definition(*[{"name": f"a{i}"} for i in range(101)]), "attributes has more than 100"),
        (definition(attributes=["a"]), "attributes[0] must be an object."),
        (definition({}), "attributes[0].name must be a name of letters"),
        (definition({"name": "$ref"}), "attributes[0].name must be a name of letters"),
        (definition({"name": "a.b"}), "attributes[0].name must be a name of letters"),
        (definition({"name": "ab"}, {"name": "AB"}), "attributes names AB twice"),
        (definition({"name": "a", "colour": 1}), "attributes[0] (a) has an unknown member colour"),
        (
            definition({"name": "a", "type": "text"}),
            "attributes[0] (a).type must be one of string, boolean, decimal, integer, dateTime,",
        ),
        (
            definition({"name": "a", "required": "yes"}),
            "attributes[0] (a).required must be true or",
        ),
        (definition({"name": "a", "canonicalValues": [1]}), "(a).canonicalValues must be text"),
        (definition({"name": "a", "description": "\x00"}), "(a).description must be text"),
        (definition({"name": "a", "type": "complex"}), "(a).subAttributes must be an array of one"),
        (
            definition({"name": "a", "subAttributes": [{"name": "b"}]}),
            "(a).subAttributes belong to the type complex only.",
        ),
        (
            definition(
                {
                    "name": "a",
                    "type": "complex",
                    "subAttributes": [{"name": "b", "type": "complex"}],
                }
            ),
            "subAttributes[0] (b).type: a sub-attribute cannot be complex",
        ),
        (
            definition(
                {
                    "name": "a",
                    "type": "complex",
                    "subAttributes": [{"name": "b", "multiValued": True}],
                }
            ),
            "(b): multiValued cannot be true for a sub-attribute.",
        ),
        (definition({"name": "a", "type": "binary", "caseExact": False}), "caseExact must be true"),
        (definition({"name": "a", "mutability": "readOnly"}), "nothing would ever write it"),
        (definition({"name": "a", "mutability": "writeOnly"}), "returned must be never when"),
        (
            definition(
                {"name": "a", "mutability": "writeOnly", "returned": "never", "required": True}
            ),
            "can be neither required nor unique",
        ),
        (
            definition({"name": "a", "multiValued": True, "uniqueness": "server"}),
            "uniqueness is for single-valued attributes",
        ),
        (definition({"name": "a", "type": "reference"}), "referenceTypes must say what"),
    ],
)
def test_an_unsupported_definition_is_refused_by_its_place(body, sentence):
    with pytest.raises(DefinitionRefused) as refusal:
        read_schema(body)

    assert sentence in str(refusal.value)


def test_a_name_that_cannot_be_shown_is_not_shown():
    with pytest.raises(DefinitionRefused) as refusal:
        read_schema({**EVERYTHING, "\x1b[31m": 1})

    assert "\x1b" not in str(refusal.value)


def test_whatever_is_read_can_be_read_again_from_what_is_shown():
    shown = schema_representation(read_schema(EVERYTHING), (), "https://acme.mypolicies.com/scim")

    assert read_schema(json.loads(json.dumps(shown))) == read_schema(EVERYTHING)


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        ({"name": "badge", "required": True, "returned": "request"}, []),
        (
            {"name": "badge", "caseExact": True},
            ["badge has another type, multiValued or caseExact."],
        ),
        (
            {"name": "badge", "multiValued": True},
            ["badge has another type, multiValued or caseExact."],
        ),
        (
            {"name": "badge", "type": "integer"},
            ["badge has another type, multiValued or caseExact."],
        ),
        ({"name": "Badge"}, ["badge is missing."]),
    ],
)
def test_stored_values_need_type_number_and_case_to_stay(after, sentences):
    assert list(incompatibilities(schema({"name": "badge"}), schema(after))) == sentences


def test_stored_values_need_their_sub_attributes_too():
    def desk(*names: str):
        subs = [{"name": name} for name in names]
        return schema({"name": "desk", "type": "complex", "subAttributes": subs})

    assert list(incompatibilities(desk("floor"), desk("floor", "room"))) == []
    assert list(incompatibilities(desk("floor", "room"), desk("floor"))) == [
        "desk.room is missing."
    ]
