"""Other clients' spellings of values: wrapped, as JSON in a text, as the wrong kind of JSON.

Each table is run through every place that reads values: POST and PUT, PATCH with and without a path.
"""

import json
from typing import Any

import pytest

from scim.protocol import patch, urns, values
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidFilter, InvalidPath, InvalidValue, NoTarget
from scim.protocol.patch import read_resource
from scim.protocol.schema import Attribute, Extension, ResourceType, Type
from scim.protocol.values import Notes, read_value, read_values
from tests.support.patching import BJENSEN, WORK, message, patched, remove
from tests.support.schemas import schema

ENTERPRISE = urns.ENTERPRISE_USER
OWN = "urn:acme:scim:2.0:User"
ACME = ResourceType(
    "User",
    "/Users",
    "",
    USER.schema,
    (
        *USER.extensions,
        Extension(
            schema(
                OWN,
                {"name": "departmentIds", "multiValued": True},
                {"name": "levels", "type": "integer", "multiValued": True},
                {"name": "level", "type": "integer"},
                {"name": "rate", "type": "decimal"},
                {"name": "isContractor", "type": "boolean"},
                {"name": "hireDate", "type": "dateTime"},
                {"name": "badge"},
                {"name": "desk", "type": "complex", "subAttributes": [{"name": "floor"}]},
            )
        ),
    ),
    USER.common,
)

# A plain value of each single-valued simple attribute or sub-attribute.
PLAIN: list[tuple[str, Any]] = [
    *(
        (a.name, "X")
        for a in USER.schema.attributes
        if a.type is Type.STRING and a.name != "password"
    ),
    ("externalId", "X"),
    ("active", False),
    ("profileUrl", "https://example.com/x"),
    *((f"name.{sub.name}", "X") for sub in USER.schema.attributes[1].sub_attributes),
    *((f"{ENTERPRISE}:{a.name}", "X") for a in USER.extensions[0].schema.attributes[:5]),
    (f"{ENTERPRISE}:manager.value", "X"),
    (f"{OWN}:badge", "X"),
    (f"{OWN}:level", 5),
    (f"{OWN}:rate", 1.5),
    (f"{OWN}:isContractor", True),
    (f"{OWN}:hireDate", "2022-07-01T00:00:00Z"),
    (f"{OWN}:desk.floor", "X"),
    ('emails[type eq "work"].value', "X"),
    ('addresses[type eq "work"].country', "X"),
    ('addresses[type eq "work"].streetAddress', "X"),
    ('phoneNumbers[type eq "mobile"].value', "X"),
    ('roles[primary eq "True"].value', "X"),
]


def wrapped(value: Any) -> list[Any]:
    return [
        [value],
        {"value": value},
        [{"value": value}],
        [{"$ref": None, "value": value}],
        {"Value": value, "type": "work"},
    ]


def changed(*operations: dict[str, Any], to: dict[str, Any] = BJENSEN) -> dict[str, Any]:
    after = patch.apply(ACME, to, patch.read_request(message(*operations))).resource
    assert read_resource(ACME, after).resource == after
    return after


def everywhere(path: str, value: Any) -> list[dict[str, Any]]:
    """The results of the value in every place that takes it."""
    return [
        changed({"op": "add", "path": path, "value": value}),
        changed({"op": "Replace", "path": path, "value": value}),
        changed({"op": "add", "value": {path: value}}),
        changed({"op": "replace", "value": {path: value}}),
        {**BJENSEN, **read_resource(ACME, {path: value}).resource},
    ]


# --- wrapped plain values -----------------------------------------------------------------------


@pytest.mark.quirk("E39")
@pytest.mark.parametrize(("path", "value"), PLAIN)
def test_a_plain_value_is_taken_out_of_what_it_is_wrapped_in(path, value):
    """azure-docs issue 42220, SCIM-SDK issue 968."""
    plain = everywhere(path, value)

    for spelling in wrapped(value):
        assert everywhere(path, spelling) == plain, spelling


@pytest.mark.parametrize(("path", "value"), PLAIN)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_more_than_one_value_is_refused(path, value, op):
    for wrong in (
        [value, value],
        {},
        {"a": value},
        [{"a": 1}],
        [[value]],
        {"value": {"value": value}},
    ):
        with pytest.raises(InvalidValue) as caught:
            changed({"op": op, "path": path, "value": wrong})
        assert caught.value.detail.partition(" must be ")[0].endswith(path.rpartition(".")[2])


@pytest.mark.parametrize(
    "path", ["title", "name.givenName", "name.middleName", "externalId", "active"]
)
@pytest.mark.parametrize("wrong", [{}, {"a": 1}, ["x", "y"]])
def test_a_removal_by_what_is_no_value_is_refused(path, wrong):
    with pytest.raises(InvalidValue):
        patched({**remove(path), "value": wrong})


@pytest.mark.quirk("E8")
@pytest.mark.quirk("E39")
@pytest.mark.parametrize("nothing", [[None], {"value": None}])
def test_a_removal_by_wrapped_nothing_is_of_the_attribute(nothing):
    assert "externalId" not in patched({**remove("externalId"), "value": nothing})


