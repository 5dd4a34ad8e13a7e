"""The types and limits of values in a body (RFC 7643 §2.3)."""

import pytest

from scim.protocol import urns
from scim.protocol.errors import InvalidValue
from scim.protocol.patch import read_resource
from scim.protocol.schema import Attribute, ResourceType, Schema, Type

# The user that the Entra provisioning service creates.
from tests.support.reading import read, refusal

# --- types and limits ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"userName": True}, "userName must be a string; the request has a boolean."),
        ({"userName": ["x", "y"]}, "userName must be a string; the request has an array."),
        ({"userName": [["x"]]}, "userName must be a string; the request has an array."),
        ({"userName": [{"a": 1}]}, "userName must be a string; the request has an array."),
        ({"userName": {}}, "userName must be a string; the request has an object."),
        (
            {"userName": {"value": "x", "givenName": "y"}},
            "userName must be a string; the request has an object.",
        ),
        (
            {"userName": {"value": {"value": "x"}}},
            "userName must be a string; the request has an object.",
        ),
        ({"active": {}}, "active must be true or false; the request has an object."),
        ({"active": [True, False]}, "active must be true or false; the request has an array."),
        ({"userName": {"a": 1}}, "userName must be a string; the request has an object."),
        ({"active": "yes"}, "active must be true or false; the request has a string."),
        ({"active": 1}, "active must be true or false; the request has a number."),
        ({"name": "Barbara"}, "name must be an object; the request has a string."),
        ({"name": [{}, {}]}, "name must be an object; the request has an array."),
        (
            {"name": {"givenName": ["x", "y"]}},
            "name.givenName must be a string; the request has an array.",
        ),
        (
            {"name": {"familyName": {}}},
            "name.familyName must be a string; the request has an object.",
        ),
        (
            {"emails": [{"value": False}]},
            "emails.value must be a string; the request has a boolean.",
        ),
        (
            {"emails": [["bjensen@example.com"]]},
            "emails must be an array of objects; the request has an array in it.",
        ),
        (
            {"addresses": ["Hollywood"]},
            "addresses must be an array of objects; the request has a string in it.",
        ),
        ({"profileUrl": 1}, "profileUrl must be a URI; the request has a number."),
        (
            {urns.ENTERPRISE_USER: {"manager": 7.5}},
            f"{urns.ENTERPRISE_USER}:manager must be an object; the request has a number.",
        ),
        ({urns.ENTERPRISE_USER: "x"}, f"{urns.ENTERPRISE_USER} must be an object."),
        (
            {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}]},
            "emails has more than one value whose primary is true.",
        ),
        ({"userName": "b\x00jensen"}, "userName holds NUL or half a surrogate pair."),
        ({"userName": "\ud83d"}, "userName holds NUL or half a surrogate pair."),
    ],
)
def test_a_value_of_another_type_is_refused_by_name_and_kind(members, detail):
    assert refusal(**members) == detail


@pytest.mark.parametrize(
    ("longest", "detail"),
    [
        ({"userName": "x" * 1_024}, "userName is longer than 1024 characters."),
        ({"profileUrl": "x" * 2_048}, "profileUrl is longer than 2048 characters."),
        ({"externalId": "é" * 1_024}, "externalId is longer than 1024 characters."),
    ],
)
def test_strings_have_a_longest_length(longest, detail):
    [(name, value)] = longest.items()

    assert read(**longest).resource == longest
    assert refusal(**{name: value + "x"}) == detail


def test_a_string_whose_key_would_not_fit_into_an_index_is_refused():
    assert read(userName="😀" * 512).resource == {"userName": "😀" * 512}
    assert refusal(userName="😀" * 513) == "userName takes more than 2048 bytes."


def test_an_attribute_has_at_most_a_hundred_values():
    emails = [{"value": f"{i}@example.com"} for i in range(100)]

    assert read(emails=emails).resource == {"emails": emails}
    assert refusal(emails=[*emails, {"value": "x"}]) == "emails has more than 100 values."


@pytest.mark.parametrize("text", ["MIIDQzCC", "MIIDQzC=", "MIIDQzC", "MI==", "-_-_", "A" * 65_536])
def test_binary_values_are_base64_with_or_without_padding(text):
    """RFC 7643 §2.3.6."""
    certificates = [{"value": text}]

    assert read(x509Certificates=certificates).resource == {"x509Certificates": certificates}


@pytest.mark.parametrize("text", ["MIIDQ", "MIID QzCC", "MI=", "=", "====", "MI==MI==", "é"])
def test_binary_values_that_are_not_base64_are_refused(text):
    detail = refusal(x509Certificates=[{"value": text}])

    assert detail == "x509Certificates.value must be base64 text."


_CAR = ResourceType(
    "Car",
    "/Cars",
    "Has the types that a User has not.",
    Schema(
        "urn:example:Car",
        "Car",
        "",
        (
            Attribute("built", Type.DATE_TIME),
            Attribute("doors", Type.INTEGER),
            Attribute("liters", Type.DECIMAL),
            Attribute("drivers", multi_valued=True),
        ),
    ),
)


def test_other_types_and_simple_arrays_are_read_for_any_resource_type():
    car = {
        "built": "2011-05-13T04:42:34Z",
        "doors": -5,
        "liters": 1.6,
        "drivers": ["Babs", "John"],
    }

    read_car = read_resource(
        _CAR, {"schemas": ["urn:example:Car"], **car, "drivers": ["babs", *car["drivers"]]}
    )

    assert read_car.resource == car


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"built": "2011-05-13"}, "built must be a dateTime such as 2011-05-13T04:42:34Z."),
        (
            {"built": 2011},
            "built must be a dateTime such as 2011-05-13T04:42:34Z; the request has a number.",
        ),
        ({"doors": 1.5}, "doors must be an integer; the request has a number."),
        ({"doors": True}, "doors must be an integer; the request has a boolean."),
        ({"doors": 2**63}, "doors is too large."),
        *(
            ({"liters": text}, "liters must be a number; the request has a string.")
            for text in ("1,6", "NaN", "Infinity", "1e999", "0x1", " 1", "1.")
        ),
        *(
            ({"doors": text}, "doors must be an integer; the request has a string.")
            for text in ("four", "4 ", "04", "+4")
        ),
        ({"doors": "4.0"}, "doors must be an integer; the request has a number."),
        ({"doors": "9223372036854775808"}, "doors is too large."),
        ({"drivers": [["Babs", "John"]]}, "drivers must be a string; the request has an array."),
        ({"liters": False}, "liters must be a number; the request has a boolean."),
        ({"liters": float("inf")}, "liters must be a finite number."),
        ({"liters": -(2**63)}, "liters is too large."),
        ({"drivers": [{"name": "Babs"}]}, "drivers must be a string; the request has an object."),
        ({"drivers": b"Babs"}, "drivers must be a string; the request has another kind of value."),
    ],
)
def test_other_types_are_refused_by_name_and_kind(members, detail):
    with pytest.raises(InvalidValue) as caught:
        read_resource(_CAR, members)

    assert caught.value.detail == detail