@pytest.mark.quirk("E8")
@pytest.mark.quirk("E39")
@pytest.mark.parametrize("nothing", [[None], [""], {"value": None}, [{"$ref": None, "value": ""}]])
def test_nothing_that_is_wrapped_is_nothing(nothing):
    after = changed(
        {"op": "replace", "path": "name.givenName", "value": nothing},
        {"op": "replace", "value": {f"{ENTERPRISE}:department": nothing, "externalId": nothing}},
    )

    assert after["name"] == {"familyName": "Jensen"}
    assert after[ENTERPRISE] == {"manager": {"value": "26118915"}}
    assert "externalId" not in after


@pytest.mark.quirk("E14")
@pytest.mark.quirk("E39")
@pytest.mark.parametrize("value", wrapped("701984"))
def test_a_removal_by_a_wrapped_value_removes_that_value(value):
    assert "externalId" not in patched({**remove("externalId"), "value": value})


# --- JSON in a text ------------------------------------------------------------------------------

MOBILE = {"type": "mobile", "value": "+1"}


@pytest.mark.quirk("E40")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("emails", [{"value": "j@example.com", "type": "work"}]),
        ("emails", {"value": "j@example.com"}),
        ("phoneNumbers", [MOBILE]),
        ("phoneNumbers", MOBILE),
        ('phoneNumbers[type eq "mobile"]', MOBILE),
        ("roles", [{"value": "Admin", "primary": True}]),
        ("addresses", [{"type": "work", "country": "ML"}]),
        ('addresses[type eq "work"]', {"type": "work", "country": "ML"}),
        ("name", {"givenName": "Babs"}),
        (f"{ENTERPRISE}:manager", {"value": "X"}),
        (f"{ENTERPRISE}:manager", [{"$ref": "../Users/X"}]),
        (f"{OWN}:desk", {"floor": "3"}),
        (f"{OWN}:departmentIds", ["1", "2"]),
        (f"{OWN}:levels", [1, 2]),
    ],
)
@pytest.mark.parametrize("spelling", ["{}", "  {}\n"])
def test_json_in_a_text_is_read_where_an_object_or_array_belongs(path, value, spelling):
    """scim-for-keycloak issue 133, SCIM-SDK issue 404."""
    text = spelling.format(json.dumps(value))

    assert everywhere(path, text) == everywhere(path, value)


@pytest.mark.quirk("E40")
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_value_without_a_path_may_be_json_in_a_text(op):
    whole = {"displayName": "EPD", ENTERPRISE: json.dumps({"department": "X"})}

    for value in (json.dumps(whole), [whole], json.dumps([whole])):
        after = changed({"op": op, "value": value})
        assert (after["displayName"], after[ENTERPRISE]["department"]) == ("EPD", "X")


@pytest.mark.parametrize(
    "path",
    [
        "emails",
        "phoneNumbers",
        'emails[type eq "work"]',
        "name",
        f"{ENTERPRISE}:manager",
        None,
        ENTERPRISE,
    ],
)
@pytest.mark.parametrize(
    "text", ["[{", '{"value": }', '[{"value": "a"} x', '{"a": NaN}', '{"a": 1, "A": 2}', "[" * 40]
)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_text_that_begins_like_json_and_is_none_is_refused(path, text, op):
    operation = (
        {"op": op, "value": text} if path is None else {"op": op, "path": path, "value": text}
    )

    with pytest.raises(InvalidValue, match="begins like JSON and is none"):
        changed(operation)


def test_a_string_that_is_like_json_stays_the_string_that_it_is():
    after = changed(
        {"op": "replace", "path": "title", "value": '{"value": "x"}'},
        {"op": "replace", "path": "displayName", "value": "[x]"},
        {"op": "add", "path": f"{OWN}:departmentIds", "value": ["[draft", "[a]"]},
        {"op": "add", "path": f"{OWN}:departmentIds", "value": "[b]"},
    )

    assert (after["title"], after["displayName"]) == ('{"value": "x"}', "[x]")
    assert after[OWN] == {"departmentIds": ["[draft", "[a]", "[b]"]}


# --- kinds of values -----------------------------------------------------------------------------


@pytest.mark.quirk("E39")
@pytest.mark.parametrize(
    "value",
    [
        [{"value": "1"}, {"value": "2"}],
        [{"$ref": None, "value": "1"}, "2"],
        [1, 2],
        [{"value": 1}, {"value": "2"}, {"value": "1"}],
    ],
)
def test_an_array_of_strings_comes_as_an_array_of_objects(value):
    """Microsoft Q&A 1693075."""
    for after in everywhere(f"{OWN}:departmentIds", value):
        assert after[OWN] == {"departmentIds": ["1", "2"]}


@pytest.mark.quirk("E14")
@pytest.mark.quirk("E45")
@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ({"value": ["1"]}, ["2", "3"]),
        ({"value": [{"value": "1"}]}, ["2", "3"]),
        ({"value": "2"}, ["1", "3"]),
        ({"path": f'{OWN}:departmentIds[value eq "3"]'}, ["1", "2"]),
        ({"path": f"{OWN}:departmentIds[value eq 3]"}, ["1", "2"]),
        ({"path": f'{OWN}:departmentIds[value eq "4"]'}, ["1", "2", "3"]),
        (
            {"op": "replace", "path": f'{OWN}:departmentIds[value eq "1"]', "value": "9"},
            ["2", "3", "9"],
        ),
        (
            {"op": "replace", "path": f'{OWN}:departmentIds[value eq "1"]', "value": None},
            ["2", "3"],
        ),
        (
            {"op": "replace", "path": f'{OWN}:departmentIds[value eq "4"]', "value": []},
            ["1", "2", "3"],
        ),
        ({"value": []}, ["1", "2", "3"]),
    ],
)
def test_one_of_several_plain_values_is_removed_or_replaced(operation, left):
    three = changed({"op": "add", "path": f"{OWN}:departmentIds", "value": ["1", "2", "3"]})

    after = changed({"op": "remove", "path": f"{OWN}:departmentIds", **operation}, to=three)

    assert after[OWN] == {"departmentIds": left}


@pytest.mark.quirk("E45")
@pytest.mark.parametrize(
    ("op", "path", "error"),
    [
        ("add", 'departmentIds[value eq "1"]', InvalidPath),
        ("add", 'departmentIds[value eq "4"]', InvalidPath),
        ("replace", 'departmentIds[value eq "4"]', NoTarget),
        ("replace", 'departmentIds[type eq "1"]', InvalidFilter),
        ("replace", 'badge[value eq "1"]', InvalidPath),
    ],
)
def test_a_selection_that_fits_no_plain_value_is_refused(op, path, error):
    one = changed({"op": "add", "path": f"{OWN}:departmentIds", "value": ["1"]})

    with pytest.raises(error):
        changed({"op": op, "path": f"{OWN}:{path}", "value": "9"}, to=one)


@pytest.mark.quirk("E38")
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("level", "5", 5),
        ("level", "-0", 0),
        ("levels", ["1", 2, "3"], [1, 2, 3]),
        ("levels", "7", [7]),
        ("rate", "1.5", 1.5),
        ("rate", "1E2", 100.0),
        ("rate", "2", 2),
        ("isContractor", "True", True),
        ("isContractor", "FALSE", False),
        ("hireDate", "2022-07-01T00:00:00Z", "2022-07-01T00:00:00Z"),
    ],
)
def test_a_text_is_the_number_or_boolean_that_it_spells(name, text, value):
    for after in everywhere(f"{OWN}:{name}", text):
        assert after[OWN] == {name: value}
        assert type(after[OWN][name]) is type(value)


@pytest.mark.quirk("E41")
@pytest.mark.parametrize(
    ("number", "text"),
    [("701984", "701984"), ("0", "0"), ("-1", "-1"), ("1.50", "1.50"), ("1e3", "1e3")],
)
@pytest.mark.parametrize(
    "path",
    [
        "userName",
        "externalId",
        "title",
        "name.givenName",
        f"{ENTERPRISE}:employeeNumber",
        f"{ENTERPRISE}:costCenter",
        f"{ENTERPRISE}:manager.value",
        'addresses[type eq "work"].postalCode',
        'phoneNumbers[type eq "work"].value',
        f"{OWN}:badge",
    ],
)
def test_a_number_for_a_string_is_its_text_as_json_wrote_it(path, number, text):
    from_text = everywhere(path, text)

    assert everywhere(path, values.read_document(number)) == from_text
    assert everywhere(path, [{"value": values.read_document(number)}]) == from_text


@pytest.mark.parametrize(
    "path", ["userName", "title", 'emails[type eq "work"].value', f"{OWN}:badge"]
)
def test_a_boolean_for_a_string_is_refused(path):
    """A mapping that is wrong, not a spelling: no directory has true for a name."""
    for op in ("add", "replace"):
        with pytest.raises(InvalidValue, match="must be a string; the request has a boolean"):
            changed({"op": op, "path": path, "value": True})


def test_a_number_is_no_boolean_no_time_and_no_reference():
    for kind in (Type.BOOLEAN, Type.DATE_TIME, Type.REFERENCE, Type.BINARY):
        with pytest.raises(InvalidValue):
            read_value(Attribute("x", kind), 1, "x")


def test_the_values_of_a_list_are_counted_in_json_in_a_text_too():
    emails = Attribute("emails", Type.COMPLEX, multi_valued=True, max_values=1)

    with pytest.raises(InvalidValue, match="has more than 1 values"):
        read_values(emails, '[{"value": "a"}, {"value": "b"}]', "emails", Notes())


def test_work_is_as_it_was_when_nothing_of_it_was_sent():
    assert changed({"op": "add", "path": "emails", "value": "[]"})["emails"][0] == WORK
